// What a change of a pool moves: sums that must hold, and figures measured with nutcracker.
#include "shardcache/movement.h"

#include <gtest/gtest.h>

#include "tests/interop/random_setup.h"

namespace shardcache::testing {
namespace {

PoolConfig Pool(const std::vector<std::uint32_t>& weights,
                Distribution distribution = Distribution::kKetama) {
  PoolConfig pool;
  pool.name = "alpha";
  pool.hash = HashFunction::kFnv1a_64;
  pool.distribution = distribution;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    pool.servers.push_back(
        *ParseServer("10.0.0." + std::to_string(i + 1) + ":11211:" + std::to_string(weights[i])));
  }
  return pool;
}

PoolConfig Equal(std::size_t count, Distribution distribution = Distribution::kKetama) {
  return Pool(std::vector<std::uint32_t>(count, 1), distribution);
}

Movement Between(const PoolConfig& before, const PoolConfig& after) {
  Result<Movement> movement = MovementBetween(before, after);
  EXPECT_TRUE(movement.ok()) << movement.error().message;
  return *std::move(movement);
}

void ExpectMoves(const PoolConfig& before, const PoolConfig& after, double moved, double staying) {
  const Movement movement = Between(before, after);
  // They were measured on other names and on 20,000 keys.
  EXPECT_NEAR(movement.moved, moved, 0.03);
  EXPECT_NEAR(movement.reweighted + movement.needless, staying, 0.02);
}

// Nutcracker 0.5.0's answers for 20,000 keys, before and after.
TEST(MovementTest, IsThatOfTheProxy) {
  ExpectMoves(Equal(6), Equal(5), 0.179, 0);
  ExpectMoves(Equal(6), Equal(7), 0.134, 0);
  // Where servers have 156 points in the place of 160, or have again.
  ExpectMoves(Equal(26), Equal(25), 0.057, 0.025);
  ExpectMoves(Equal(24), Equal(25), 0.067, 0.024);
  ExpectMoves(Equal(47), Equal(46), 0.050, 0.028);
  ExpectMoves(Equal(6, Distribution::kModula), Equal(5, Distribution::kModula), 0.83, 0.66);
}

TEST(MovementTest, OfServersThatStayIsNeedlessUnlessAWeightAsksForIt) {
  EXPECT_EQ(Between(Equal(6), Equal(5)).needless, 0);
  EXPECT_EQ(Between(Equal(6), Equal(5)).came_new, 0);
  EXPECT_EQ(Between(Equal(6), Equal(7)).left_gone, 0);
  EXPECT_GT(Between(Equal(24), Equal(25)).needless, 0.01);
  EXPECT_GT(Between(Equal(6, Distribution::kModula), Equal(5, Distribution::kModula)).needless,
            0.6);
  const Movement heavier = Between(Equal(4), Pool({1, 1, 1, 2}));
  EXPECT_GT(heavier.reweighted, 0.1);
  EXPECT_EQ(heavier.left_gone + heavier.came_new, 0);
}

TEST(MovementTest, OfARenameIsNeedless) {
  PoolConfig renamed = Equal(4);
  renamed.servers[2].name = "cache3";
  renamed.servers[2].named = true;
  const Movement movement = Between(Equal(4), renamed);
  EXPECT_EQ(movement.ideal, 0);
  EXPECT_GT(movement.needless, 0.2);
  EXPECT_EQ(movement.needless, movement.moved);
  const auto least = LeastMovement(Equal(4), renamed);
  ASSERT_TRUE(least.ok() && *least);
  EXPECT_EQ((*least)->movement.moved, 0);
}

TEST(MovementTest, AReplacementMovesNoMoreThanItsShareUnderTheOldName) {
  PoolConfig replaced = Equal(4);
  replaced.servers[2] = *ParseServer("10.9.9.9:11211:1");
  const auto least = LeastMovement(Equal(4), replaced);
  ASSERT_TRUE(least.ok() && *least);
  EXPECT_EQ((*least)->pool.servers[2].name, "10.0.0.3");
  const Movement& movement = (*least)->movement;
  EXPECT_EQ(movement.moved, movement.left_gone);
  EXPECT_LT(movement.moved, Between(Equal(4), replaced).moved);
}

TEST(MovementTest, HasSumsThatAgree) {
  RandomSetup random(61);
  for (int i = 0; i < 30; ++i) {
    const auto pool = [&] {
      std::vector<std::uint32_t> weights(1 + random.Below(9));
      for (std::uint32_t& weight : weights) {
        weight = random.Chance(0.7) ? 1 : static_cast<std::uint32_t>(1 + random.Below(5));
      }
      return Pool(weights, random.Chance(0.7) ? Distribution::kKetama : Distribution::kModula);
    };
    const Movement movement = Between(pool(), pool());
    double left = 0;
    double arrived = 0;
    double after = 0;
    for (const ServerMovement& row : movement.servers) {
      left += row.left;
      arrived += row.arrived;
      after += row.after;
      EXPECT_NEAR(row.before - row.left + row.arrived, row.after, 1e-9) << row.address;
    }
    EXPECT_NEAR(left, movement.moved, 1e-9);
    EXPECT_NEAR(arrived, movement.moved, 1e-9);
    EXPECT_NEAR(after, 1, 1e-9);
    EXPECT_NEAR(movement.left_gone + movement.came_new + movement.reweighted + movement.needless,
                movement.moved, 1e-9);
  }
}

}  // namespace
}  // namespace shardcache::testing
