// Four threads route while two report, eject and reload. What is checked here is that every
// answer is one that some moment's snapshot gives; the thread sanitizer checks the rest.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "shardcache/router.h"
#include "tests/harness/random.h"

namespace shardcache {
namespace {

using testing::Random;
using testing::Seed;

PoolConfig Pool(int servers) {
  PoolConfig pool;
  pool.name = "threads";
  pool.auto_eject_hosts = true;
  pool.server_failure_limit = 1;
  pool.server_retry_timeout = std::chrono::milliseconds(1);
  for (int i = 0; i < servers; ++i) {
    pool.servers.push_back(*ParseServer("10.0.0.1:" + std::to_string(5000 + i) + ":1"));
  }
  return pool;
}

TEST(RouterThreadsTest, RoutingGoesOnWhileOthersReportEjectAndReload) {
  constexpr unsigned kServers = 6;
  std::atomic<std::uint64_t> told{0};
  RouterOptions options;
  options.observer = [&](const RouterEvent&) { ++told; };
  const auto router = *Router::Create(Pool(kServers), options);
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> routed{0};
  const auto route = [&](int thread) {
    Random random(Seed() + static_cast<unsigned>(thread));
    std::vector<ServerIndex> owners(8);
    while (!done) {
      const std::string key = random.Key();
      const auto owner = router->Route(key);
      ASSERT_LT(owner.value_or(0), kServers);
      const std::vector<std::string_view> keys(owners.size(), key);
      router->Route(keys, owners);
      // One snapshot for a batch: the same key has one owner throughout.
      for (ServerIndex other : owners) ASSERT_EQ(other, owners[0]);
      const auto snapshot = router->Snapshot();
      ASSERT_EQ(snapshot->ejected.size(), snapshot->placement.servers().size());
      if (owner) router->ReportSuccess(*snapshot, *owner);
      ++routed;
    }
  };
  const auto report = [&](int thread) {
    Random random(Seed() + 100 + static_cast<unsigned>(thread));
    for (int i = 0; i < 3000; ++i) {
      const auto kind = static_cast<FailureKind>(random.Below(kFailureKinds));
      router->ReportFailure(static_cast<ServerIndex>(random.Below(kServers)), kind);
      if (random.Chance(0.02)) {
        ASSERT_TRUE(router->Reload(Pool(static_cast<int>(random.Between(2, kServers)))).ok());
      }
      if (random.Chance(0.05)) router->Follow({}, Clock::now());
      if (random.Chance(0.05)) router->Counters();
    }
  };
  std::vector<std::thread> routers;
  for (int i = 0; i < 4; ++i) routers.emplace_back(route, i);
  std::thread first(report, 0);
  std::thread second(report, 1);
  first.join();
  second.join();
  done = true;
  for (std::thread& thread : routers) thread.join();
  EXPECT_GT(routed.load(), 100U);
  EXPECT_GT(told.load(), 100U);
}

}  // namespace
}  // namespace shardcache
