// Comparisons of placements: the exact one beside counting hash by hash, and beside sampling.
#include "shardcache/compare.h"

#include <gtest/gtest.h>

#include "shardcache/interop.h"
#include "tests/interop/driver.h"
#include "tests/interop/random_setup.h"

namespace shardcache::testing {
namespace {

std::vector<std::string_view> Views(const std::vector<std::string>& keys) {
  return {keys.begin(), keys.end()};
}

PoolConfig RandomPool(RandomSetup& random, std::vector<Server> servers) {
  PoolConfig pool;
  pool.name = "p";
  pool.hash = kHashFunctions[random.Below(kHashFunctions.size())];
  pool.distribution = random.Chance(0.6) ? Distribution::kKetama : Distribution::kModula;
  for (Server& server : servers) {
    server.name = server.is_unix()       ? server.host + ":"
                  : server.port == 11211 ? server.host
                                         : server.address();
  }
  pool.servers = std::move(servers);
  return pool;
}

ClientSetup RandomClient(RandomSetup& random, const std::vector<Server>& servers) {
  ClientSetup setup{"libmemcached", servers, {}, CharSign::kSigned};
  if (random.Chance(0.3)) {
    setup.client = "pecl-memcache";
    setup.options = {{"memcache.hash_strategy", random.Chance(0.7) ? "standard" : "consistent"}};
    return setup;
  }
  if (random.Chance(0.6)) setup.options.push_back({"KETAMA_WEIGHTED", "1"});
  setup.options.push_back(
      {"HASH", random.Pick<std::string>({"MD5", "CRC", "FNV1A_64", "DEFAULT"})});
  return setup;
}

TEST(WilsonIntervalTest, MatchesPublishedValues) {
  // Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
  const auto expect = [](std::uint64_t successes, std::uint64_t trials, double low, double high) {
    const Interval interval = WilsonInterval(successes, trials);
    EXPECT_NEAR(interval.low, low, 5e-5);
    EXPECT_NEAR(interval.high, high, 5e-5);
  };
  expect(81, 263, 0.2553, 0.3662);
  expect(15, 148, 0.0624, 0.1605);
  expect(0, 20, 0.0000, 0.1611);
  expect(1, 29, 0.0061, 0.1718);
}

// Of one setting the hash has so few values that each can be tried.
TEST(CompareTest, ExactComparisonCountsEveryHashOfCrc32) {
  RandomSetup random(21);
  for (int i = 0; i < 40; ++i) {
    const std::vector<Server> servers = random.Servers({});
    PoolConfig pool = RandomPool(random, servers);
    pool.hash = HashFunction::kCrc32;
    ClientSetup setup = RandomClient(random, servers);
    if (setup.client == "libmemcached") setup.options.back().value = "CRC";
    if (setup.client == "pecl-memcache") setup.options[0].value = "standard";
    const Placement proxy = *Placement::Create(pool);
    const Result<ClientModel> client = ModelClient(setup);
    ASSERT_TRUE(client.ok()) << client.error().message;
    const Comparer comparer(proxy, client->placement);
    const std::optional<ExactComparison> exact = comparer.Exact();
    ASSERT_TRUE(exact.has_value());
    EXPECT_EQ(exact->hashes, 32768U);
    std::uint64_t differ = 0;
    for (std::uint32_t hash = 0; hash < 32768; ++hash) {
      if (!comparer.SameServer(proxy.LocateHash(hash), client->placement.LocateHash(hash))) {
        ++differ;
      }
    }
    EXPECT_EQ(exact->disagreements, differ) << Describe(setup);
  }
}

TEST(CompareTest, ExactComparisonLiesWithinTheIntervalOfTheSampledOne) {
  RandomSetup random(22);
  int exact_ones = 0;
  int outside = 0;
  // Most pairs have no exact comparison, and how many have is chance: until enough had one.
  while (exact_ones < 40) {
    const std::vector<Server> servers = random.Servers({});
    const PoolConfig pool = RandomPool(random, servers);
    ClientSetup setup = RandomClient(random, servers);
    const Placement proxy = *Placement::Create(pool);
    const Result<ClientModel> client = ModelClient(setup);
    ASSERT_TRUE(client.ok()) << client.error().message;
    Comparer comparer(proxy, client->placement);
    const std::optional<ExactComparison> exact = comparer.Exact();
    if (!exact || pool.hash == HashFunction::kCrc16) continue;  // crc16 does not spread evenly
    ++exact_ones;
    const std::vector<std::string> keys = random.Keys(5000);
    comparer.Add(Views(keys));
    const Comparison sampled = comparer.Result();
    if (exact->fraction < sampled.interval.low || exact->fraction > sampled.interval.high) {
      ++outside;
    }
    if (exact->disagreements == 0) {
      EXPECT_EQ(sampled.disagreements, 0U) << Describe(setup);
    }
    std::uint64_t flowing = 0;
    for (const Flow& flow : sampled.flows) flowing += flow.amount;
    EXPECT_EQ(flowing, sampled.disagreements);
    flowing = 0;
    for (const Flow& flow : exact->flows) flowing += flow.amount;
    EXPECT_EQ(flowing, exact->disagreements);
  }
  // One in twenty may lie outside; four times as many do not by chance.
  EXPECT_LE(outside, 3 + exact_ones / 5);
}

TEST(CompareTest, AProxyGetsTheKeyAsTheClientSendsIt) {
  std::vector<Server> servers;
  for (const char* line : {"10.0.0.1:11211:1", "10.0.0.2:11211:1", "10.0.0.3:11212:1"}) {
    servers.push_back(*ParseServer(line));
  }
  PoolConfig pool;
  pool.hash = HashFunction::kMd5;
  pool.servers = servers;
  const auto disagreements = [&](const char* hash_with_prefix) {
    const ClientModel client = *ModelClient({"php-memcached",
                                             servers,
                                             {{"OPT_LIBKETAMA_COMPATIBLE", "true"},
                                              {"OPT_PREFIX_KEY", "app:"},
                                              {"OPT_HASH_WITH_PREFIX_KEY", hash_with_prefix}},
                                             CharSign::kSigned});
    RandomSetup random(23);
    const std::vector<std::string> keys = random.Keys(3000);
    return Compare(*Placement::Create(pool), client.placement, Views(keys)).disagreements;
  };
  EXPECT_EQ(disagreements("true"), 0U);
  EXPECT_GT(disagreements("false"), 1000U);
}

}  // namespace
}  // namespace shardcache::testing
