// Attached handles and a real nutcracker find each other's values.
#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "tests/attach/attached.h"
#include "tests/harness/echo_backends.h"
#include "tests/harness/memcached_server.h"
#include "tests/harness/random.h"
#include "tests/harness/text_client.h"

namespace shardcache::testing {
namespace {

// A nutcracker over servers, and a handle attached to a router of the same pool.
struct Both {
  Both(std::span<const PoolServer> servers, std::vector<std::string> settings = {})
      : listen(Loopback(FreePort())),
        pool(AttachPool(servers, settings, listen)),
        proxy(MakePool("attach", listen, settings, servers), {listen}),
        client(listen),
        router(AttachRouter(pool)),
        memc(NewAttached(router)) {}

  std::string listen;
  PoolConfig pool;
  Nutcracker proxy;
  TextClient client;
  std::shared_ptr<Router> router;
  Memc memc;
};

class RealServers {
 public:
  explicit RealServers(int count) {
    for (int i = 0; i < count; ++i) {
      servers_.emplace_back();
      pool_.push_back({.address = servers_.back().address(), .weight = i % 3 + 1});
    }
  }
  const std::vector<PoolServer>& pool() const { return pool_; }

 private:
  std::deque<MemcachedServer> servers_;
  std::vector<PoolServer> pool_;
};

void ExpectSameValues(Both& both, bool binary) {
  Random random;
  memcached_st* memc = both.memc.get();
  memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_BINARY_PROTOCOL, binary ? 1 : 0);
  std::vector<std::string> keys;
  for (int i = 0; i < 300; ++i) keys.push_back(random.Key());
  for (const std::string& key : keys) {
    ASSERT_EQ(both.client.Set(key, "by proxy").status, Status::kOk);
    ASSERT_EQ(Get(memc, key).value, "by proxy");
    ASSERT_EQ(Set(memc, key, "by handle").checked, MEMCACHED_SUCCESS);
    ASSERT_EQ(both.client.Get(key), (Answer{Status::kHit, "by handle"}));
  }
  Outcome outcome{};
  const auto values = GetMany(memc, keys, &outcome);
  EXPECT_EQ(outcome.checked, MEMCACHED_END);
  for (const std::string& key : keys) EXPECT_EQ(values.at(key), "by handle");
  for (const std::string& key : keys) {
    ASSERT_EQ(Touch(memc, key).checked, MEMCACHED_SUCCESS);
    ASSERT_EQ(Delete(memc, key).checked, MEMCACHED_SUCCESS);
    ASSERT_EQ(both.client.Get(key).status, Status::kMiss);
    ASSERT_EQ(Get(memc, key).checked, MEMCACHED_NOTFOUND);
    ASSERT_EQ(both.client.Set(key, "41").status, Status::kOk);
    ASSERT_EQ(Increment(memc, key).value, "42");
    ASSERT_EQ(both.client.Get(key), (Answer{Status::kHit, "42"}));
  }
  EXPECT_EQ(FailuresOf(*both.router), 0U);
}

TEST(AttachParityTest, TheProxyAndAHandleFindEachOthersValues) {
  for (const int count : {1, 5}) {
    const RealServers servers(count);
    for (const std::string distribution : {"ketama", "modula"}) {
      Both both(servers.pool(), {"distribution: " + distribution, "hash: murmur"});
      ExpectSameValues(both, false);
      ExpectSameValues(both, true);
    }
  }
}

TEST(AttachParityTest, ANamespaceIsPartOfTheProxysKey) {
  const RealServers servers(5);
  Both both(servers.pool(), {"hash_tag: \"{}\""});
  memcached_callback_set(both.memc.get(), MEMCACHED_CALLBACK_PREFIX_KEY, "app{x:");
  for (int i = 0; i < 200; ++i) {
    const std::string key = std::to_string(i) + "}:" + std::to_string(i * 7);
    ASSERT_EQ(Set(both.memc.get(), key, key).checked, MEMCACHED_SUCCESS);
    ASSERT_EQ(both.client.Get("app{x:" + key), (Answer{Status::kHit, key}));
  }
}

// Servers that answer each key with their own name: for as many as a machine can have.
TEST(AttachParityTest, EachKeyGoesToTheProxysServerWhateverTheirNumber) {
  Random random;
  for (const int count : {1, 2, 5, 26, 150, 1000}) {
    EchoBackends backends;
    std::vector<PoolServer> servers;
    for (int i = 0; i < count; ++i) {
      const std::string name = "server" + std::to_string(i);
      backends.Add(name);
      servers.push_back({.address = backends.address(i), .name = name});
    }
    Both both(servers);
    std::vector<std::string> keys;
    for (int i = 0; i < std::max(500, 3 * count); ++i) keys.push_back(random.Key());
    const std::vector<Answer> answers = both.client.GetMany(keys);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      ASSERT_EQ(answers[i], (Answer{Status::kHit, Get(both.memc.get(), keys[i]).value}))
          << count << " servers, SHARDCACHE_SEED=" << Seed();
    }
    // Batches: libmemcached polls up to 100 servers at a time.
    Outcome outcome{};
    const auto values = GetMany(both.memc.get(), keys, &outcome);
    EXPECT_EQ(outcome.checked, MEMCACHED_END);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      ASSERT_EQ(answers[i], (Answer{Status::kHit, values.at(keys[i])})) << count << " servers";
    }
    EXPECT_EQ(FailuresOf(*both.router), 0U);
    std::printf("%d servers, %zu keys: no mismatch\n", count, keys.size());
  }
}

}  // namespace
}  // namespace shardcache::testing
