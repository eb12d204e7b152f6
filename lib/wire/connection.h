// One strict, pipelined connection to one memcached.
#ifndef SHARDCACHE_LIB_WIRE_CONNECTION_H_
#define SHARDCACHE_LIB_WIRE_CONNECTION_H_

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "lib/wire/parser.h"
#include "lib/wire/request.h"
#include "lib/wire/socket.h"
#include "shardcache/server.h"

namespace shardcache::inline v0::internal {

// Whether a connection has its answers numbered where the server can do that: see meta.h.
enum class Numbers : std::uint8_t { kNo, kIfPossible };

// A connection that opens itself when it is asked for something. Requests are answered in the
// order in which they were queued. Whatever fails it, it is closed, the requests that are not
// answered keep their Status::kPending, and the next one begins on a new connection. Not
// thread-safe.
//
// One that wants numbers first asks the server for a sign that it gives them. A server that hangs
// up at that, as a twemproxy does, is connected to once more, and not asked again if it then
// answers.
class Connection {
 public:
  explicit Connection(Server server, Numbers numbers = Numbers::kNo)
      : server_(std::move(server)), wish_(numbers == Numbers::kNo ? Wish::kNone : Wish::kAsk) {}

  const Server& server() const { return server_; }
  bool is_open() const { return state_ == State::kOpen; }
  // Whether the server's machine has taken the connection, be it that the server says nothing.
  bool is_connected() const { return is_open() || state_ == State::kAskingForNumbers; }
  // Connections made since the beginning.
  std::uint64_t opened() const { return opened_; }

  // REQUIRES: idle. What became of an open connection since its last answer: nothing, or the
  // server closed it, or said something that nobody asked for.
  std::optional<WireFailure> CheckIdle();

  // Whether it is open and its answers are numbered.
  bool is_numbered() const { return numbered_; }

  // Whether CheckIdle() is needed before a request that CanBeNumbered() is queued. Else it shows
  // afterwards: an answer to nothing has the wrong number, and of a connection that the server had
  // closed WireFailure::untaken says that nothing came of the request.
  bool needs_check() const { return !numbered_ || !kTellsUnacknowledged; }

  // Begins to connect, unless it is open or on the way.
  std::optional<WireFailure> Open(Deadline deadline);

  // Puts the request behind those that wait for an answer. REQUIRES: Numbers::kNo, or is_open().
  void Queue(Request* request);

  // Whether all that was queued has left, and whether all of it is answered.
  bool all_sent() const { return state_ == State::kOpen && sent_ == out_end_; }
  bool idle() const { return waiting_.empty(); }
  // Bytes that are queued and have not left.
  std::size_t unsent() const { return out_end_ - sent_; }

  // For poll(2).
  int fd() const { return socket_.fd(); }
  short events() const;

  // Goes on with connecting, or sends as much as the kernel takes. Never waits.
  std::optional<WireFailure> Send();

  // Takes what has arrived; waits for it, but not past `deadline`, if there is nothing; `now` is
  // the time, or a little before. One wait may bring only a part of what is to come.
  // REQUIRES: all_sent() && !idle() to wait.
  std::optional<WireFailure> Receive(TimePoint now, Deadline deadline);

  // Never waits.
  std::optional<WireFailure> ReceiveNow() { return Receive(TimePoint::min(), TimePoint::min()); }

  void Close();

 private:
  enum class State : std::uint8_t { kClosed, kConnecting, kAskingForNumbers, kOpen };
  // What to do about numbers on the next connection; kNotNow: the last one was closed when asked.
  enum class Wish : std::uint8_t { kNone, kAsk, kNotNow };

  std::optional<WireFailure> ConnectToNext(WireFailure why_not);
  std::optional<WireFailure> EndConnecting();
  std::optional<WireFailure> TakeSign();
  void BeOpen(bool numbered);
  bool NothingTaken() const;
  std::optional<WireFailure> Parse();
  Progress ReadBehindQuiet(std::string_view* bytes);
  void SettleQuiet(std::size_t count);
  std::optional<WireFailure> Fail(WireFailure failure);
  bool LetWait(std::chrono::nanoseconds left);
  ssize_t ReceiveBytes(int flags);

  Server server_;
  State state_ = State::kClosed;
  Wish wish_;
  bool numbered_ = false;
  std::uint32_t serial_ = 0;  // the last one given
  Socket socket_;
  std::uint64_t opened_ = 0;
  std::vector<SocketAddress> addresses_;     // while connecting: the last is tried, others are left
  std::chrono::nanoseconds socket_wait_{0};  // how long a recv() on the socket waits

  std::vector<char> out_;
  std::size_t sent_ = 0;
  std::size_t out_end_ = 0;
  std::size_t sent_since_idle_ = 0;
  std::vector<char> in_;
  std::size_t in_begin_ = 0;
  std::size_t in_end_ = 0;
  std::deque<Request*> waiting_;
  std::vector<Answer> refusals_;  // errors of quiet ones, not known of which
  Parser parser_;
};

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_WIRE_CONNECTION_H_
