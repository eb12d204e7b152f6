#include "bindings/python/native/error.h"

#include <string>
#include <string_view>

namespace shardcache::python {
namespace {

namespace py = pybind11;

py::object TextOrNone(std::string_view text) {
  if (text.empty()) return py::none();
  return ToText(text);
}

py::object BytesOrNone(const std::string& bytes) {
  if (bytes.empty()) return py::none();
  return py::bytes(bytes);
}

}  // namespace

// A message may quote bytes that are not UTF-8.
py::str ToText(std::string_view text) {
  return py::reinterpret_steal<py::str>(
      PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "backslashreplace"));
}

py::object MakeError(const Error& error, py::handle key) {
  const py::object type = py::module_::import("shardcache._error").attr("Error");
  const py::object culprit = key ? py::reinterpret_borrow<py::object>(key) : BytesOrNone(error.key);
  return type(ToText(error.message), ToText(ErrorCodeName(error.code)), TextOrNone(error.server),
              culprit, error.maybe_applied);
}

void RaiseErrors() {
  py::register_local_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const Failure& failure) {
      const py::object error = MakeError(failure.error());
      PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.ptr())), error.ptr());
    }
  });
}

}  // namespace shardcache::python
