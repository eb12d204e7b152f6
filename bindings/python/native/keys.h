// Keys from Python, one or many at a time, without a copy.
#ifndef SHARDCACHE_BINDINGS_PYTHON_NATIVE_KEYS_H_
#define SHARDCACHE_BINDINGS_PYTHON_NATIVE_KEYS_H_

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "bindings/python/native/array.h"

namespace shardcache::python {

namespace py = pybind11;

// The bytes of a key, valid as long as `key` is: bytes as they are, str as UTF-8. Raises
// TypeError for anything else, and UnicodeEncodeError for a str with a lone surrogate.
std::string_view KeyBytes(py::handle key);

using KeySpan = std::span<const std::string_view>;

// A batch of keys. Read in portions, so that the GIL is held only for what needs it, and signals
// are seen between them.
class KeySource {
 public:
  virtual ~KeySource() = default;
  // Goes to the next portion; false: there is none. Needs the GIL.
  virtual bool Advance() = 0;
  // Gives `visit` the keys of this portion, in order, some at a time. Does without the GIL.
  virtual void ForEach(const std::function<void(KeySpan)>& visit) = 0;
  // How many keys there are in all; 0 if that is not known.
  virtual std::size_t size() const { return 0; }
};

// Reads any of these:
// - a numpy array of dtype S, of one dimension; numpy pads with NULs, so those at the end of a key
//   are no part of it;
// - Arrow strings or binary, an array or a chunked one (see arrow.h);
// - any iterable of bytes and str.
// Raises TypeError for anything else, also for a single bytes or str.
std::unique_ptr<KeySource> OpenKeys(const py::object& keys);

// Calls `work` with all keys, in order, some at a time and without the GIL. Raises what reading
// them raises, and KeyboardInterrupt if the user asks for it.
void ForEachKeys(const py::object& keys, const std::function<void(KeySpan)>& work);

// A number for each key. `work` fills in those of a span of keys, without the GIL.
Uint32Array MapKeys(const py::object& keys,
                    const std::function<void(KeySpan, std::span<std::uint32_t>)>& work);

}  // namespace shardcache::python

#endif  // SHARDCACHE_BINDINGS_PYTHON_NATIVE_KEYS_H_
