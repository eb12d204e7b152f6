// Pool configurations on their way from and to Python.
#ifndef SHARDCACHE_BINDINGS_PYTHON_NATIVE_CONFIG_H_
#define SHARDCACHE_BINDINGS_PYTHON_NATIVE_CONFIG_H_

#include <pybind11/pybind11.h>

#include "shardcache/pool_config.h"

namespace shardcache::python {

// A dict that has every field of PoolConfig under its name.
pybind11::dict FromConfig(const PoolConfig& config);

// Throws Failure for a value that cannot be, naming pool and setting.
PoolConfig ToConfig(const pybind11::dict& fields);

}  // namespace shardcache::python

#endif  // SHARDCACHE_BINDINGS_PYTHON_NATIVE_CONFIG_H_
