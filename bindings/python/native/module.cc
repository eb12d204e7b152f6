#include "bindings/python/native/module.h"

#include "bindings/python/native/error.h"

PYBIND11_MODULE(_shardcache, module) {
  namespace python = shardcache::python;
  module.doc() = "The C++ library as it is; use the package shardcache instead.";
  module.attr("version") = SHARDCACHE_VERSION;
  python::RaiseErrors();
  python::DefineArray(module);
  python::DefineHash(module);
  python::DefineConfig(module);
  python::DefinePlacement(module);
  python::DefineInterop(module);
  python::DefineCompare(module);
  python::DefineAnalysis(module);
  python::DefineEjector(module);
  python::DefineRouter(module);
  python::DefineProxyStats(module);
  python::DefineClientMetrics(module);
  python::DefineClient(module);
  python::DefineDualClient(module);
  python::DefineFleet(module);
}
