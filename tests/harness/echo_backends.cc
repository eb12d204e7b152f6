#include "tests/harness/echo_backends.h"

#include <sys/resource.h>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "tests/harness/echo_loop.h"

namespace shardcache::testing {

EchoBackends::EchoBackends() {
  rlimit files = {};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  loop_ = std::make_unique<Loop>();
  thread_ = std::thread([this] { loop_->Serve(); });
}

EchoBackends::~EchoBackends() {
  loop_->Post([](Loop& loop) { loop.Quit(); });
  thread_.join();
}

void EchoBackends::Run(const std::function<void(Loop&)>& action) const {
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  std::exception_ptr error;
  loop_->Post([&](Loop& loop) {
    std::exception_ptr thrown;
    try {
      action(loop);
    } catch (...) {
      thrown = std::current_exception();
    }
    const std::lock_guard lock(mutex);
    error = std::move(thrown);
    done = true;
    changed.notify_one();
  });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return done; });
  if (error) std::rethrow_exception(error);
}

int EchoBackends::Add(std::string identity, std::string address) {
  if (address.empty()) address = Loopback(FreePort());
  int index = -1;
  Run([&](Loop& loop) { index = loop.Add(identity, address); });
  return index;
}

int EchoBackends::size() const {
  int size = 0;
  Run([&](Loop& loop) { size = loop.size(); });
  return size;
}

std::string EchoBackends::address(int backend) const {
  std::string address;
  Run([&](Loop& loop) { address = loop.address(backend); });
  return address;
}

std::string EchoBackends::identity(int backend) const {
  std::string identity;
  Run([&](Loop& loop) { identity = loop.identity(backend); });
  return identity;
}

void EchoBackends::SetMode(int backend, Mode mode, Milliseconds delay) {
  const Clock::time_point deadline = Clock::now() + std::chrono::seconds(5);
  while (true) {
    bool done = false;
    Run([&](Loop& loop) { done = loop.SetMode(backend, mode, delay); });
    if (done) return;
    if (Clock::now() >= deadline) {
      throw std::runtime_error("another program has taken " + address(backend));
    }
    std::this_thread::sleep_for(Milliseconds(5));
  }
}

int EchoBackends::CloseIdleConnections(int backend) {
  int closed = 0;
  Run([&](Loop& loop) { closed = loop.CloseConnections(backend); });
  return closed;
}

BackendCounters EchoBackends::Counters(int backend) const {
  BackendCounters counters;
  Run([&](Loop& loop) { counters = loop.Counters(backend); });
  return counters;
}

}  // namespace shardcache::testing
