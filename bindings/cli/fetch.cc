#include "bindings/cli/fetch.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "bindings/cli/command.h"

namespace shardcache::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMost = 64 << 20;

// One attempt to fetch, which must end by `deadline`.
class Connection {
 public:
  Connection(std::string address, Clock::time_point deadline)
      : address_(std::move(address)), deadline_(deadline) {}
  ~Connection() {
    if (fd_ >= 0) close(fd_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Connect() {
    const std::size_t colon = address_.rfind(':');
    if (colon == std::string::npos || colon + 1 == address_.size()) {
      throw Failure(kTrouble, "\"" + address_ + "\" is not HOST:PORT");
    }
    std::string host = address_.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
      host = host.substr(1, host.size() - 2);
    }
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    const int status = getaddrinfo(host.c_str(), address_.c_str() + colon + 1, &hints, &list);
    if (status != 0) throw Failure(kTrouble, address_ + ": " + gai_strerror(status));
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, freeaddrinfo);
    int error = 0;
    for (const addrinfo* to = list; to != nullptr; to = to->ai_next) {
      error = TryConnect(*to);
      if (error == 0) return;
    }
    Fail(error);
  }

  std::string ReadAll() {
    std::string text;
    std::array<char, 65536> chunk;
    while (true) {
      Wait(POLLIN);
      const ssize_t got = recv(fd_, chunk.data(), chunk.size(), 0);
      if (got == 0) return text;
      if (got < 0 && errno != EAGAIN && errno != EINTR) Fail(errno);
      if (got > 0) text.append(chunk.data(), static_cast<std::size_t>(got));
      if (text.size() > kMost) throw Failure(kTrouble, address_ + ": sends without end");
    }
  }

 private:
  [[noreturn]] void Fail(int error) const {
    throw Failure(kTrouble, address_ + ": " + std::strerror(error));
  }

  // Returns an errno.
  int TryConnect(const addrinfo& to) {
    if (fd_ >= 0) close(fd_);
    fd_ = socket(to.ai_family, to.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, to.ai_protocol);
    if (fd_ < 0) return errno;
    if (connect(fd_, to.ai_addr, to.ai_addrlen) == 0) return 0;
    if (errno != EINPROGRESS) return errno;
    Wait(POLLOUT);
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
  }

  void Wait(short events) const {
    while (true) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now());
      if (left.count() <= 0) Fail(ETIMEDOUT);
      pollfd entry{fd_, events, 0};
      const int ready = poll(&entry, 1, static_cast<int>(left.count()) + 1);
      if (ready > 0) return;
      if (ready < 0 && errno != EINTR) Fail(errno);
    }
  }

  std::string address_;
  Clock::time_point deadline_;
  int fd_ = -1;
};

}  // namespace

std::string Fetch(const std::string& address, std::chrono::milliseconds timeout) {
  Connection connection(address, Clock::now() + timeout);
  connection.Connect();
  return connection.ReadAll();
}

}  // namespace shardcache::cli
