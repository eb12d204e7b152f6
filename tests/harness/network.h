// What the harness needs of sockets: addresses as nutcracker writes them, listening, connecting
// with a deadline, and ports that stay free for a test. Failures throw std::system_error, whose
// text names the address.
#ifndef SHARDCACHE_TESTS_HARNESS_NETWORK_H_
#define SHARDCACHE_TESTS_HARNESS_NETWORK_H_

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

namespace shardcache::testing {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

// Owns a file descriptor, or none (-1).
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) Reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~Fd() { Reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void Reset(int fd = -1);

 private:
  int fd_ = -1;
};

// An IPv4 address and port ("127.0.0.1:11211") or a unix socket's path ("/tmp/mc.sock"). Nothing
// is looked up by name.
class Address {
 public:
  // Throws std::invalid_argument naming `text` if it is neither.
  explicit Address(const std::string& text);

  const std::string& text() const { return text_; }
  bool is_unix() const { return storage_.ss_family == AF_UNIX; }
  int family() const { return storage_.ss_family; }
  std::uint16_t port() const;  // 0 for a unix socket
  const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t raw_size() const { return raw_size_; }

 private:
  std::string text_;
  sockaddr_storage storage_ = {};
  socklen_t raw_size_ = 0;
};

// "127.0.0.1:PORT".
std::string Loopback(std::uint16_t port);

// A non-blocking listening socket. A port that was in use a moment ago is taken again
// (SO_REUSEADDR); a unix socket's path is unlinked first.
Fd Listen(const Address& address);

// A connected non-blocking socket (TCP_NODELAY). Throws with ETIMEDOUT when `deadline` passes.
Fd Connect(const Address& address, Clock::time_point deadline);

// Waits for `events` (of poll(2)) on `fd`; false when `deadline` passes first.
bool WaitFor(int fd, short events, Clock::time_point deadline);

// A TCP port on which nobody listens on 127.0.0.1. No port is handed out twice, neither in this
// process nor to another running test process that uses this function. The ports lie below the
// range from which the kernel takes the ports of outgoing connections, so none is taken by a
// connection while its server is down, and no connection to it can meet itself. Thread-safe.
std::uint16_t FreePort();

// Waits until something accepts connections at `address`, by connecting to it; throws
// std::runtime_error naming the address after `timeout`.
void WaitForPort(const std::string& address, Milliseconds timeout = Milliseconds(10000));
void WaitForPort(std::uint16_t port, Milliseconds timeout = Milliseconds(10000));

}  // namespace shardcache::testing

#endif  // SHARDCACHE_TESTS_HARNESS_NETWORK_H_
