// The parts of the extension module `_shardcache`. It is mechanical: plain values in and out, in
// the C++ library's terms. What is pleasant to use is in ../shardcache.
#ifndef SHARDCACHE_BINDINGS_PYTHON_NATIVE_MODULE_H_
#define SHARDCACHE_BINDINGS_PYTHON_NATIVE_MODULE_H_

#include <pybind11/pybind11.h>

namespace shardcache::python {

namespace py = pybind11;

// Each defines one concept; in this order, for a type must be known before it is used.
void DefineArray(py::module_& module);
void DefineHash(py::module_& module);
void DefineConfig(py::module_& module);
void DefinePlacement(py::module_& module);
void DefineInterop(py::module_& module);
void DefineCompare(py::module_& module);
void DefineAnalysis(py::module_& module);
void DefineEjector(py::module_& module);
void DefineRouter(py::module_& module);
void DefineProxyStats(py::module_& module);
void DefineClientMetrics(py::module_& module);
void DefineClient(py::module_& module);
void DefineDualClient(py::module_& module);
void DefineFleet(py::module_& module);

}  // namespace shardcache::python

#endif  // SHARDCACHE_BINDINGS_PYTHON_NATIVE_MODULE_H_
