// A small memcached text client for tests: blocking, but never for longer than it is told.
#ifndef SHARDCACHE_TESTS_HARNESS_TEXT_CLIENT_H_
#define SHARDCACHE_TESTS_HARNESS_TEXT_CLIENT_H_

#include <cstddef>
#include <functional>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/harness/network.h"

namespace shardcache::testing {

enum class Status {
  kHit,      // a get's value
  kMiss,     // no such key
  kOk,       // stored, deleted, or the line that Ask() asked for
  kError,    // an answer that says no: ERROR, CLIENT_ERROR ..., SERVER_ERROR ..., NOT_STORED
  kClosed,   // the connection ended before the answer was complete
  kTimeout,  // the deadline passed before the answer was complete
};

const char* StatusName(Status status);

struct Answer {
  Status status = Status::kClosed;
  std::string text;  // kHit: the value; kOk, kError: the line without its CR LF; kClosed: why

  friend bool operator==(const Answer&, const Answer&) = default;
};

// For GoogleTest's messages.
std::ostream& operator<<(std::ostream& out, const Answer& answer);

// One connection to a memcached or a proxy. After kClosed or kTimeout it is disconnected (a late
// answer would be taken for the next one's), and every call returns kClosed until Reconnect().
// Answers that break the protocol, or name another key than was asked for, throw
// std::runtime_error. For one thread at a time.
class TextClient {
 public:
  // Connects to "IPV4:PORT" or "/path"; throws std::system_error if that fails.
  explicit TextClient(const std::string& address, Milliseconds timeout = Milliseconds(5000));

  bool connected() const { return static_cast<bool>(fd_); }
  void Reconnect(Milliseconds timeout = Milliseconds(5000));

  Answer Get(std::string_view key, Milliseconds timeout = Milliseconds(5000));
  Answer Set(std::string_view key, std::string_view value,
             Milliseconds timeout = Milliseconds(5000));
  Answer Delete(std::string_view key, Milliseconds timeout = Milliseconds(5000));
  // Sends any line (CR LF is added) that is answered by one line.
  Answer Ask(std::string_view line, Milliseconds timeout = Milliseconds(5000));

  // Asks for each key by a `get` of its own, with up to `in_flight` of them unanswered at a time.
  // Returns an answer for each key, in order; kClosed or kTimeout from the first that got none.
  // `timeout` is for the whole call.
  std::vector<Answer> GetMany(std::span<const std::string> keys,
                              Milliseconds timeout = Milliseconds(30000), int in_flight = 200);

 private:
  // Takes the first answer off the received bytes, or nothing if it is not complete.
  using Parser = std::function<std::optional<Answer>()>;

  std::optional<Answer> ParseGet(std::string_view key);
  std::optional<Answer> ParseLine();
  std::optional<std::string> TakeLine();
  Answer RoundTrip(const std::string& request, Milliseconds timeout, const Parser& parse);
  // Sends what can be sent of `out_`, and receives at least something. An answer if there will be
  // no more.
  std::optional<Answer> Exchange(Clock::time_point deadline);
  Answer Disconnect(Status status, std::string why);

  Address address_;
  Fd fd_;
  std::string out_;          // still to be sent
  std::string in_;           // received
  std::size_t in_used_ = 0;  // bytes of `in_` that are parsed
  std::vector<char> buffer_;
};

}  // namespace shardcache::testing

#endif  // SHARDCACHE_TESTS_HARNESS_TEXT_CLIENT_H_
