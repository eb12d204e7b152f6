// Stands between a client and a real memcached, and spoils what passes.
#ifndef SHARDCACHE_TESTS_CLIENT_FAULT_PROXY_H_
#define SHARDCACHE_TESTS_CLIENT_FAULT_PROXY_H_

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/harness/network.h"

namespace shardcache::testing {

// What is done to answers. Small answers, and those to a pipelined batch, come as one piece.
struct Fault {
  enum class Then { kGoOn, kClose, kReset, kHang };

  // What the client gets in the place of a piece of answer; empty: the piece itself.
  std::function<std::string(const std::string&)> change = {};
  // What happens when that has been sent.
  Then then = Then::kGoOn;
  // Sends one byte each so often; 0 sends all at once.
  Milliseconds each_byte{0};
  // The server never sees the request.
  bool swallow = false;
  // The connection is closed as soon as it is made.
  bool refuse = false;
  // Of how many answers one is spoiled, counted from the first; 1 spoils all.
  int one_in = 1;
};

// What becomes of a client's question whether answers are numbered.
enum class Numbers {
  kYes,     // the memcached answers it
  kError,   // "ERROR", as an older one says
  kHangUp,  // the connection is closed, as by a twemproxy
};

// For tests that are run with some of them.
inline std::string NameOfNumbers(const ::testing::TestParamInfo<Numbers>& info) {
  return info.param == Numbers::kYes     ? "Numbered"
         : info.param == Numbers::kError ? "Classic"
                                         : "BehindAProxy";
}

// Listens at an address of its own. Thread-safe.
class FaultProxy {
 public:
  explicit FaultProxy(const std::string& backend, Numbers numbers = Numbers::kYes);
  ~FaultProxy();
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  const std::string& address() const { return address_; }
  // In force for answers that have not yet arrived; nothing by default.
  void SetFault(Fault fault);
  void Heal() { SetFault({.one_in = 0}); }
  // Closes all connections now.
  void CloseAll() { close_all_ = true; }
  // Where new connections lead from now on.
  void SetBackend(const std::string& backend);

  int accepted() const { return accepted_; }
  int spoiled() const { return spoiled_; }

 private:
  struct Pair;
  void Serve();
  void Accept();
  bool FromClient(Pair* pair);
  bool FromServer(Pair* pair);
  bool SendDue(Pair* pair);
  bool Strikes(const Fault& fault);

  std::string address_;
  Numbers numbers_;
  Fd listener_;
  std::mutex mutex_;  // guards the next three
  std::string backend_;
  Fault fault_{.one_in = 0};
  int answers_ = 0;
  std::atomic<bool> quit_{false};
  std::atomic<bool> close_all_{false};
  std::atomic<int> accepted_{0};
  std::atomic<int> spoiled_{0};
  std::vector<std::unique_ptr<Pair>> pairs_;
  std::thread thread_;
};

}  // namespace shardcache::testing

#endif  // SHARDCACHE_TESTS_CLIENT_FAULT_PROXY_H_
