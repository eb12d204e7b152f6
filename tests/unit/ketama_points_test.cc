// Rings that are chosen from points kept sorted are the rings that hashing and sorting makes.
#include "lib/ketama_points.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "lib/ketama.h"
#include "shardcache/placement.h"
#include "tests/unit/effort.h"
#include "tests/unit/pool_of.h"

namespace shardcache {
namespace {

using testing::MakePlacement;

PoolConfig RandomPool(std::size_t servers, std::uint32_t max_weight, std::size_t name_size,
                      std::minstd_rand& random) {
  PoolConfig pool;
  pool.name = "random";
  for (std::size_t i = 0; i < servers; ++i) {
    Server server;
    server.host = "h";
    server.port = 1;
    server.named = true;
    server.name = std::string(name_size, 'x') + "server" + std::to_string(i);
    server.weight = 1 + static_cast<std::uint32_t>(random() % max_weight);
    pool.servers.push_back(server);
  }
  return pool;
}

std::vector<ServerIndex> Live(const std::vector<bool>& is_live) {
  std::vector<ServerIndex> live;
  for (ServerIndex i = 0; i < is_live.size(); ++i) {
    if (is_live[i]) live.push_back(i);
  }
  return live;
}

// Ejects and readmits servers at random, and holds every ring against the plain form.
void CheckRandomWalk(const PoolConfig& pool, std::size_t steps, std::minstd_rand& random) {
  const Placement all = MakePlacement(pool);
  std::vector<bool> is_live(all.servers().size(), true);
  ASSERT_EQ(all.points(), internal::KetamaRing(all.servers(), Live(is_live)));
  for (std::size_t step = 0; step < steps; ++step) {
    for (std::size_t flips = 1 + random() % 3; flips > 0; --flips) {
      const std::size_t server = random() % is_live.size();
      is_live[server] = !is_live[server];
    }
    const std::vector<ServerIndex> live = Live(is_live);
    if (live.empty()) continue;
    const Result<Placement> now = all.Restrict(live);
    ASSERT_TRUE(now.ok());
    ASSERT_EQ(now->points(), internal::KetamaRing(all.servers(), live))
        << live.size() << " of " << is_live.size() << " live";
  }
}

TEST(KetamaPoints, FollowEjectionsAndReadmissionsOfEqualServers) {
  std::minstd_rand random(1);
  // 26 and 48 servers have neighbours with other numbers of points a server: 25 and 47.
  for (std::size_t servers : {2, 5, 26, 48}) {
    ASSERT_NO_FATAL_FAILURE(
        CheckRandomWalk(RandomPool(servers, 1, 0, random), 20 * testing::Effort(), random));
  }
}

TEST(KetamaPoints, FollowEjectionsAndReadmissionsOfUnequalServers) {
  std::minstd_rand random(2);
  for (std::size_t round = 0; round < 6 * testing::Effort(); ++round) {
    const std::uint32_t max_weight = round % 3 == 0 ? 3 : round % 3 == 1 ? 100 : 2000000;
    ASSERT_NO_FATAL_FAILURE(
        CheckRandomWalk(RandomPool(2 + random() % 30, max_weight, 0, random), 10, random));
  }
}

// Names that are cut at 272 bytes before the number of the server: all points are ties.
TEST(KetamaPoints, KeepTiesInTheOrderOfServers) {
  std::minstd_rand random(3);
  for (std::uint32_t max_weight : {1, 7}) {
    ASSERT_NO_FATAL_FAILURE(
        CheckRandomWalk(RandomPool(9, max_weight, 280, random), 15 * testing::Effort(), random));
  }
}

TEST(KetamaPoints, HaveTheTiesOfAThousandServers) {
  std::minstd_rand random(4);
  const Placement placement = MakePlacement(RandomPool(1000, 1, 0, random));
  const std::vector<Point> points = placement.points();
  std::vector<ServerIndex> live(1000);
  std::iota(live.begin(), live.end(), 0);
  EXPECT_EQ(points, internal::KetamaRing(placement.servers(), live));
  const auto tie = std::adjacent_find(points.begin(), points.end(), [](auto a, auto b) {
    return a.value == b.value && a.owner != b.owner;
  });
  EXPECT_NE(tie, points.end()) << "the test needs other names";
}

TEST(KetamaPoints, AreForgottenRatherThanKeptWithoutBound) {
  std::minstd_rand random(5);
  PoolConfig pool = RandomPool(40, 1, 0, random);
  for (std::size_t i = 0; i < 40; ++i) pool.servers[i].weight = i < 20 ? 1 : 1000000;
  const Placement all = MakePlacement(pool);
  internal::KetamaPointCache cache;
  const internal::GroupCounts few(40, 1);
  for (std::size_t i = 0; i < 40; ++i) {
    internal::GroupCounts groups = few;
    groups[i] = 400;
    const auto points = cache.Get(all.servers(), groups);
    EXPECT_LE(points->points.size(), 4U * 4 * (400 + 39));
    EXPECT_EQ(points->points.size(),
              4U * std::accumulate(points->groups.begin(), points->groups.end(), 0U));
    EXPECT_EQ(internal::ChooseKetamaPoints(*points, groups, 0).size(), 4U * (400 + 39));
  }
}

}  // namespace
}  // namespace shardcache
