// The three structures of the Arrow C data and C stream interfaces, whose layout is fixed by
// https://arrow.apache.org/docs/format/CDataInterface.html and CStreamInterface.html.
#ifndef SHARDCACHE_BINDINGS_PYTHON_NATIVE_ARROW_ABI_H_
#define SHARDCACHE_BINDINGS_PYTHON_NATIVE_ARROW_ABI_H_

#include <cstdint>

namespace shardcache::python {

struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  std::int64_t flags;
  std::int64_t n_children;
  ArrowSchema** children;
  ArrowSchema* dictionary;
  void (*release)(ArrowSchema*);
  void* private_data;
};

struct ArrowArray {
  std::int64_t length;
  std::int64_t null_count;  // -1: not counted
  std::int64_t offset;
  std::int64_t n_buffers;
  std::int64_t n_children;
  const void** buffers;
  ArrowArray** children;
  ArrowArray* dictionary;
  void (*release)(ArrowArray*);
  void* private_data;
};

struct ArrowArrayStream {
  int (*get_schema)(ArrowArrayStream*, ArrowSchema* out);
  int (*get_next)(ArrowArrayStream*, ArrowArray* out);  // released: the end
  const char* (*get_last_error)(ArrowArrayStream*);
  void (*release)(ArrowArrayStream*);
  void* private_data;
};

}  // namespace shardcache::python

#endif  // SHARDCACHE_BINDINGS_PYTHON_NATIVE_ARROW_ABI_H_
