#include "shardcache/pool_config.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace shardcache {
namespace {

using std::chrono::milliseconds;

std::vector<PoolConfig> Parsed(std::string_view text) {
  Result<std::vector<PoolConfig>> pools = ParsePools(text, "nutcracker.yml");
  EXPECT_TRUE(pools.ok()) << pools.error().message;
  return pools.ok() ? *std::move(pools) : std::vector<PoolConfig>{};
}

// The pool of a file that has, besides listen and one server, `settings`: whole lines.
PoolConfig With(const std::string& settings) {
  std::vector<PoolConfig> pools = Parsed("alpha:\n  listen: 127.0.0.1:22121\n" + settings +
                                         "  servers:\n  - 127.0.0.1:11211:1\n");
  return pools.empty() ? PoolConfig{} : pools.front();
}

std::vector<Server> Servers(const std::string& lines) {
  std::vector<PoolConfig> pools = Parsed("alpha:\n  listen: 127.0.0.1:22121\n  servers:\n" + lines);
  return pools.empty() ? std::vector<Server>{} : pools.front().servers;
}

TEST(ParsePools, ReadsEverySetting) {
  const std::vector<PoolConfig> pools = Parsed(R"(
# what a file can have
alpha:
  listen: 127.0.0.1:22121
  hash: md5
  hash_tag: "{}"
  distribution: modula
  timeout: 400
  backlog: 1024
  client_connections: 7
  redis: true
  tcpkeepalive: true
  reuseport: true
  redis_auth: secret
  redis_db: 3
  preconnect: true
  auto_eject_hosts: true
  server_connections: 2
  server_retry_timeout: 2000
  server_failure_limit: 3
  servers:
   - 10.0.0.1:6379:1 one
   - 10.0.0.2:6379:2
)");
  ASSERT_EQ(pools.size(), 1U);
  PoolConfig expected;
  expected.name = "alpha";
  expected.listen = {"127.0.0.1:22121", "127.0.0.1", 22121, std::nullopt};
  expected.hash = HashFunction::kMd5;
  expected.hash_tag = HashTag{'{', '}'};
  expected.distribution = Distribution::kModula;
  expected.timeout = milliseconds(400);
  expected.backlog = 1024;
  expected.client_connections = 7;
  expected.redis = true;
  expected.tcpkeepalive = true;
  expected.reuseport = true;
  expected.redis_auth = "secret";
  expected.redis_db = 3;
  expected.preconnect = true;
  expected.auto_eject_hosts = true;
  expected.server_connections = 2;
  expected.server_retry_timeout = milliseconds(2000);
  expected.server_failure_limit = 3;
  expected.servers = {{.name = "one", .host = "10.0.0.1", .port = 6379, .weight = 1, .named = true},
                      {.name = "10.0.0.2:6379", .host = "10.0.0.2", .port = 6379, .weight = 2}};
  EXPECT_EQ(pools[0], expected);
}

TEST(ParsePools, HasTwemproxysDefaults) {
  const PoolConfig pool = With("");
  EXPECT_EQ(pool.hash, HashFunction::kFnv1a_64);
  EXPECT_EQ(pool.distribution, Distribution::kKetama);
  EXPECT_EQ(pool.hash_tag, std::nullopt);
  EXPECT_EQ(pool.timeout, std::nullopt);
  EXPECT_EQ(pool.backlog, 512);
  EXPECT_EQ(pool.client_connections, std::nullopt);
  EXPECT_EQ(pool.redis_auth, std::nullopt);
  EXPECT_EQ(pool.redis_db, 0);
  EXPECT_EQ(pool.server_connections, 1);
  EXPECT_EQ(pool.server_retry_timeout, milliseconds(30000));
  EXPECT_EQ(pool.server_failure_limit, 2);
  for (bool flag :
       {pool.redis, pool.tcpkeepalive, pool.reuseport, pool.preconnect, pool.auto_eject_hosts}) {
    EXPECT_FALSE(flag);
  }
}

TEST(ParsePools, KeepsPoolsAndServersInTheOrderOfTheFile) {
  const std::vector<PoolConfig> pools = Parsed(
      "zeta:\n  listen: 127.0.0.1:1\n  servers:\n  - h:3:1 c\n  - h:1:1 a\n"
      "beta:\n  listen: 127.0.0.1:2\n  servers:\n  - h:3:1 c\n");
  ASSERT_EQ(pools.size(), 2U);
  EXPECT_EQ(pools[0].name, "zeta");
  EXPECT_EQ(pools[0].servers[0].name, "c");
  EXPECT_EQ(pools[0].servers[1].name, "a");
  EXPECT_EQ(pools[1].name, "beta");
}

TEST(ParsePools, ReadsEveryHashAndDistribution) {
  for (HashFunction hash : kHashFunctions) {
    EXPECT_EQ(With("  hash: " + std::string(HashName(hash)) + "\n").hash, hash);
  }
  for (Distribution distribution :
       {Distribution::kKetama, Distribution::kModula, Distribution::kRandom}) {
    EXPECT_EQ(
        With("  distribution: " + std::string(DistributionName(distribution)) + "\n").distribution,
        distribution);
  }
}

TEST(ParsePools, TakesQuotedNumbersAndBooleans) {
  const PoolConfig pool = With("  timeout: \"400\"\n  redis: 'true'\n  preconnect: \"false\"\n");
  EXPECT_EQ(pool.timeout, milliseconds(400));
  EXPECT_TRUE(pool.redis);
}

TEST(ParsePools, TakesZeroForNumbersOtherThanServerConnections) {
  const PoolConfig pool = With(
      "  timeout: 0\n  backlog: 0\n  client_connections: 0\n  redis_db: 0\n"
      "  server_retry_timeout: 0\n  server_failure_limit: 00\n");
  EXPECT_EQ(pool.timeout, milliseconds(0));
  EXPECT_EQ(pool.backlog, 0);
  EXPECT_EQ(pool.server_retry_timeout, milliseconds(0));
  EXPECT_EQ(pool.server_failure_limit, 0);
}

TEST(ParsePools, TakesTheLargestInt) {
  EXPECT_EQ(With("  timeout: 2147483647\n").timeout, milliseconds(2147483647));
  EXPECT_EQ(With("  backlog: 0000000000002147483647\n").backlog, 2147483647);
}

TEST(ParsePools, TakesOneAddressUnderTwoNames) {
  EXPECT_EQ(Servers("  - h:1:1 a\n  - h:1:1 b\n").size(), 2U);
  EXPECT_EQ(Servers("  - h:1:1 a\n  - h:1:1\n").size(), 2U);
  EXPECT_EQ(Servers("  - h:1:1\n  - h:01:1\n").size(), 2U);  // "h:1" and "h:01" on the ring
}

TEST(ParsePools, TakesIpv6WithAndWithoutBracketsAndEmptyHosts) {
  const std::vector<Server> servers = Servers("  - ::1:11211:1\n  - '[::1]:11211:1'\n  - :5:1\n");
  ASSERT_EQ(servers.size(), 3U);
  EXPECT_EQ(servers[0].host, "::1");
  EXPECT_EQ(servers[1].host, "::1");
  EXPECT_EQ(servers[2].host, "");
}

TEST(ParsePools, TakesAListOfOneForAnotherSetting) {
  // twemproxy wants exactly one list in a pool, and does not care which setting has it.
  const std::vector<PoolConfig> pools =
      Parsed("alpha:\n  listen:\n  - 127.0.0.1:1\n  servers: h:1:1 a\n");
  ASSERT_EQ(pools.size(), 1U);
  EXPECT_EQ(pools[0].listen.port, 1);
  EXPECT_EQ(pools[0].servers.size(), 1U);
}

TEST(ParsePools, ReadsAListenSocketAndItsPermissions) {
  const auto listen = [](const std::string& value) {
    return Parsed("alpha:\n  listen: " + value + "\n  servers:\n  - h:1:1\n").at(0).listen;
  };
  EXPECT_EQ(listen("/tmp/nc.sock"), (ListenAddress{"/tmp/nc.sock", "/tmp/nc.sock", 0, {}}));
  EXPECT_EQ(listen("/tmp/nc.sock 0660"),
            (ListenAddress{"/tmp/nc.sock 0660", "/tmp/nc.sock", 0, 0660}));
  EXPECT_EQ(listen("/tmp/nc.sock 777").permissions, 0777U);
  EXPECT_EQ(listen("/tmp/nc.sock 9").permissions, 0U);  // strtol reads no digit
}

TEST(ParsePools, KeepsAHashTagOfAnyTwoBytes) {
  EXPECT_EQ(With("  hash_tag: \"$$\"\n").hash_tag, (HashTag{'$', '$'}));
  EXPECT_EQ(With("  hash_tag: \xc3\xa9\n").hash_tag, (HashTag{'\xc3', '\xa9'}));
}

TEST(LoadPools, ReadsAFile) {
  const std::string path = ::testing::TempDir() + "shardcache_pool_config_test.yml";
  std::ofstream(path) << "alpha:\n  listen: 127.0.0.1:1\n  servers:\n  - h:1:1\n";
  const Result<std::vector<PoolConfig>> pools = LoadPools(path);
  std::remove(path.c_str());
  ASSERT_TRUE(pools.ok()) << pools.error().message;
  EXPECT_EQ(pools->at(0).name, "alpha");
}

TEST(LoadPools, NamesAFileThatCannotBeRead) {
  const Result<std::vector<PoolConfig>> none = LoadPools("/no/such/nutcracker.yml");
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, ErrorCode::kIo);
  EXPECT_EQ(none.error().message, "/no/such/nutcracker.yml: No such file or directory");
  const Result<std::vector<PoolConfig>> directory = LoadPools("/");
  ASSERT_FALSE(directory.ok());
  EXPECT_EQ(directory.error().code, ErrorCode::kIo);
}

TEST(CheckListen, RefusesAHostThatThisMachineDoesNotKnow) {
  PoolConfig pool = With("");
  EXPECT_TRUE(CheckListen(pool).ok());
  pool.listen = {"no.such.host.invalid:1", "no.such.host.invalid", 1, std::nullopt};
  const Result<void> unknown = CheckListen(pool);
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code, ErrorCode::kInvalidConfig);
  EXPECT_NE(unknown.error().message.find("no.such.host.invalid"), std::string::npos);
  pool.listen = {"/tmp/nc.sock", "/tmp/nc.sock", 0, std::nullopt};
  EXPECT_TRUE(CheckListen(pool).ok());
}

}  // namespace
}  // namespace shardcache
