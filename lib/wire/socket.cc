#include "lib/wire/socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>
#include <unistd.h>

#if defined(__linux__)
#include <linux/sockios.h>
#include <sys/ioctl.h>
#endif

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <limits>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

namespace shardcache::inline v0::internal {
namespace {

using Addresses = std::vector<SocketAddress>;
using Resolved = std::variant<Addresses, WireFailure>;

Resolved UnixAddress(const std::string& path) {
  SocketAddress address;
  auto* const raw = reinterpret_cast<sockaddr_un*>(&address.storage);
  if (path.size() >= sizeof raw->sun_path) {
    return WireFailure{FailureKind::kUnresolved, "the path of the socket is too long"};
  }
  raw->sun_family = AF_UNIX;
  std::memcpy(raw->sun_path, path.c_str(), path.size() + 1);
  address.size = sizeof *raw;
  return Addresses{address};
}

// getaddrinfo(), which may wait for the network unless `numeric`.
Resolved LookUp(const std::string& host, std::uint16_t port, bool numeric) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | (numeric ? AI_NUMERICHOST : 0);
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) return WireFailure{FailureKind::kUnresolved, ::gai_strerror(error)};
  Addresses addresses;
  for (const addrinfo* next = found; next != nullptr; next = next->ai_next) {
    SocketAddress& address = addresses.emplace_back();
    std::memcpy(&address.storage, next->ai_addr, next->ai_addrlen);
    address.size = next->ai_addrlen;
  }
  ::freeaddrinfo(found);
  return addresses;
}

// Shared with a thread that may outlive the call it works for.
struct Lookup {
  std::mutex mutex;
  std::condition_variable done;
  std::optional<Resolved> result;
};

Resolved LookUpUntil(const Server& server, Deadline deadline) {
  auto lookup = std::make_shared<Lookup>();
  try {
    std::thread([lookup, host = server.host, port = server.port] {
      Resolved result = LookUp(host, port, /*numeric=*/false);
      const std::lock_guard lock(lookup->mutex);
      lookup->result = std::move(result);
      lookup->done.notify_all();
    }).detach();
  } catch (const std::system_error& error) {
    return WireFailure{FailureKind::kOther, error.what()};
  }
  std::unique_lock lock(lookup->mutex);
  const auto ready = [&] { return lookup->result.has_value(); };
  if (deadline == Deadline::max()) {
    lookup->done.wait(lock, ready);
  } else if (!lookup->done.wait_until(lock, deadline, ready)) {
    return WireFailure{FailureKind::kTimeout, "the host name was not resolved in time"};
  }
  return *std::move(lookup->result);
}

}  // namespace

Deadline DeadlineAfter(TimePoint now, std::optional<std::chrono::milliseconds> timeout) {
  if (!timeout || *timeout >= std::chrono::hours(24 * 365)) return Deadline::max();
  return now + *timeout;
}

WireFailure FailureOfErrno(int error) {
  FailureKind kind = FailureKind::kOther;
  if (error == ECONNREFUSED || error == ENOENT) kind = FailureKind::kRefused;
  if (error == ECONNRESET || error == EPIPE) kind = FailureKind::kReset;
  if (error == ETIMEDOUT) kind = FailureKind::kTimeout;
  return {kind, std::generic_category().message(error)};
}

void Socket::Close(int replacement) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = replacement;
}

Resolved Resolve(const Server& server, Deadline deadline) {
  if (server.is_unix()) return UnixAddress(server.host);
  Resolved numeric = LookUp(server.host, server.port, /*numeric=*/true);
  if (std::holds_alternative<Addresses>(numeric)) return numeric;
  return LookUpUntil(server, deadline);
}

std::variant<Socket, WireFailure> StartConnect(const SocketAddress& address) {
  const int family = address.storage.ss_family;
  Socket socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return FailureOfErrno(errno);
  if (family != AF_UNIX) {
    const int on = 1;  // a request is never worth waiting for more of them
    ::setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  const auto* const raw = reinterpret_cast<const sockaddr*>(&address.storage);
  if (::connect(socket.fd(), raw, address.size) != 0 && errno != EINPROGRESS && errno != EINTR) {
    // A unix socket whose backlog is full says EAGAIN, and never becomes writable.
    if (errno == EAGAIN) return WireFailure{FailureKind::kRefused, "the server's backlog is full"};
    return FailureOfErrno(errno);
  }
  return socket;
}

std::optional<WireFailure> FinishConnect(const Socket& socket) {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error == 0 && ::fcntl(socket.fd(), F_SETFL, 0) != 0) error = errno;
  if (error != 0) return FailureOfErrno(error);
  return std::nullopt;
}

std::optional<std::size_t> Unacknowledged([[maybe_unused]] const Socket& socket) {
#if defined(__linux__)
  int bytes = 0;
  if (::ioctl(socket.fd(), SIOCOUTQ, &bytes) == 0) return static_cast<std::size_t>(bytes);
#endif
  return std::nullopt;
}

int PollTimeout(Deadline deadline, TimePoint now) {
  if (deadline == Deadline::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

}  // namespace shardcache::inline v0::internal
