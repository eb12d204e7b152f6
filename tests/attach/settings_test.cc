// Which handles are attached, which are refused with what advice, and what clones inherit.
#include <gtest/gtest.h>
#include <libmemcachedutil-1.0/util.h>

#include <set>
#include <vector>

#include "tests/attach/attached.h"
#include "tests/harness/echo_backends.h"

namespace shardcache::testing {
namespace {

class AttachTest : public ::testing::Test {
 protected:
  AttachTest() {
    for (int i = 0; i < 4; ++i) {
      const std::string name = "server" + std::to_string(i);
      backends_.Add(name);
      servers_.push_back({.address = backends_.address(i), .name = name});
    }
    router_ = AttachRouter(AttachPool(servers_));
  }

  // The server that answers `key` is the router's.
  void ExpectRouted(memcached_st* memc, const std::string& key) {
    const auto snapshot = router_->Snapshot();
    EXPECT_EQ(Get(memc, key), (Outcome{MEMCACHED_SUCCESS, MEMCACHED_SUCCESS,
                                       snapshot->placement.server(*snapshot->Route(key)).name}));
  }
  void ExpectRouted(memcached_st* memc) {
    for (int i = 0; i < 50; ++i) ExpectRouted(memc, "key:" + std::to_string(i));
  }

  std::uint16_t PortOf(int i) const {
    return Address(servers_[static_cast<std::size_t>(i)].address).port();
  }

  EchoBackends backends_;
  std::vector<PoolServer> servers_;
  std::shared_ptr<Router> router_;
};

TEST_F(AttachTest, AHandleWithoutServersGetsThePools) {
  const Memc memc = NewMemc();
  EXPECT_FALSE(IsAttached(memc.get()));
  ASSERT_TRUE(Attach(memc.get(), router_).ok());
  EXPECT_TRUE(IsAttached(memc.get()));
  EXPECT_EQ(memcached_server_count(memc.get()), 5U);  // and the place that is nowhere
  ExpectRouted(memc.get());
}

TEST_F(AttachTest, ServersMayStandInAnyOrder) {
  const Memc memc = NewMemc();
  for (int i : {2, 0, 3, 1}) memcached_server_add(memc.get(), "127.0.0.1", PortOf(i));
  ASSERT_TRUE(Attach(memc.get(), router_).ok());
  ExpectRouted(memc.get());
}

TEST_F(AttachTest, WhatTheHandleDidBeforeDoesNotMatter) {
  const Memc memc = NewMemc();
  for (int i : {0, 1, 2, 3})
    memcached_server_add_with_weight(memc.get(), "127.0.0.1", PortOf(i), 7);
  memcached_behavior_set(memc.get(), MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, 1);
  memcached_behavior_set(memc.get(), MEMCACHED_BEHAVIOR_AUTO_EJECT_HOSTS, 1);
  memcached_behavior_set(memc.get(), MEMCACHED_BEHAVIOR_HASH_WITH_PREFIX_KEY, 1);
  memcached_behavior_set(memc.get(), MEMCACHED_BEHAVIOR_SERVER_FAILURE_LIMIT, 1);
  EXPECT_EQ(Get(memc.get(), "key").rc, MEMCACHED_SUCCESS);
  ASSERT_TRUE(Attach(memc.get(), router_).ok());
  ExpectRouted(memc.get());
}

TEST_F(AttachTest, OtherServersThanThePoolsAreRefused) {
  const Memc fewer = NewMemc();
  memcached_server_add(fewer.get(), "127.0.0.1", PortOf(0));
  const Result<void> missing = Attach(fewer.get(), router_);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().message,
            "the memcached_st has servers, but not the pool's server1 (" + servers_[1].address +
                "); call memcached_servers_reset(), and Attach() adds the pool's");
  EXPECT_EQ(missing.error().server, "server1");
  EXPECT_FALSE(IsAttached(fewer.get()));
  memcached_servers_reset(fewer.get());
  ASSERT_TRUE(Attach(fewer.get(), router_).ok());
  ExpectRouted(fewer.get());

  const Memc more = NewMemc();
  for (int i : {0, 1, 2, 3}) memcached_server_add(more.get(), "127.0.0.1", PortOf(i));
  memcached_server_add(more.get(), "cache.example", 11211);
  const Result<void> foreign = Attach(more.get(), router_);
  ASSERT_FALSE(foreign.ok());
  EXPECT_EQ(foreign.error().message,
            "the memcached_st has the server cache.example:11211, which is not of the pool; call "
            "memcached_servers_reset(), and Attach() adds the pool's");
}

TEST_F(AttachTest, SettingsThatWouldBreakItAreRefusedByName) {
  const std::pair<memcached_behavior_t, std::string> settings[] = {
      {MEMCACHED_BEHAVIOR_USE_UDP, "MEMCACHED_BEHAVIOR_USE_UDP"},
      {MEMCACHED_BEHAVIOR_NOREPLY, "MEMCACHED_BEHAVIOR_NOREPLY"},
      {MEMCACHED_BEHAVIOR_BUFFER_REQUESTS, "MEMCACHED_BEHAVIOR_BUFFER_REQUESTS"},
      {MEMCACHED_BEHAVIOR_NUMBER_OF_REPLICAS, "MEMCACHED_BEHAVIOR_NUMBER_OF_REPLICAS"},
      {MEMCACHED_BEHAVIOR_SORT_HOSTS, "MEMCACHED_BEHAVIOR_SORT_HOSTS"},
  };
  for (const auto& [behavior, name] : settings) {
    const Memc memc = NewMemc();
    memcached_behavior_set(memc.get(), behavior, 1);
    const Result<void> refused = Attach(memc.get(), router_);
    ASSERT_FALSE(refused.ok()) << name;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(refused.error().message.starts_with(name + " is set on the memcached_st: "))
        << refused.error().message;
    EXPECT_TRUE(refused.error().message.ends_with("; set it to 0 before Attach()"));
    EXPECT_EQ(memcached_server_count(memc.get()), 0U);
    memcached_behavior_set(memc.get(), behavior, 0);
    EXPECT_TRUE(Attach(memc.get(), router_).ok()) << name;
  }
}

TEST_F(AttachTest, WithoutAHandleOrARouterItIsRefused) {
  const Memc memc = NewMemc();
  EXPECT_FALSE(Attach(nullptr, router_).ok());
  EXPECT_FALSE(Attach(memc.get(), nullptr).ok());
}

TEST_F(AttachTest, OtherSettingsDoNotMatter) {
  for (const auto behavior : {MEMCACHED_BEHAVIOR_NO_BLOCK, MEMCACHED_BEHAVIOR_TCP_NODELAY,
                              MEMCACHED_BEHAVIOR_SUPPORT_CAS, MEMCACHED_BEHAVIOR_VERIFY_KEY}) {
    const Memc memc = NewMemc();
    memcached_behavior_set(memc.get(), behavior, 1);
    ASSERT_TRUE(Attach(memc.get(), router_).ok());
    for (int i = 0; i < 50; ++i) {
      const std::string key = "key:" + std::to_string(i);
      const auto* instance = memcached_server_by_key(memc.get(), key.data(), key.size(), nullptr);
      const auto snapshot = router_->Snapshot();
      EXPECT_EQ(memcached_server_port(instance),
                snapshot->placement.server(*snapshot->Route(key)).port);
    }
  }
}

TEST_F(AttachTest, TheNamespaceIsPartOfWhatIsRouted) {
  const Memc memc = NewAttached(router_);
  for (const char* prefix : {"app:", "other:", ""}) {
    memcached_callback_set(memc.get(), MEMCACHED_CALLBACK_PREFIX_KEY, *prefix ? prefix : nullptr);
    for (int i = 0; i < 50; ++i) {
      const std::string key = "key:" + std::to_string(i);
      const auto snapshot = router_->Snapshot();
      EXPECT_EQ(Get(memc.get(), key).value,
                snapshot->placement.server(*snapshot->Route(prefix + key)).name);
    }
  }
}

TEST_F(AttachTest, ClonesAreAttachedByThemselves) {
  Memc memc = NewAttached(router_);
  ExpectRouted(memc.get());
  const Memc clone(memcached_clone(nullptr, memc.get()));
  const Memc second(memcached_clone(nullptr, clone.get()));
  ExpectRouted(clone.get());
  memc.reset();
  ExpectRouted(clone.get());
  ExpectRouted(second.get());
}

TEST_F(AttachTest, APoolOfClonesIsAttached) {
  const Memc memc = NewAttached(router_);
  memcached_pool_st* pool = memcached_pool_create(memc.get(), 2, 4);
  ASSERT_NE(pool, nullptr);
  std::vector<memcached_st*> fetched;
  for (int i = 0; i < 4; ++i) {
    memcached_return_t rc = MEMCACHED_FAILURE;
    fetched.push_back(memcached_pool_fetch(pool, nullptr, &rc));
    ASSERT_NE(fetched.back(), nullptr);
    EXPECT_TRUE(IsAttached(fetched.back()));
    ExpectRouted(fetched.back());
  }
  for (memcached_st* one : fetched) memcached_pool_release(pool, one);
  EXPECT_EQ(memcached_pool_destroy(pool), memc.get());
}

int cloned = 0;
int cleaned = 0;

TEST_F(AttachTest, TheApplicationsOwnCallbacksAreCalled) {
  cloned = cleaned = 0;
  Memc memc = NewMemc();
  memcached_callback_set(memc.get(), MEMCACHED_CALLBACK_CLONE_FUNCTION,
                         reinterpret_cast<void*>(+[](memcached_st*, const memcached_st*) {
                           ++cloned;
                           return MEMCACHED_SUCCESS;
                         }));
  memcached_callback_set(memc.get(), MEMCACHED_CALLBACK_CLEANUP_FUNCTION,
                         reinterpret_cast<void*>(+[](const memcached_st*) {
                           ++cleaned;
                           return MEMCACHED_SUCCESS;
                         }));
  ASSERT_TRUE(Attach(memc.get(), router_).ok());
  ASSERT_TRUE(Attach(memc.get(), router_).ok());
  Memc clone(memcached_clone(nullptr, memc.get()));
  EXPECT_EQ(cloned, 1);
  ExpectRouted(clone.get());
  clone.reset();
  EXPECT_EQ(cleaned, 1);
  memc.reset();
  EXPECT_EQ(cleaned, 2);
}

TEST_F(AttachTest, AnotherConfigurationNeedsAnotherAttach) {
  const Memc memc = NewAttached(router_);
  ExpectRouted(memc.get());
  std::swap(servers_.front(), servers_.back());
  servers_.pop_back();
  ASSERT_TRUE(router_->Reload(AttachPool(servers_)).ok());
  // Until then calls fail at once, rather than go to a server that may be another one now.
  EXPECT_EQ(Get(memc.get(), "key"), (Outcome{MEMCACHED_ERRNO, MEMCACHED_NO_SERVERS, ""}));
  ASSERT_TRUE(Attach(memc.get(), router_).ok());
  EXPECT_EQ(memcached_server_count(memc.get()), 4U);
  ExpectRouted(memc.get());
}

TEST_F(AttachTest, SettingAHashAfterwardsDetaches) {
  const Memc memc = NewAttached(router_);
  const Memc clone(memcached_clone(nullptr, memc.get()));
  memcached_behavior_set(clone.get(), MEMCACHED_BEHAVIOR_HASH, MEMCACHED_HASH_MD5);
  EXPECT_FALSE(IsAttached(clone.get()));
  EXPECT_EQ(CheckCall(clone.get(), MEMCACHED_NOTFOUND), MEMCACHED_NOTFOUND);
}

TEST_F(AttachTest, UnixSocketsAndAddressesInBracketsAreFound) {
  const TempDir dir;
  const std::string path = dir.File("mc.sock");
  const int backend = backends_.Add("socket", path);
  const std::vector<PoolServer> servers = {
      {.address = backends_.address(backend), .name = "socket"},
      {.address = "::1:9", .name = "six"}};
  const auto router = AttachRouter(AttachPool(servers));
  const Memc memc = NewMemc();
  memcached_server_add(memc.get(), "[::1]", 9);
  memcached_server_add_unix_socket(memc.get(), path.c_str());
  ASSERT_TRUE(Attach(memc.get(), router).ok());
  std::set<std::string> values;
  for (int i = 0; i < 50; ++i) {
    const std::string key = "key:" + std::to_string(i);
    const auto snapshot = router->Snapshot();
    if (snapshot->placement.server(*snapshot->Route(key)).name == "socket") {
      values.insert(Get(memc.get(), key).value);
    }
  }
  EXPECT_EQ(values, std::set<std::string>{"socket"});
}

}  // namespace
}  // namespace shardcache::testing
