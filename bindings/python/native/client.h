// The client's options on their way from Python.
#ifndef SHARDCACHE_BINDINGS_PYTHON_NATIVE_CLIENT_H_
#define SHARDCACHE_BINDINGS_PYTHON_NATIVE_CLIENT_H_

#include <pybind11/pybind11.h>

#include "shardcache/client.h"

namespace shardcache::python {

// From a dict that has every field. Throws Failure for the name of no stale guard.
ClientOptions ToClientOptions(const pybind11::dict& fields);

// Raises what a signal handler raised during a call of this thread, which ended it. Needs the GIL.
void RaiseInterruption();

}  // namespace shardcache::python

#endif  // SHARDCACHE_BINDINGS_PYTHON_NATIVE_CLIENT_H_
