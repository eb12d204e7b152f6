#include "tests/client/fault_proxy.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace shardcache::testing {
namespace {

// Receives what there is; false at the end of file.
bool ReceiveAll(const Fd& fd, std::string* bytes) {
  char buffer[65536];
  while (true) {
    const ssize_t size = ::recv(fd.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (size < 0) return errno == EAGAIN || errno == EINTR;
    if (size == 0) return false;
    bytes->append(buffer, static_cast<std::size_t>(size));
  }
}

// Sends what the kernel takes.
bool SendSome(const Fd& fd, std::string* bytes, std::size_t limit = std::string::npos) {
  while (!bytes->empty()) {
    const ssize_t size = ::send(fd.get(), bytes->data(), std::min(limit, bytes->size()),
                                MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size < 0) return errno == EAGAIN || errno == EINTR;
    bytes->erase(0, static_cast<std::size_t>(size));
    if (limit != std::string::npos) return true;
  }
  return true;
}

// What is passed on is not to wait for more, or for acknowledgements.
void SendAtOnce(const Fd& fd) {
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

struct FaultProxy::Pair {
  Fd client;
  Fd server;
  std::string to_server;
  std::string to_client;
  Milliseconds each_byte{0};
  Clock::time_point next_byte;
  Fault::Then then = Fault::Then::kGoOn;
  bool spoiled = false;
};

FaultProxy::FaultProxy(const std::string& backend, Numbers numbers)
    : address_(Loopback(FreePort())),
      numbers_(numbers),
      listener_(Listen(Address(address_))),
      backend_(backend) {
  thread_ = std::thread([this] { Serve(); });
}

FaultProxy::~FaultProxy() {
  quit_ = true;
  thread_.join();
}

void FaultProxy::SetFault(Fault fault) {
  const std::lock_guard lock(mutex_);
  fault_ = std::move(fault);
  answers_ = 0;
}

void FaultProxy::SetBackend(const std::string& backend) {
  const std::lock_guard lock(mutex_);
  backend_ = backend;
}

bool FaultProxy::Strikes(const Fault& fault) {
  const bool strikes = fault.one_in > 0 && ++answers_ % fault.one_in == 0;
  spoiled_ += strikes;
  return strikes;
}

void FaultProxy::Serve() {
  std::vector<pollfd> polled;
  while (!quit_) {
    if (close_all_.exchange(false)) pairs_.clear();
    polled.assign(1, {listener_.get(), POLLIN, 0});
    int wait = 20;
    for (const auto& pair : pairs_) {
      const bool slow = pair->each_byte.count() > 0;
      if (slow && !pair->to_client.empty()) wait = 1;
      const bool out = !pair->to_client.empty() && !slow;
      polled.push_back({pair->client.get(), static_cast<short>(POLLIN | (out ? POLLOUT : 0)), 0});
      polled.push_back({pair->server.get(),
                        static_cast<short>(POLLIN | (pair->to_server.empty() ? 0 : POLLOUT)), 0});
    }
    ::poll(polled.data(), polled.size(), wait);
    std::erase_if(pairs_, [&](auto& pair) {
      return !FromClient(pair.get()) || !FromServer(pair.get()) || !SendDue(pair.get());
    });
    if (polled[0].revents != 0) Accept();
  }
}

void FaultProxy::Accept() {
  Fd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!client) return;
  ++accepted_;
  const std::lock_guard lock(mutex_);
  if (fault_.refuse && Strikes(fault_)) return;
  auto pair = std::make_unique<Pair>();
  pair->client = std::move(client);
  try {
    pair->server = Connect(Address(backend_), Clock::now() + Milliseconds(1000));
  } catch (const std::system_error&) {
    return;
  }
  SendAtOnce(pair->client);
  SendAtOnce(pair->server);
  pairs_.push_back(std::move(pair));
}

bool FaultProxy::FromClient(Pair* pair) {
  std::string bytes;
  if (!ReceiveAll(pair->client, &bytes)) return false;
  if (numbers_ != Numbers::kYes && bytes.starts_with("version\r\nmd shardcache:numbers")) {
    if (numbers_ == Numbers::kHangUp) return false;
    bytes.clear();
    pair->to_client += "VERSION 1.5.22\r\nERROR\r\n";
  }
  if (!bytes.empty()) {
    const std::lock_guard lock(mutex_);
    if (fault_.swallow && Strikes(fault_)) bytes.clear();
  }
  pair->to_server += bytes;
  return SendSome(pair->server, &pair->to_server);
}

bool FaultProxy::FromServer(Pair* pair) {
  std::string bytes;
  const bool open = ReceiveAll(pair->server, &bytes);
  if (!bytes.empty() && !pair->spoiled) {
    const std::lock_guard lock(mutex_);
    if (!fault_.refuse && !fault_.swallow && Strikes(fault_)) {
      if (fault_.change) bytes = fault_.change(bytes);
      pair->then = fault_.then;
      pair->each_byte = fault_.each_byte;
      pair->spoiled = fault_.then != Fault::Then::kGoOn;
    }
  } else if (pair->spoiled) {
    bytes.clear();
  }
  pair->to_client += bytes;
  return open;
}

bool FaultProxy::SendDue(Pair* pair) {
  if (pair->each_byte.count() > 0) {
    if (Clock::now() < pair->next_byte) return true;
    pair->next_byte = Clock::now() + pair->each_byte;
    if (!SendSome(pair->client, &pair->to_client, 1)) return false;
  } else if (!SendSome(pair->client, &pair->to_client)) {
    return false;
  }
  if (!pair->to_client.empty()) return true;
  if (pair->then == Fault::Then::kReset) {
    const linger now = {.l_onoff = 1, .l_linger = 0};
    ::setsockopt(pair->client.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  return pair->then == Fault::Then::kGoOn || pair->then == Fault::Then::kHang;
}

}  // namespace shardcache::testing
