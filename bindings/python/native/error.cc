#include "bindings/python/native/error.h"

#include <pybind11/pybind11.h>

#include <string>
#include <string_view>

namespace shardcache::python {
namespace {

namespace py = pybind11;

// A message may quote bytes that are not UTF-8.
py::str Text(std::string_view text) {
  return py::reinterpret_steal<py::str>(
      PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "backslashreplace"));
}

py::object TextOrNone(std::string_view text) {
  if (text.empty()) return py::none();
  return Text(text);
}

py::object BytesOrNone(const std::string& bytes) {
  if (bytes.empty()) return py::none();
  return py::bytes(bytes);
}

}  // namespace

void RaiseErrors() {
  py::register_local_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const Failure& failure) {
      const Error& error = failure.error();
      const py::object type = py::module_::import("shardcache._error").attr("Error");
      const py::object instance = type(Text(error.message), Text(ErrorCodeName(error.code)),
                                       TextOrNone(error.server), BytesOrNone(error.key));
      PyErr_SetObject(type.ptr(), instance.ptr());
    }
  });
}

}  // namespace shardcache::python
