// A real nutcracker and a Router side by side through real faults: after every event both must
// send every key to the same server. A failed schedule is replayed by the seed it printed.
#include <gtest/gtest.h>

#include "tests/ejection/lockstep_world.h"

namespace shardcache {
namespace {

using testing::LockstepWorld;
using testing::Milliseconds;
using testing::Seed;
using testing::WorldCounts;
using testing::WorldOptions;

void Play(const WorldOptions& options, std::uint64_t salt, int events) {
  const std::uint64_t seed = Seed() + salt;
  LockstepWorld world(options, seed);
  int statistics_checked = 0;
  for (int i = 0; i < events && world.counts().mismatches == 0; ++i) {
    world.PlayEvent();
    if (i % 10 != 9) continue;
    EXPECT_TRUE(world.StatisticsAgree());
    ++statistics_checked;
  }
  const WorldCounts& counts = world.counts();
  std::printf(
      "events %d, keys compared %d, mismatches %d, asked anew near an expiry %d or after a stall "
      "%d, "
      "failures %d, ejections %d, all dead %d, statistics compared %d\n",
      counts.events, counts.keys_compared, counts.mismatches, counts.ambiguous, counts.stalls,
      counts.failed_requests, counts.ejections, counts.all_dead, statistics_checked);
  std::string log;
  for (const std::string& line : world.log()) log += line + '\n';
  EXPECT_EQ(counts.mismatches, 0) << "SHARDCACHE_SEED=" << Seed() << '\n' << log;
  EXPECT_GE(counts.keys_compared, 500 * events);
  EXPECT_GT(counts.ejections, 0);
  // The window in which nothing can be said must stay an exception.
  EXPECT_LE(counts.ambiguous, counts.keys_compared / 10);
  EXPECT_LE(counts.stalls, counts.events / 10);
}

TEST(LockstepTest, KetamaOfFiveServers) { Play({.servers = 5, .failure_limit = 2}, 1, 60); }

TEST(LockstepTest, KetamaOfTwentySixServersWhoseFloatPointsChange) {
  Play({.servers = 26, .failure_limit = 1, .retry_timeout = Milliseconds(900)}, 2, 40);
}

TEST(LockstepTest, KetamaOfUnequalWeights) {
  Play({.servers = 6,
        .failure_limit = 3,
        .timeout = Milliseconds(120),
        .retry_timeout = Milliseconds(700),
        .unequal_weights = true},
       3, 40);
}

TEST(LockstepTest, ModulaOfFourServers) {
  Play({.distribution = Distribution::kModula, .servers = 4, .failure_limit = 1}, 4, 40);
}

TEST(LockstepTest, TwoServersThatAllDie) {
  Play({.servers = 2, .failure_limit = 1, .timeout = Milliseconds(100)}, 5, 40);
}

TEST(LockstepTest, EachOfSeveralClosedConnectionsCounts) {
  Play({.servers = 4, .failure_limit = 2, .server_connections = 3}, 6, 40);
}

TEST(LockstepTest, AFailureLimitOfZeroActsAsOne) {
  Play({.servers = 3, .failure_limit = 0, .retry_timeout = Milliseconds(400)}, 7, 30);
}

}  // namespace
}  // namespace shardcache
