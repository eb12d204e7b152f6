#include "tests/harness/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <mutex>
#include <random>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <vector>

namespace shardcache::testing {
namespace {

[[noreturn]] void ThrowErrno(int error, const std::string& what) {
  throw std::system_error(error, std::generic_category(), what);
}

Fd StreamSocket(const Address& address) {
  Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) ThrowErrno(errno, "socket for " + address.text());
  return fd;
}

// Hands out ports in blocks; a block belongs to the process that bound the abstract unix socket
// named after it, and is given back when that process ends, however it ends.
class PortBlocks {
 public:
  PortBlocks() {
    std::ifstream range("/proc/sys/net/ipv4/ip_local_port_range");
    int first_ephemeral = 0;
    if (!(range >> first_ephemeral)) first_ephemeral = 32768;
    blocks_ = (first_ephemeral - kFirstPort) / kBlockSize;
    if (blocks_ < 1) throw std::runtime_error("no room for test ports below the ephemeral range");
    block_ = static_cast<int>(std::random_device()() % static_cast<unsigned>(blocks_));
  }

  std::uint16_t Next() {
    for (int tries = 0; tries <= blocks_;) {
      if (used_ == kBlockSize) {
        block_ = (block_ + 1) % blocks_;
        used_ = Claim() ? 0 : kBlockSize;
        ++tries;
        continue;
      }
      const int port = kFirstPort + block_ * kBlockSize + used_++;
      if (CanBind(static_cast<std::uint16_t>(port))) return static_cast<std::uint16_t>(port);
    }
    throw std::runtime_error("no free port is left for tests");
  }

 private:
  static constexpr int kFirstPort = 12000;
  static constexpr int kBlockSize = 50;

  bool Claim() {
    sockaddr_un name = {};
    name.sun_family = AF_UNIX;
    const std::string text = "shardcache-test-ports-" + std::to_string(block_);
    std::copy(text.begin(), text.end(), name.sun_path + 1);  // a leading NUL: abstract
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) ThrowErrno(errno, "socket for a block of ports");
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), size) != 0) return false;
    claims_.push_back(std::move(fd));
    return true;
  }

  static bool CanBind(std::uint16_t port) {
    const Address address(Loopback(port));
    const Fd fd = StreamSocket(address);
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return ::bind(fd.get(), address.raw(), address.raw_size()) == 0;
  }

  int blocks_ = 0;
  int block_ = 0;
  int used_ = kBlockSize;  // of the current block; full at first, so that one is claimed
  std::vector<Fd> claims_;
};

}  // namespace

void Fd::Reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Address::Address(const std::string& text) : text_(text) {
  if (!text.empty() && text[0] == '/') {
    auto* name = reinterpret_cast<sockaddr_un*>(&storage_);
    if (text.size() >= sizeof name->sun_path) {
      throw std::invalid_argument("unix socket path too long: " + text);
    }
    name->sun_family = AF_UNIX;
    std::memcpy(name->sun_path, text.c_str(), text.size() + 1);
    raw_size_ = sizeof *name;
    return;
  }
  auto* name = reinterpret_cast<sockaddr_in*>(&storage_);
  const std::size_t colon = text.rfind(':');
  const char* const end = text.data() + text.size();
  std::uint16_t port = 0;
  if (colon == std::string::npos ||
      ::inet_pton(AF_INET, text.substr(0, colon).c_str(), &name->sin_addr) != 1 ||
      std::from_chars(text.data() + colon + 1, end, port).ptr != end || port == 0) {
    throw std::invalid_argument("neither IPV4:PORT nor /PATH: '" + text + "'");
  }
  name->sin_family = AF_INET;
  name->sin_port = htons(port);
  raw_size_ = sizeof *name;
}

std::uint16_t Address::port() const {
  return is_unix() ? 0 : ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
}

std::string Loopback(std::uint16_t port) { return "127.0.0.1:" + std::to_string(port); }

Fd Listen(const Address& address) {
  Fd fd = StreamSocket(address);
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.is_unix()) ::unlink(address.text().c_str());
  if (::bind(fd.get(), address.raw(), address.raw_size()) != 0 || ::listen(fd.get(), 1024) != 0) {
    ThrowErrno(errno, "listen on " + address.text());
  }
  return fd;
}

Fd Connect(const Address& address, Clock::time_point deadline) {
  while (true) {
    Fd fd = StreamSocket(address);
    const int on = 1;
    if (!address.is_unix()) ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(fd.get(), address.raw(), address.raw_size()) == 0) return fd;
    int error = errno;
    if (error == EINPROGRESS) {
      if (!WaitFor(fd.get(), POLLOUT, deadline)) ThrowErrno(ETIMEDOUT, "to " + address.text());
      socklen_t size = sizeof error;
      ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
      if (error == 0) return fd;
    }
    // EAGAIN: the queue of a unix listener is full, and there is nothing to poll for.
    if (error != EAGAIN) ThrowErrno(error, "connect to " + address.text());
    if (Clock::now() >= deadline) ThrowErrno(ETIMEDOUT, "connect to " + address.text());
    std::this_thread::sleep_for(Milliseconds(1));
  }
}

bool WaitFor(int fd, short events, Clock::time_point deadline) {
  while (true) {
    const auto left = std::chrono::ceil<Milliseconds>(deadline - Clock::now()).count();
    pollfd entry = {fd, events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::clamp<long>(left, 0, 1000000)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) ThrowErrno(errno, "poll");
    if (Clock::now() >= deadline) return false;
  }
}

std::uint16_t FreePort() {
  static std::mutex mutex;
  static PortBlocks blocks;
  const std::lock_guard lock(mutex);
  return blocks.Next();
}

void WaitForPort(const std::string& address, Milliseconds timeout) {
  const Address parsed(address);
  const Clock::time_point deadline = Clock::now() + timeout;
  while (true) {
    try {
      Connect(parsed, deadline);
      return;
    } catch (const std::system_error& error) {
      if (Clock::now() >= deadline) {
        throw std::runtime_error("nobody listens, after " + std::to_string(timeout.count()) +
                                 " ms: " + error.what());
      }
    }
    std::this_thread::sleep_for(Milliseconds(2));
  }
}

void WaitForPort(std::uint16_t port, Milliseconds timeout) { WaitForPort(Loopback(port), timeout); }

}  // namespace shardcache::testing
