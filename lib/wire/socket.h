// Sockets as a connection needs them: owned, connected without waiting, waited for until a
// moment.
#ifndef SHARDCACHE_LIB_WIRE_SOCKET_H_
#define SHARDCACHE_LIB_WIRE_SOCKET_H_

#include <sys/socket.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "shardcache/router.h"
#include "shardcache/server.h"

namespace shardcache::inline v0::internal {

// When a call must be over; TimePoint::max() for never.
using Deadline = TimePoint;

// The moment `timeout` from `now`; never, without one.
Deadline DeadlineAfter(TimePoint now, std::optional<std::chrono::milliseconds> timeout);

// Why a connection was lost, for the Router and for people.
struct WireFailure {
  FailureKind kind = FailureKind::kOther;
  std::string what;  // "connection refused", "no answer in time", ...
  // It is certain that the server had closed an idle connection before anything of what was then
  // sent reached it: as if nothing had been sent.
  bool untaken = false;
};

// The failure that errno number `error` stands for.
WireFailure FailureOfErrno(int error);

// Owns a file descriptor, or none.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    if (this != &other) Close(std::exchange(other.fd_, -1));
    return *this;
  }
  ~Socket() { Close(); }

  int fd() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void Close(int replacement = -1);

 private:
  int fd_ = -1;
};

struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t size = 0;
};

// The addresses of `server`. A host name is looked up by a thread of its own, which is left to
// itself when `deadline` passes first. Never empty.
std::variant<std::vector<SocketAddress>, WireFailure> Resolve(const Server& server,
                                                              Deadline deadline);

// Begins to connect; the socket becomes writable when that has come to an end.
std::variant<Socket, WireFailure> StartConnect(const SocketAddress& address);

// How the attempt ended. Afterwards the socket waits in recv() and send() unless told not to.
std::optional<WireFailure> FinishConnect(const Socket& socket);

#if defined(__linux__)
inline constexpr bool kTellsUnacknowledged = true;
#else
inline constexpr bool kTellsUnacknowledged = false;
#endif

// How many bytes that were sent on a TCP connection the other end has not acknowledged; absent if
// the system does not tell.
std::optional<std::size_t> Unacknowledged(const Socket& socket);

// The milliseconds until `deadline` as poll(2) wants them: -1 for ever, rounded up.
int PollTimeout(Deadline deadline, TimePoint now);

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_WIRE_SOCKET_H_
