// Numbers on their way to numpy, without its headers: an object that lends its memory.
#ifndef SHARDCACHE_BINDINGS_PYTHON_NATIVE_ARRAY_H_
#define SHARDCACHE_BINDINGS_PYTHON_NATIVE_ARRAY_H_

#include <cstdint>
#include <vector>

namespace shardcache::python {

// Python's Uint32Array: numpy.asarray() of it copies nothing.
struct Uint32Array {
  std::vector<std::uint32_t> values;
};

}  // namespace shardcache::python

#endif  // SHARDCACHE_BINDINGS_PYTHON_NATIVE_ARRAY_H_
