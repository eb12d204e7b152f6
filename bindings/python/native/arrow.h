// Columns of strings by the Arrow C data interface: pyarrow, polars, pandas and others give one
// through __arrow_c_array__ or __arrow_c_stream__.
#ifndef SHARDCACHE_BINDINGS_PYTHON_NATIVE_ARROW_H_
#define SHARDCACHE_BINDINGS_PYTHON_NATIVE_ARROW_H_

#include <memory>

#include "bindings/python/native/keys.h"

namespace shardcache::python {

// The keys of an object that has one of those methods; null if it has none. Takes utf8, binary,
// their large and view forms, and fixed-size binary. Raises TypeError for a column of another
// type, and shardcache.Error, when it is reached, for a key that is null.
std::unique_ptr<KeySource> OpenArrowKeys(const py::object& keys);

}  // namespace shardcache::python

#endif  // SHARDCACHE_BINDINGS_PYTHON_NATIVE_ARROW_H_
