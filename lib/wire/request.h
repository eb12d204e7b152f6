// What is asked of a memcached, and what it answered.
#ifndef SHARDCACHE_LIB_WIRE_REQUEST_H_
#define SHARDCACHE_LIB_WIRE_REQUEST_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace shardcache::inline v0::internal {

enum class Verb : std::uint8_t {
  kGet,   // any number of keys; all others have one, or none
  kGets,  // the same with the cas value of each
  kGetAndTouch,
  kSet,
  kAdd,
  kReplace,
  kAppend,
  kPrepend,
  kCas,
  kDelete,
  kIncrement,
  kDecrement,
  kTouch,
  kFlushAll,
  kVersion,
  kStats,       // lines; `key` is the sort of statistics, if any
  kMetadump,    // lines of "lru_crawler metadump", which walks the LRU lists, or what `key` says
  kMetaGet,     // "mg": value, flags, cas and remaining time; see Answer::remaining
  kMetaLook,    // "mg" for the cas alone
  kMetaNoop,    // "mn": does the server have meta commands?
  kMetaDelete,  // "md" of the item with the cas value `number` alone
};

inline bool IsStore(Verb verb) { return verb >= Verb::kSet && verb <= Verb::kCas; }
inline bool IsCounter(Verb verb) { return verb == Verb::kIncrement || verb == Verb::kDecrement; }

// Whether it has no other form than that of a meta command.
inline bool IsMeta(Verb verb) {
  return verb == Verb::kMetaGet || verb == Verb::kMetaLook || verb == Verb::kMetaDelete;
}

// A name for people: "get", "set", ...
std::string_view VerbName(Verb verb);

enum class Status : std::uint8_t {
  kPending,  // no answer: the connection was lost first, or is still waited for
  kHit,
  kMiss,  // no such key: END, NOT_FOUND, EN
  kStored,
  kNotStored,
  kExists,
  kDeleted,
  kTouched,
  kNumber,  // of kIncrement and kDecrement
  kOk,      // OK, VERSION, the end of lines
  // Answers that say no. `data` has the line.
  kError,
  kClientError,
  kServerError,
  kUnclear,  // of Request::quiet: somebody was told no, who may have been this one
};

// The answer to one key, or to a request without one.
struct Answer {
  Status status = Status::kPending;
  std::uint32_t flags = 0;
  std::uint64_t number = 0;  // cas, or the counter
  // kMetaGet: the seconds left; absent for an item that never expires.
  std::optional<std::int64_t> remaining = {};
  std::string data;  // the value, the version, or the error's line
};

// One command. Keys, value and answers are the caller's, and must live until it is answered or
// the connection is closed.
struct Request {
  Verb verb = Verb::kGet;
  std::span<const std::string_view> keys = {};
  std::string_view value = {};
  std::uint32_t flags = 0;
  std::int64_t expire = 0;         // as memcached wants it
  std::uint64_t number = 0;        // cas or delta
  std::span<Answer> answers = {};  // one for each key; one if there is no key
  // For verbs that answer in lines: called with each, without its line end.
  std::function<void(std::string_view)>* lines = nullptr;
  // What numbers its answer, if anything does (see meta.h): given by the connection.
  std::uint32_t serial = 0;
  // Of a kSet on a connection that is_numbered(): the server says nothing if it has stored the
  // value, which is known from an answer to a later request. An error has no number, so after a row
  // of these a request must come that gets none: see kMark.
  bool quiet = false;
  // Whether any byte of it may have left: only then the server may have acted on it.
  bool sent = false;
};

// Whether memcached takes `key`: 1 to 250 bytes, no blank and no control character.
bool IsValidKey(std::string_view key);

// No more bytes than this are needed to send `request`.
std::size_t SerializedBound(const Request& request);

// Writes the bytes of `request` to `out`, and returns where they end. REQUIRES: valid keys.
char* Serialize(const Request& request, char* out);

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_WIRE_REQUEST_H_
