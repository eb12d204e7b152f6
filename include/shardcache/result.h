// A value, or the error that stands in its place.
//
// No function of this library throws (but for std::bad_alloc) and none reports
// failure through errno, a null pointer or a sentinel: what can fail returns a
// Result<T>, which the compiler does not let a caller drop.
#ifndef SHARDCACHE_RESULT_H_
#define SHARDCACHE_RESULT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "shardcache/export.h"

namespace shardcache::inline v0 {

enum class ErrorCode : std::uint8_t {
  kInvalidArgument,  // a value given by the caller is outside its documented range
  kInvalidConfig,    // a configuration that twemproxy refuses, or that cannot be placed
  kNotFound,         // a pool, server or setting of that name does not exist
  kIo,               // a file or connection could not be read or written
  kNoLiveServer,     // every server of the pool is ejected
  kTimeout,          // no answer in time
  kDisconnected,     // no connection, or it was lost before the answer
  kProtocol,         // the server answered what it never should
  kRefusedByServer,  // the server answered ERROR, CLIENT_ERROR or SERVER_ERROR
};

// The lower-case name of `code` in words that scripts may match: "invalid_argument", ...
SHARDCACHE_EXPORT std::string_view ErrorCodeName(ErrorCode code);

// What went wrong. `message` is a whole sentence fit to be shown to a user, which already
// names the file, line, server or key; `server` (a ring name) and `key` repeat the culprit
// for programs, and are empty where there is none.
struct [[nodiscard]] Error {
  ErrorCode code = ErrorCode::kInvalidArgument;
  std::string message;
  std::string server = {};
  std::string key = {};
  // Of a request to a server that changes something: it may have been carried out, or may yet be,
  // though nothing says so.
  bool maybe_applied = false;
};

// Ends the process with `error` on stderr: reading the value of a failed Result is a bug of
// the caller, and going on would be undefined.
[[noreturn]] SHARDCACHE_EXPORT void DieOfUnreadError(const Error& error);

// A T, or an Error. Like any value it may be read by many threads, written by one.
//
//   Result<std::vector<PoolConfig>> pools = LoadPools("nutcracker.yml");
//   if (!pools.ok()) return Fail(pools.error().message);
//   Use(*pools);
template <typename T>
class [[nodiscard]] Result {
 public:
  // Implicit, so that `return value;` and `return Error{...};` both read naturally.
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }

  // REQUIRES: ok(). Ends the process with the error's message otherwise. Of a temporary the
  // value is moved out, so that `for (auto& pool : *LoadPools(path))` is safe.
  const T& value() const& { return Checked(*this); }
  T& value() & { return Checked(*this); }
  T value() && { return std::move(Checked(*this)); }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  T operator*() && { return std::move(*this).value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }

  // REQUIRES: !ok().
  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  template <typename Self>
  static auto& Checked(Self& self) {
    if (!self.ok()) DieOfUnreadError(std::get<1>(self.state_));
    return *std::get_if<0>(&self.state_);
  }

  std::variant<T, Error> state_;
};

// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), ok_(false) {}

  bool ok() const { return ok_; }

  // REQUIRES: !ok().
  const Error& error() const { return error_; }

 private:
  Error error_;
  bool ok_ = true;
};

}  // namespace shardcache::inline v0

#endif  // SHARDCACHE_RESULT_H_
