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
#include "lib/scheme.h"
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

std::vector<Point> PlainRing(const Placement& placement, const std::vector<ServerIndex>& live) {
  return internal::KetamaRing(placement.servers(),
                              internal::KetamaGroupsOf(placement.servers(), live));
}

// Ejects and readmits servers at random, and holds every ring against the plain form.
void CheckRandomWalk(const Placement& all, std::size_t steps, std::minstd_rand& random) {
  std::vector<bool> is_live(all.servers().size(), true);
  ASSERT_EQ(all.points(), PlainRing(all, Live(is_live)));
  for (std::size_t step = 0; step < steps; ++step) {
    for (std::size_t flips = 1 + random() % 3; flips > 0; --flips) {
      const std::size_t server = random() % is_live.size();
      is_live[server] = !is_live[server];
    }
    const std::vector<ServerIndex> live = Live(is_live);
    if (live.empty()) continue;
    const Result<Placement> now = all.Restrict(live);
    ASSERT_TRUE(now.ok());
    ASSERT_EQ(now->points(), PlainRing(all, live))
        << live.size() << " of " << is_live.size() << " live";
  }
}

TEST(KetamaPoints, FollowEjectionsAndReadmissionsOfEqualServers) {
  std::minstd_rand random(1);
  // 26 and 48 servers have neighbours with other numbers of points a server: 25 and 47.
  for (std::size_t servers : {2, 5, 26, 48}) {
    ASSERT_NO_FATAL_FAILURE(CheckRandomWalk(MakePlacement(RandomPool(servers, 1, 0, random)),
                                            20 * testing::Effort(), random));
  }
}

TEST(KetamaPoints, FollowEjectionsAndReadmissionsOfUnequalServers) {
  std::minstd_rand random(2);
  for (std::size_t round = 0; round < 6 * testing::Effort(); ++round) {
    const std::uint32_t max_weight = round % 3 == 0 ? 3 : round % 3 == 1 ? 100 : 2000000;
    ASSERT_NO_FATAL_FAILURE(CheckRandomWalk(
        MakePlacement(RandomPool(2 + random() % 30, max_weight, 0, random)), 10, random));
  }
}

// Names that are cut at 272 bytes before the number of the server: all points are ties.
TEST(KetamaPoints, KeepTiesInTheOrderOfServers) {
  std::minstd_rand random(3);
  for (std::uint32_t max_weight : {1, 7}) {
    ASSERT_NO_FATAL_FAILURE(CheckRandomWalk(MakePlacement(RandomPool(9, max_weight, 280, random)),
                                            15 * testing::Effort(), random));
  }
}

TEST(KetamaPoints, HaveTheTiesOfAThousandServers) {
  std::minstd_rand random(4);
  const Placement placement = MakePlacement(RandomPool(1000, 1, 0, random));
  const std::vector<Point> points = placement.points();
  std::vector<ServerIndex> live(1000);
  std::iota(live.begin(), live.end(), 0);
  EXPECT_EQ(points, PlainRing(placement, live));
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
    EXPECT_EQ(cache.Ring(all.servers(), groups).points(),
              internal::KetamaRing(all.servers(), groups));
    // Of 40 groups for each server, four times as many.
    EXPECT_LE(cache.size(), 4U * 4 * 40 * 40);
  }
}

// A server whose groups are too many to be numbered in one word with 40,000 servers.
TEST(KetamaPoints, AreThePlainOnesOfAGiantAmongMany) {
  std::minstd_rand random(6);
  const Placement all = MakePlacement(RandomPool(40000, 1, 0, random));
  internal::KetamaPointCache cache;
  internal::GroupCounts groups(all.servers().size(), 0);
  groups[12345] = 65537;
  groups[23456] = 2;
  ASSERT_GT(groups[12345], internal::PointPacking(groups.size()).max_groups());
  EXPECT_EQ(cache.Ring(all.servers(), groups).points(),
            internal::KetamaRing(all.servers(), groups));
  EXPECT_EQ(cache.size(), 0U);
}

// Changes weights, servers and their addresses at random, each time from what was there before.
void CheckRandomReloads(std::size_t servers, std::uint32_t max_weight, std::size_t name_size,
                        std::size_t steps, std::minstd_rand& random) {
  const PoolConfig most = RandomPool(servers, max_weight, name_size, random);
  Placement now = MakePlacement(most);
  for (std::size_t step = 0; step < steps; ++step) {
    PoolConfig pool = most;
    for (Server& server : pool.servers) {
      if (random() % 3 == 0) server.weight = 1 + static_cast<std::uint32_t>(random() % max_weight);
      if (random() % 10 == 0) server.port = 2;
    }
    std::erase_if(pool.servers, [&](const Server&) { return random() % 8 == 0; });
    std::shuffle(pool.servers.begin(), pool.servers.end(), random);
    if (pool.servers.empty()) continue;
    const Result<Placement> next = internal::PlacementAccess::Reconfigure(now, pool);
    ASSERT_TRUE(next.ok());
    const Placement fresh = MakePlacement(pool);
    ASSERT_EQ(next->points(), fresh.points());
    ASSERT_EQ(next->fingerprint(), fresh.fingerprint());
    ASSERT_EQ(fresh.points(), PlainRing(fresh, Live(std::vector<bool>(pool.servers.size(), true))));
    now = *next;
    ASSERT_NO_FATAL_FAILURE(CheckRandomWalk(now, 3, random));
  }
}

TEST(KetamaPoints, FollowReloads) {
  std::minstd_rand random(7);
  for (std::size_t round = 0; round < 2 * testing::Effort(); ++round) {
    for (std::size_t servers : {1, 2, 17, 33, 64}) {
      for (std::uint32_t max_weight : {1U, 3U, 100U, 2000000U}) {
        ASSERT_NO_FATAL_FAILURE(CheckRandomReloads(servers, max_weight, 0, 8, random));
      }
    }
    ASSERT_NO_FATAL_FAILURE(CheckRandomReloads(9, 7, 280, 8, random));  // all points are ties
  }
}

TEST(KetamaPoints, AreNotInheritedByAnInvalidPool) {
  std::minstd_rand random(8);
  const Placement before = MakePlacement(RandomPool(3, 1, 0, random));
  const Result<Placement> after = internal::PlacementAccess::Reconfigure(before, PoolConfig{});
  ASSERT_FALSE(after.ok());
  EXPECT_EQ(after.error().code, ErrorCode::kInvalidConfig);
}

}  // namespace
}  // namespace shardcache
