// What the clients take from Python, and how they fail there.
#ifndef SHARDCACHE_BINDINGS_PYTHON_NATIVE_CLIENT_H_
#define SHARDCACHE_BINDINGS_PYTHON_NATIVE_CLIENT_H_

#include <pybind11/pybind11.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "bindings/python/native/error.h"
#include "shardcache/client.h"

namespace shardcache::python {

// From a dict that has every field. Throws Failure for the name of no stale guard.
ClientOptions ToClientOptions(const pybind11::dict& fields);

// Bytes as they are, str as UTF-8; valid as long as `value` is. Raises TypeError for anything else.
std::string_view ValueBytes(pybind11::handle value);

// Seconds from now; absent: until it is evicted.
using Seconds = std::optional<std::int64_t>;
Expiration ToExpiration(const Seconds& seconds);

// "set", "add", "replace", "append", "prepend" or "cas". Throws Failure for any other.
Command ToStoringCommand(std::string_view name);

// The bytes of keys, valid as long as `keys` has them.
std::vector<std::string_view> AllKeyBytes(const pybind11::list& keys);

// ({key: what `value_of` makes of its result}, {key: Error}) of what a call for many keys came to.
// Where `value_of` makes a null object, as of a miss, the key is in neither.
template <typename Found, typename ValueOf>
pybind11::tuple ByKey(const pybind11::list& keys, const std::vector<Result<Found>>& results,
                      ValueOf value_of) {
  pybind11::dict values;
  pybind11::dict errors;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const pybind11::object key = keys[i];
    if (!results[i].ok()) {
      errors[key] = MakeError(results[i].error(), key);
    } else if (const pybind11::object value = value_of(*results[i])) {
      values[key] = value;
    }
  }
  return pybind11::make_tuple(values, errors);
}

// The data of a hit, for ByKey().
pybind11::object DataOf(const std::optional<Value>& found);

// Raises what a call for `key` failed with.
[[noreturn]] void Raise(const Error& error, pybind11::handle key);

// The value of what a call for `key` came to.
template <typename T>
T Unwrap(Result<T> result, pybind11::handle key) {
  if (!result.ok()) Raise(result.error(), key);
  return *std::move(result);
}

// Raises what a signal handler raised during a call of this thread, which ended it. Needs the GIL.
void RaiseInterruption();

}  // namespace shardcache::python

#endif  // SHARDCACHE_BINDINGS_PYTHON_NATIVE_CLIENT_H_
