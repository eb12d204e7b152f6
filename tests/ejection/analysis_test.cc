#include "shardcache/analysis.h"

#include <gtest/gtest.h>

#include <set>

namespace shardcache {
namespace {

PoolConfig EqualServers(int count) {
  PoolConfig pool;
  pool.name = "equal";
  for (int i = 0; i < count; ++i) {
    pool.servers.push_back(*ParseServer("10.0.0." + std::to_string(i + 1) + ":11211:1"));
  }
  return pool;
}

// Measured on nutcracker 0.5.0: in a pool that goes from 26 live servers to 25, every survivor
// goes from 160 points to 156, and 119 of 4,816 keys of survivors, 2.5 %, changed server.
TEST(EjectionEffectsTest, From26To25EqualServersMovesSurvivorsKeys) {
  const Placement placement = *Placement::Create(EqualServers(26));
  const auto effects = *EjectionEffects(placement);
  ASSERT_EQ(effects.size(), 26U);
  double moved = 0;
  for (const EjectionEffect& effect : effects) {
    moved += effect.survivors_moved / effect.survivors / 26;
    EXPECT_EQ(effect.servers_changed, 25U);
    EXPECT_EQ(effect.points_lost, 25U * 4);
    EXPECT_EQ(effect.points_gained, 0U);
    EXPECT_NE(effect.why.find("float points"), std::string::npos);
  }
  EXPECT_NEAR(moved, 0.025, 0.003);
}

TEST(EjectionEffectsTest, From6To5EqualServersMovesOnlyTheEjectedServersKeys) {
  for (const EjectionEffect& effect : *EjectionEffects(*Placement::Create(EqualServers(6)))) {
    EXPECT_EQ(effect.survivors_moved, 0);
    EXPECT_EQ(effect.why, "");
    EXPECT_NEAR(effect.own + effect.survivors, 1, 1e-9);
  }
}

// Measured with 20,000 keys on the real programs: of weights 1, 3, 7, 10, the death of the server
// of weight 10 moves 4.4 % of the keys between the others, that of weight 1 13.8 %. Those figures
// are for one set of names; here it is the order of size that must come out.
TEST(EjectionEffectsTest, UnequalWeightsMoveSurvivorsKeys) {
  PoolConfig pool;
  int port = 1000;
  for (const char* weight : {"1", "3", "7", "10"}) {
    pool.servers.push_back(
        *ParseServer("10.0.0.1:" + std::to_string(++port) + ":" + std::string(weight)));
  }
  for (const EjectionEffect& effect : *EjectionEffects(*Placement::Create(pool))) {
    EXPECT_GT(effect.survivors_moved, 0.01);
    EXPECT_LT(effect.survivors_moved, 0.25);
    EXPECT_NE(effect.why.find("weights"), std::string::npos);
  }
}

// Six servers to five, modula: 4/5 of each survivor's keys move (measured 66 % of all keys).
TEST(EjectionEffectsTest, ModulaMovesNearlyAllKeys) {
  PoolConfig pool = EqualServers(6);
  pool.distribution = Distribution::kModula;
  for (const EjectionEffect& effect : *EjectionEffects(*Placement::Create(pool))) {
    EXPECT_NEAR(effect.survivors_moved, 4.0 / 6, 0.01);
    EXPECT_NEAR(effect.own, 1.0 / 6, 0.01);
    EXPECT_NE(effect.why.find("modula"), std::string::npos);
  }
}

TEST(EjectionEffectsTest, CountsTheKeysThatAreGiven) {
  PoolConfig pool = EqualServers(26);
  pool.hash = HashFunction::kMd5;  // spreads such keys evenly, unlike fnv1a_64
  const Placement placement = *Placement::Create(pool);
  std::vector<std::uint32_t> hashes;
  for (int i = 0; i < 20000; ++i) hashes.push_back(placement.HashKey("key:" + std::to_string(i)));
  const auto by_keys = *EjectionEffects(placement, hashes);
  const auto over_all = *EjectionEffects(placement);
  for (std::size_t i = 0; i < by_keys.size(); ++i) {
    EXPECT_EQ(by_keys[i].own + by_keys[i].survivors, 20000);
    EXPECT_NEAR(by_keys[i].own / 20000, over_all[i].own, 0.01);
    EXPECT_NEAR(by_keys[i].survivors_moved / 20000, over_all[i].survivors_moved, 0.01);
  }
}

TEST(EjectionEffectsTest, RefusesWhatHasNoAnswer) {
  PoolConfig pool = EqualServers(1);
  EXPECT_EQ(EjectionEffects(*Placement::Create(pool)).error().code, ErrorCode::kInvalidArgument);
  pool = EqualServers(3);
  pool.distribution = Distribution::kRandom;
  EXPECT_EQ(EjectionEffects(*Placement::Create(pool)).error().code, ErrorCode::kInvalidArgument);
  EXPECT_FALSE(EjectionEffectOf(*Placement::Create(EqualServers(3)), 3).ok());
}

// The arc-wise figure against a count of located hashes.
TEST(RoutingChangeTest, EqualsTheShareOfSampledHashesThatMove) {
  const Placement all = *Placement::Create(EqualServers(26));
  std::vector<ServerIndex> live(all.live().begin(), all.live().end() - 3);
  const Placement some = *all.Restrict(live);
  int moved = 0;
  constexpr int kSample = 1 << 18;
  for (std::uint32_t i = 0; i < kSample; ++i) {
    const std::uint32_t hash = i << 14;
    moved += all.LocateHash(hash) != some.LocateHash(hash);
  }
  EXPECT_NEAR(RoutingChange(all, some), double{1} * moved / kSample, 0.002);
  EXPECT_EQ(RoutingChange(all, all), 0);
}

}  // namespace
}  // namespace shardcache
