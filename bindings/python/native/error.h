// The library's errors as exceptions.
#ifndef SHARDCACHE_BINDINGS_PYTHON_NATIVE_ERROR_H_
#define SHARDCACHE_BINDINGS_PYTHON_NATIVE_ERROR_H_

#include <pybind11/pybind11.h>

#include <exception>
#include <string_view>
#include <utility>

#include "shardcache/result.h"

namespace shardcache::python {

// Becomes Python's shardcache.Error. May be thrown without the GIL.
class Failure : public std::exception {
 public:
  explicit Failure(Error error) : error_(std::move(error)) {}
  const char* what() const noexcept override { return error_.message.c_str(); }
  const Error& error() const { return error_; }

 private:
  Error error_;
};

// The value of `result`, or its error thrown.
template <typename T>
T Unwrap(Result<T> result) {
  if (!result.ok()) throw Failure(result.error());
  return *std::move(result);
}
inline void Unwrap(const Result<void>& result) {
  if (!result.ok()) throw Failure(result.error());
}

// `error` as an instance of shardcache.Error. `key` stands for the error's own, as the caller gave
// it. Needs the GIL.
pybind11::object MakeError(const Error& error, pybind11::handle key = {});

// Bytes that are text but may be of any encoding.
pybind11::str ToText(std::string_view text);

// Makes Failures shardcache.Error from now on.
void RaiseErrors();

}  // namespace shardcache::python

#endif  // SHARDCACHE_BINDINGS_PYTHON_NATIVE_ERROR_H_
