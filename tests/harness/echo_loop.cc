#include "tests/harness/echo_loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace shardcache::testing {
namespace {

constexpr std::size_t kReadSize = 256 * 1024;
constexpr std::uint64_t kWakeId = 0;

[[noreturn]] void ThrowErrno(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

EchoBackends::Loop::Loop()
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      buffer_(kReadSize) {
  if (!epoll_ || !wake_) ThrowErrno("epoll_create1 or eventfd");
  Watch(wake_, EPOLLIN, kWakeId, EPOLL_CTL_ADD);
}

EchoBackends::Loop::~Loop() {
  for (const auto& backend : backends_) {
    if (backend->address.is_unix()) ::unlink(backend->address.text().c_str());
  }
}

void EchoBackends::Loop::Post(std::function<void(Loop&)> action) {
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(action));
  }
  const std::uint64_t one = 1;
  if (::write(wake_.get(), &one, sizeof one) < 0 && errno != EAGAIN) ThrowErrno("wake-up");
}

void EchoBackends::Loop::Serve() {
  while (!quit_) {
    Poll(MsUntilDue());
    SendDue();
    if (!std::exchange(woken_, false)) continue;
    // What reached a backend before the call meets the mode before the call. Bounded, for under
    // load there is always more.
    for (int i = 0; i < 16 && Poll(0) > 0; ++i) {
    }
    RunPosted();
  }
}

int EchoBackends::Loop::Poll(int timeout_ms) {
  std::array<epoll_event, 512> events;
  const int ready =
      ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout_ms);
  if (ready < 0 && errno != EINTR) ThrowErrno("epoll_wait");
  for (int i = 0; i < ready; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const std::uint64_t id = event.data.u64;
    if (id == kWakeId) {
      std::uint64_t count = 0;
      woken_ = ::read(wake_.get(), &count, sizeof count) > 0 || woken_;
    } else if (const auto listener = listeners_.find(id); listener != listeners_.end()) {
      AcceptAll(*listener->second);
    } else if (const auto it = connections_.find(id); it != connections_.end()) {
      HandleEvents(*it->second, event.events);
    }
  }
  for (const std::uint64_t id : closed_) connections_.erase(id);
  closed_.clear();
  return ready;
}

void EchoBackends::Loop::RunPosted() {
  std::vector<std::function<void(Loop&)>> actions;
  {
    const std::lock_guard lock(mutex_);
    actions.swap(posted_);
  }
  for (const auto& action : actions) action(*this);
}

void EchoBackends::Loop::Watch(const Fd& fd, std::uint32_t events, std::uint64_t id,
                               int operation) {
  epoll_event event = {};
  event.events = events;
  event.data.u64 = id;
  if (::epoll_ctl(epoll_.get(), operation, fd.get(), &event) != 0) ThrowErrno("epoll_ctl");
}

int EchoBackends::Loop::Add(std::string identity, std::string address) {
  auto backend = std::make_unique<Backend>(
      Backend{.id = next_id_++, .identity = std::move(identity), .address = Address(address)});
  StartListening(*backend);
  backends_.push_back(std::move(backend));
  return size() - 1;
}

const std::string& EchoBackends::Loop::address(int backend) const {
  return At(backend).address.text();
}

const std::string& EchoBackends::Loop::identity(int backend) const { return At(backend).identity; }

EchoBackends::Loop::Backend& EchoBackends::Loop::At(int backend) const {
  return *backends_.at(static_cast<std::size_t>(backend));
}

void EchoBackends::Loop::StartListening(Backend& backend) {
  Fd listener = Listen(backend.address);
  Watch(listener, EPOLLIN, backend.id, EPOLL_CTL_ADD);
  backend.listener = std::move(listener);
  listeners_[backend.id] = &backend;
}

bool EchoBackends::Loop::SetMode(int index, Mode mode, Milliseconds delay) {
  Backend& backend = At(index);
  if (mode == Mode::kRefuse) {
    // The listener first: whoever connects again at once is to be refused.
    listeners_.erase(backend.id);
    backend.listener.Reset();
    backend.mode = mode;
    CloseConnections(index);
    return true;
  }
  if (backend.mode == Mode::kRefuse) {
    try {
      StartListening(backend);
    } catch (const std::system_error& error) {
      if (error.code() == std::errc::address_in_use) return false;
      throw;
    }
  }
  backend.mode = mode;
  backend.delay = delay;
  return true;
}

int EchoBackends::Loop::CloseConnections(int index) {
  const Backend& backend = At(index);
  int closed = 0;
  for (const auto& [id, connection] : connections_) {
    if (&connection->backend != &backend || !connection->fd) continue;
    closed += connection->counted_open;
    Close(*connection, /*by_fault=*/true);
  }
  return closed;
}

const BackendCounters& EchoBackends::Loop::Counters(int backend) const {
  return At(backend).counters;
}

void EchoBackends::Loop::AcceptAll(Backend& backend) {
  while (true) {
    Fd fd(::accept4(backend.listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) {
      if (errno == EAGAIN) return;
      if (errno == EINTR || errno == ECONNABORTED) continue;
      ThrowErrno("accept");
    }
    const std::uint64_t id = next_id_++;
    auto connection =
        std::make_unique<Connection>(Connection{.id = id, .backend = backend, .fd = std::move(fd)});
    Watch(connection->fd, EPOLLIN, id, EPOLL_CTL_ADD);
    connections_.emplace(id, std::move(connection));
    ++backend.counters.accepted;
    ++backend.counters.open;
  }
}

}  // namespace shardcache::testing
