// The C interface, from C.
#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

#include "tests/attach/attached.h"
#include "tests/attach/c_user.h"
#include "tests/harness/memcached_server.h"
#include "tests/harness/text_client.h"

namespace shardcache::testing {
namespace {

std::string SetFromC(const std::string& file, const char* pool, const std::string& key) {
  char* error = set_from_c(file.c_str(), pool, key.c_str(), "from C");
  const std::string text = error == nullptr ? "" : error;
  std::free(error);
  return text;
}

TEST(AttachCTest, ValuesAreFoundThroughTheProxy) {
  const MemcachedServer one;
  const MemcachedServer two;
  const std::vector<PoolServer> servers = {{.address = one.address()}, {.address = two.address()}};
  const std::string listen = Loopback(FreePort());
  const std::string yaml = MakePool("attach", listen, {}, servers);
  const TempDir dir;
  const std::string file = dir.Write("nutcracker.yml", yaml);
  const Nutcracker proxy(yaml, {listen});
  TextClient client(listen);
  for (int i = 0; i < 50; ++i) {
    const std::string key = "key:" + std::to_string(i);
    ASSERT_EQ(SetFromC(file, i % 2 == 0 ? "attach" : nullptr, key), "");
    ASSERT_EQ(client.Get(key), (Answer{Status::kHit, "from C"}));
  }
}

TEST(AttachCTest, WhatIsRefusedSaysWhy) {
  const TempDir dir;
  EXPECT_NE(SetFromC(dir.File("none.yml"), "attach", "key").find("none.yml"), std::string::npos);
  const std::vector<PoolServer> servers = {{.address = "127.0.0.1:1"}};
  const std::vector<std::string> redis = {"redis: true"};
  const std::string file =
      dir.Write("two.yml", MakePool("first", "127.0.0.1:1", {}, servers) +
                               MakePool("second", "127.0.0.1:2", redis, servers));
  EXPECT_EQ(SetFromC(file, "third", "key"), file + " has no pool third; it has first, second");
  EXPECT_EQ(SetFromC(file, nullptr, "key"),
            file + " has several pools, and none is named; it has first, second");
  EXPECT_EQ(SetFromC(file, "second", "key"),
            "pool second is a redis pool; libmemcached speaks memcached");
  EXPECT_EQ(SetFromC(file, "first", "key"), "CONNECTION FAILURE");

  shardcache_router* router = shardcache_router_open(file.c_str(), "first", nullptr);
  ASSERT_NE(router, nullptr);
  const Memc memc = NewMemc();
  memcached_server_add(memc.get(), "127.0.0.1", 2);
  EXPECT_FALSE(shardcache_attach(memc.get(), router, nullptr));
  char* error = nullptr;
  EXPECT_FALSE(shardcache_attach(memc.get(), router, &error));
  EXPECT_NE(std::string(error).find("call memcached_servers_reset()"), std::string::npos);
  std::free(error);
  shardcache_router_close(router);
}

}  // namespace
}  // namespace shardcache::testing
