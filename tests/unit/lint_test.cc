#include "shardcache/lint.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "tests/unit/pool_of.h"

namespace shardcache {
namespace {

using testing::EqualPool;
using testing::PoolOf;

// A pool that nothing is to be said about.
PoolConfig Clean(const std::vector<std::string>& servers = {"h:1:1 a", "h:2:1 b", "h:3:1 c"},
                 Distribution distribution = Distribution::kKetama) {
  return PoolOf(servers, distribution, HashFunction::kMd5);
}

PoolConfig Ejecting(PoolConfig pool) {
  pool.hash = HashFunction::kMd5;
  pool.auto_eject_hosts = true;
  pool.timeout = std::chrono::milliseconds(400);
  return pool;
}

void ExpectOne(const PoolConfig& pool, const std::string& setting, const std::string& part) {
  const std::vector<Warning> warnings = Lint(pool);
  ASSERT_EQ(warnings.size(), 1U) << part;
  EXPECT_EQ(warnings[0].pool, "alpha");
  EXPECT_EQ(warnings[0].setting, setting);
  EXPECT_NE(warnings[0].message.find(part), std::string::npos) << warnings[0].message;
}

TEST(Lint, HasNothingToSayOfAPlainPool) {
  EXPECT_TRUE(Lint(Clean()).empty());
  EXPECT_TRUE(Lint(Clean({"h:1:1 a", "h:2:1 b"}, Distribution::kModula)).empty());
  EXPECT_TRUE(Lint(Clean({"h:1:1 a", "h:2:1 b"}, Distribution::kRandom)).empty());
  EXPECT_TRUE(Lint(Ejecting(Clean())).empty());
}

TEST(Lint, NamesTheSpreadOfCrc32AndCrc16OverARing) {
  PoolConfig pool =
      PoolOf({"h:1:1 a", "h:2:1 b", "h:3:1 c"}, Distribution::kKetama, HashFunction::kCrc32);
  ExpectOne(pool, "hash", "100.0 % go to");
  pool.hash = HashFunction::kCrc16;
  ExpectOne(pool, "hash", "does not spread keys");
  pool.distribution = Distribution::kModula;
  EXPECT_TRUE(Lint(pool).empty());
  pool.hash = HashFunction::kCrc32;
  EXPECT_TRUE(Lint(pool).empty());
}

TEST(Lint, SaysWhichHashesDisagreeBetweenArmAndX86) {
  for (HashFunction hash : kHashFunctions) {
    if (hash == HashFunction::kCrc32 || hash == HashFunction::kCrc16) continue;
    PoolConfig pool = Clean();
    pool.hash = hash;
    if (DependsOnCharSign(hash)) {
      ExpectOne(pool, "hash", "ARM");
    } else {
      EXPECT_TRUE(Lint(pool).empty()) << HashName(hash);
    }
    pool.distribution = Distribution::kRandom;
    EXPECT_TRUE(Lint(pool).empty()) << HashName(hash);
  }
}

TEST(Lint, NamesServersThatNeverGetAKey) {
  ExpectOne(Clean({"h:1:100000 a", "h:2:1 b"}), "servers", "\"b\" never gets a key");
  EXPECT_TRUE(Lint(Clean({"h:1:100000 a", "h:2:1 b"}, Distribution::kModula)).empty());
}

TEST(Lint, NamesWeightsThatOverrunTwemproxysTables) {
  ExpectOne(Clean({"h:1:2147483647 a", "h:2:2147483647 b", "h:3:2 c"}), "servers", "4294967296");
}

TEST(Lint, NamesEmptyAndOverlongRingNames) {
  ExpectOne(Clean({"h:1:1 ", "h:2:1 b"}), "servers", "empty ring name");
  const std::string name(270, 'n');
  ExpectOne(Clean({"h:1:1 " + name, "h:2:1 b"}), "servers", "270 bytes");
  EXPECT_TRUE(Lint(Clean({"h:1:1 " + name, "h:2:1 b"}, Distribution::kModula)).empty());
}

TEST(Lint, MissesATimeoutWhereServersAreEjected) {
  PoolConfig pool = Ejecting(Clean());
  pool.timeout.reset();
  ExpectOne(pool, "timeout", "never ejected");
  pool.auto_eject_hosts = false;
  EXPECT_TRUE(Lint(pool).empty());
}

TEST(Lint, NamesModulaWhereServersAreEjected) {
  ExpectOne(Ejecting(Clean({"h:1:1 a", "h:2:1 b"}, Distribution::kModula)), "distribution",
            "moves nearly all keys");
  EXPECT_TRUE(Lint(Ejecting(Clean({"h:1:1 a"}, Distribution::kModula))).empty());
}

TEST(Lint, NamesMoreConnectionsThanFailuresAllowed) {
  PoolConfig pool = Ejecting(Clean());
  pool.server_connections = 3;
  ExpectOne(pool, "server_connections", "failure limit of 2");
  pool.server_failure_limit = 3;
  EXPECT_TRUE(Lint(pool).empty());
  pool.server_failure_limit = 0;  // acts as 1
  pool.server_connections = 1;
  EXPECT_TRUE(Lint(pool).empty());
  pool.server_connections = 2;
  ExpectOne(pool, "server_connections", "failure limit of 1");
}

// The sizes at which one ejection leads to a size that gives 156 points; measured on
// nutcracker: 25, 47, 50, 55, 61, 71, 94 and 100 give 156, all others up to 100 give 160.
TEST(Lint, NamesPoolSizesWhereAnEjectionMovesKeysOfSurvivors) {
  for (std::uint32_t size : {26U, 25U, 48U, 51U, 95U, 101U}) {
    ExpectOne(Ejecting(EqualPool(size)), "servers", "different numbers of points");
  }
  for (std::uint32_t size : {2U, 10U, 24U, 27U, 49U, 60U, 99U}) {
    EXPECT_TRUE(Lint(Ejecting(EqualPool(size))).empty()) << size;
  }
}

TEST(Lint, NamesWeightsWithWhichAnEjectionMovesKeysOfSurvivors) {
  ExpectOne(Ejecting(Clean({"h:1:1 a", "h:2:1 b", "h:3:100 c"})), "servers", "unequal weights");
}

}  // namespace
}  // namespace shardcache
