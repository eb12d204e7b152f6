// Reads the answers of a memcached out of its bytes, strictly.
#ifndef SHARDCACHE_LIB_WIRE_PARSER_H_
#define SHARDCACHE_LIB_WIRE_PARSER_H_

#include <cstddef>
#include <optional>
#include <string_view>

#include "lib/wire/request.h"

namespace shardcache::inline v0::internal {

// How far a parser came with what it was given.
enum class Progress : std::uint8_t {
  kMore,      // all that was complete is read; the request waits for more
  kDone,      // the request is answered
  kLast,      // the same, but what follows on this connection cannot be trusted: close it
  kProtocol,  // nothing that a memcached answers to this request: close the connection
};

// Parses the answer to one request after another. Keeps nothing but where it stands, so that
// its memory is bounded whatever a server sends: lines are refused from kMaxLine bytes on, and a
// value is taken over as it arrives. Not thread-safe.
class Parser {
 public:
  static constexpr std::size_t kMaxLine = 8192;
  // memcached's own limit of an item (-I).
  static constexpr std::uint64_t kMaxValue = std::uint64_t{1} << 30;

  // What an error's line says to `verb`; absent if it is none.
  static std::optional<Status> ErrorStatus(Verb verb, std::string_view line);

  // Reads the front of `*bytes`, which it shortens by what it used, into the answers of
  // `request`. Must be called with the same request until it is answered.
  Progress Read(Request* request, std::string_view* bytes);

 private:
  Progress ReadLine(Request* request, std::string_view line);
  static Progress FinishGet(Request* request);
  Progress ReadValueHeader(Request* request, std::string_view rest);
  Progress ReadMetaLine(Request* request, std::string_view line);
  bool TakeWholeValue(Request* request, std::string_view* bytes);
  Progress ReadListLine(Request* request, std::string_view line);
  Progress ReadValue(std::string_view* bytes);
  Progress ErrorLine(Request* request, Status status, std::string_view line);
  Progress BeginValue(Answer* answer, std::uint64_t size, Status status);

  std::size_t next_ = 0;       // of a multi-get: the key to expect
  bool led_ = false;           // of a numbered one: the first key is answered, or being so
  Answer* value_ = nullptr;    // whose value is being read
  Status status_{};            // what that is then
  std::uint64_t missing_ = 0;  // bytes of it that are still to come, with its CR LF
  bool last_ = false;          // the value ends the answer
};

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_WIRE_PARSER_H_
