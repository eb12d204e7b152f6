#include "bindings/python/native/array.h"

#include "bindings/python/native/module.h"

namespace shardcache::python {

void DefineArray(py::module_& module) {
  py::class_<Uint32Array>(module, "Uint32Array", py::buffer_protocol(),
                          "Lends its memory to numpy.asarray().")
      .def("__len__", [](const Uint32Array& array) { return array.values.size(); })
      .def_buffer([](Uint32Array& array) {
        return py::buffer_info(array.values.data(), static_cast<py::ssize_t>(array.values.size()));
      });
}

}  // namespace shardcache::python
