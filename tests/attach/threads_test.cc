// Handles in threads that share one Router while servers come and go.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/attach/attached.h"
#include "tests/harness/echo_backends.h"
#include "tests/harness/random.h"

namespace shardcache::testing {
namespace {

TEST(AttachThreadsTest, ClonesInThreadsShareWhoIsLive) {
  EchoBackends backends;
  std::vector<PoolServer> servers;
  for (int i = 0; i < 6; ++i) {
    backends.Add("server" + std::to_string(i));
    servers.push_back({.address = backends.address(i), .name = backends.identity(i)});
  }
  const std::vector<std::string> settings = {"auto_eject_hosts: true", "server_failure_limit: 2",
                                             "server_retry_timeout: 50"};
  const auto router = AttachRouter(AttachPool(servers, settings));
  const Memc memc = NewAttached(router);
  std::atomic<bool> quit = false;
  std::atomic<int> hits = 0;
  std::atomic<int> failures = 0;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) {
    memcached_st* clone = memcached_clone(nullptr, memc.get());
    threads.emplace_back([&, clone, t] {
      const Memc mine(clone);
      Random random(Seed() + t);
      while (!quit) {
        const Outcome outcome = Get(mine.get(), random.Key());
        if (outcome.checked == MEMCACHED_SUCCESS) {
          ++hits;
        } else if (outcome.checked == MEMCACHED_NOTFOUND) {
          ++wrong;  // every key has a value
        } else {
          ++failures;
        }
      }
    });
  }
  Random random(Seed());
  for (int i = 0; i < 40; ++i) {
    const int backend = static_cast<int>(random.Below(6));
    backends.SetMode(backend, i % 2 == 0 ? Mode::kRefuse : Mode::kReset);
    std::this_thread::sleep_for(Milliseconds(15));
    backends.SetMode(backend, Mode::kServe);
  }
  quit = true;
  for (std::thread& thread : threads) thread.join();
  std::printf("%d hits, %d failures\n", hits.load(), failures.load());
  EXPECT_GT(hits, 1000);
  EXPECT_GT(failures, 0);
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(FailuresOf(*router), 0U);
  // All come back.
  std::this_thread::sleep_for(Milliseconds(60));
  for (int i = 0; i < 100; ++i) Get(memc.get(), "key:" + std::to_string(i));
  std::this_thread::sleep_for(Milliseconds(60));
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(Get(memc.get(), "key:" + std::to_string(i)).checked, MEMCACHED_SUCCESS);
  }
}

}  // namespace
}  // namespace shardcache::testing
