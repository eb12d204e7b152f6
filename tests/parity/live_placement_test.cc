// Key placement against a running nutcracker: its servers answer with their own address, so each
// `get` through it says where it sent the key.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "shardcache/placement.h"
#include "shardcache/pool_config.h"
#include "tests/harness/echo_backends.h"
#include "tests/harness/nutcracker.h"
#include "tests/harness/random.h"
#include "tests/harness/text_client.h"
#include "tests/parity/random_pools.h"
#include "tests/unit/ring_tie.h"

namespace shardcache {
namespace {

using testing::Answer;
using testing::EchoBackends;
using testing::Nutcracker;
using testing::Random;
using testing::TempDir;
using testing::TextClient;

// Backends of each kind that twemproxy treats in a way of its own; each answers its address.
class Servers {
 public:
  Servers() {
    for (int i = 0; i < 90; ++i) Add(testing::Loopback(testing::FreePort()));
    // The port that ring names leave out, on hosts of different lengths. The second byte keeps
    // runs apart that go on at the same time.
    Random random;
    const std::string host = "127." + std::to_string(random.Between(1, 254)) + ".";
    for (int i = 0; i < 20; ++i)
      Add(host + std::to_string(i * 12) + "." + std::to_string(1 + i) + ":11211");
    for (int i = 0; i < 20; ++i) Add(sockets_.File(std::string(i % 4, 's') + std::to_string(i)));
  }

  const std::vector<std::string>& addresses() const { return addresses_; }

 private:
  void Add(const std::string& address) {
    backends_.Add(address, address);
    addresses_.push_back(address);
  }

  TempDir sockets_;
  EchoBackends backends_;
  std::vector<std::string> addresses_;
};

std::string Hex(std::string_view bytes) {
  std::string hex;
  for (char byte : bytes) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned char>(byte));
    hex += digits;
  }
  return hex;
}

// Asks the proxy for `keys`, and counts those that went elsewhere than `pool` says.
int CountMismatches(const PoolConfig& pool, const std::vector<std::string>& keys) {
  const Result<Placement> placement = Placement::Create(pool);
  EXPECT_TRUE(placement.ok()) << placement.error().message;
  if (!placement.ok()) return 1;
  TextClient client(pool.listen.text);
  const std::vector<Answer> answers = client.GetMany(keys, std::chrono::minutes(2));
  int mismatches = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::string named = placement->server(placement->Locate(keys[i])).address();
    if (answers[i] == Answer{testing::Status::kHit, named}) continue;
    if (++mismatches > 3) continue;
    ADD_FAILURE() << "pool " << pool.name << ", key " << Hex(keys[i]) << ": shardcache says "
                  << named << ", nutcracker " << answers[i];
  }
  return mismatches;
}

TEST(LivePlacement, IsNutcrackersForEveryKeyOfRandomPools) {
  constexpr int kRounds = 5;
  constexpr int kKeysPerPool = 2900;
  const Servers servers;
  const TempDir sockets;
  Random random;
  std::size_t placements = 0;
  std::size_t pools_asked = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::string yaml;
    std::vector<std::string> listens;
    for (HashFunction hash : kHashFunctions) {
      for (Distribution distribution : {Distribution::kKetama, Distribution::kModula}) {
        const std::string name =
            std::string(HashName(hash)) + "_" + std::string(DistributionName(distribution));
        listens.push_back(sockets.File(name));
        yaml += RandomPool(random, name, listens.back(), hash, distribution, servers.addresses());
      }
    }
    const Nutcracker nutcracker(yaml, listens);
    const Result<std::vector<PoolConfig>> pools = ParsePools(yaml, "nutcracker.yml");
    ASSERT_TRUE(pools.ok()) << pools.error().message << '\n' << yaml;
    ASSERT_EQ(pools->size(), listens.size());
    for (const PoolConfig& pool : *pools) {
      std::vector<std::string> keys;
      for (int i = 0; i < kKeysPerPool; ++i) {
        keys.push_back(pool.hash_tag && i % 2 == 0 ? random.Key(testing::KeyFlavour::kHashTags)
                                                   : random.Key());
      }
      placements += keys.size();
      ++pools_asked;
      ASSERT_EQ(CountMismatches(pool, keys), 0) << "SHARDCACHE_SEED=" << testing::Seed() << '\n'
                                                << yaml;
    }
  }
  std::printf("%zu keys in %zu pools: no mismatch\n", placements, pools_asked);
  EXPECT_GE(placements, 200000U);
}

// Both servers of a pool have a point of one value: which of them gets the keys before it?
TEST(LivePlacement, BreaksTiesOnTheRingAsNutcrackerDoes) {
  EchoBackends backends;
  for (const char* name : {"one", "two"}) {
    const int backend = backends.Add(name);
    ASSERT_GE(backend, 0);
  }
  int asked = 0;
  for (const testing::RingTie& tie : testing::FindRingTies()) {
    const std::string listen = testing::Loopback(testing::FreePort());
    const std::vector<std::string> settings = {"hash: crc32a"};
    const std::vector<testing::PoolServer> servers = {{backends.address(0), tie.second},
                                                      {backends.address(1), tie.first}};
    const std::string yaml = testing::MakePool("tie", listen, settings, servers);
    const Result<std::vector<PoolConfig>> pools = ParsePools(yaml, "nutcracker.yml");
    ASSERT_TRUE(pools.ok()) << pools.error().message;
    const Result<Placement> placement = Placement::Create(pools->front());
    ASSERT_TRUE(placement.ok());
    const std::vector<Point> points = placement->points();
    const auto at = std::find(points.begin(), points.end(), Point{tie.value, 0});
    ASSERT_NE(at, points.end());
    const std::uint32_t before = at == points.begin() ? 0 : std::prev(at)->value;
    if (tie.value - before < 1U << 21) continue;  // few keys would meet so short an arc
    std::vector<std::string> keys;
    for (int i = 0; keys.size() < 20; ++i) {
      const std::string key = "key:" + std::to_string(i);
      const std::uint32_t hash = Hash(HashFunction::kCrc32a, key);
      if (before < hash && hash <= tie.value) keys.push_back(key);
    }
    const Nutcracker nutcracker(yaml, {listen});
    TextClient client(listen);
    for (const Answer& answer : client.GetMany(keys)) {
      EXPECT_EQ(answer, (Answer{testing::Status::kHit, "two"})) << tie.first << " " << tie.second;
      ++asked;
    }
    EXPECT_EQ(placement->server(placement->Locate(keys.front())).name, tie.first);
  }
  EXPECT_GE(asked, 20);
}

}  // namespace
}  // namespace shardcache
