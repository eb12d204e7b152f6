// A million random events in simulated time, against a re-statement of twemproxy's rules that
// shares nothing with the library: plain microseconds, 0 for "none", as twemproxy keeps them.
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "shardcache/ejector.h"
#include "shardcache/router.h"
#include "tests/harness/random.h"

namespace shardcache {
namespace {

using testing::Random;
using testing::Seed;

struct Naive {
  bool eject = true;
  unsigned limit = 2;
  std::int64_t retry = 0;
  struct Host {
    unsigned failures = 0;
    std::int64_t next_retry = 0;
  };
  std::vector<Host> hosts;
  std::vector<unsigned> ring;
  std::int64_t next_rebuild = 0;
  unsigned alive = 0;

  void Build(std::int64_t now) {
    std::vector<unsigned> found;
    next_rebuild = 0;
    for (unsigned i = 0; i < hosts.size(); i++) {
      if (!eject || hosts[i].next_retry <= now) {
        if (eject) hosts[i].next_retry = 0;
        found.push_back(i);
      } else if (next_rebuild == 0 || hosts[i].next_retry < next_rebuild) {
        next_rebuild = hosts[i].next_retry;
      }
    }
    alive = static_cast<unsigned>(found.size());
    if (alive > 0) ring = found;
  }
  void Fail(unsigned i, std::int64_t now) {
    if (!eject) return;
    hosts[i].failures++;
    if (hosts[i].failures < limit) return;
    hosts[i].failures = 0;
    hosts[i].next_retry = now + retry;
    Build(now);
  }
  void Succeed(unsigned i) {
    if (hosts[i].failures != 0) {
      hosts[i].failures = 0;
      hosts[i].next_retry = 0;
    }
  }
  // Whether a request is let through.
  bool Request(std::int64_t now) {
    if (!eject || next_rebuild == 0) return true;
    if (now <= next_rebuild) return alive > 0;
    Build(now);
    return true;
  }
};

TimePoint Micros(std::int64_t us) { return TimePoint(std::chrono::microseconds(us)); }

Naive RandomRules(Random& random) {
  Naive naive;
  naive.eject = !random.Chance(0.05);
  naive.limit = static_cast<unsigned>(random.Below(4));
  naive.retry = static_cast<std::int64_t>(random.Below(20)) * 1000;
  naive.hosts.resize(random.Between(1, 8));
  naive.Build(1);
  return naive;
}

EjectionRules RulesOf(const Naive& naive) {
  EjectionRules rules;
  rules.auto_eject_hosts = naive.eject;
  rules.server_failure_limit = static_cast<int>(naive.limit);
  rules.server_retry_timeout = std::chrono::milliseconds(naive.retry / 1000);
  return rules;
}

// Time that often lands exactly on an expiry, or a microsecond beside it.
std::int64_t NextMoment(const Naive& naive, std::int64_t now, Random& random) {
  if (naive.next_rebuild != 0 && random.Chance(0.3)) {
    const auto beside = naive.next_rebuild + static_cast<std::int64_t>(random.Below(3)) - 1;
    if (beside >= now) return beside;
  }
  return now + static_cast<std::int64_t>(random.Chance(0.5) ? random.Below(3) : random.Below(6000));
}

TEST(EjectorSimulationTest, AMillionEventsGoAsTheRulesSay) {
  Random random(Seed());
  constexpr int kWorlds = 500;
  constexpr int kEvents = 2000;
  std::uint64_t ejections = 0;
  for (int world = 0; world < kWorlds; ++world) {
    Naive naive = RandomRules(random);
    Ejector ejector(naive.hosts.size(), RulesOf(naive));
    std::int64_t now = 1000000;
    for (int event = 0; event < kEvents; ++event) {
      now = NextMoment(naive, now, random);
      const auto host = static_cast<unsigned>(random.Below(naive.hosts.size()));
      switch (random.Below(4)) {
        case 0:
        case 1:
          naive.Fail(host, now);
          ejections += ejector.ReportFailure(host, Micros(now));
          break;
        case 2:
          naive.Succeed(host);
          ejector.ReportSuccess(host);
          break;
        case 3: {
          const bool passes = naive.Request(now);
          ejector.Advance(Micros(now));
          ASSERT_EQ(ejector.has_live(), passes);
          break;
        }
      }
      ASSERT_EQ(ejector.ring(), naive.ring) << "world " << world << " event " << event;
      ASSERT_EQ(ejector.live_count(), naive.alive);
      ASSERT_EQ(ejector.failure_count(host), static_cast<int>(naive.hosts[host].failures));
      ASSERT_EQ(ejector.next_rebuild().value_or(TimePoint()), Micros(naive.next_rebuild));
    }
  }
  EXPECT_GT(ejections, 10000U);
}

PoolConfig RandomPool(const Naive& naive, Random& random) {
  PoolConfig pool;
  pool.name = "simulated";
  pool.distribution = random.Chance(0.5) ? Distribution::kKetama : Distribution::kModula;
  pool.auto_eject_hosts = naive.eject;
  pool.server_failure_limit = static_cast<int>(naive.limit);
  pool.server_retry_timeout = std::chrono::milliseconds(naive.retry / 1000);
  for (std::size_t i = 0; i < naive.hosts.size(); ++i) {
    Server server;
    server.name = "s" + std::to_string(i);
    server.host = "10.0.0.1";
    server.port = static_cast<std::uint16_t>(1000 + i);
    server.weight = static_cast<std::uint32_t>(random.Between(1, 3));
    pool.servers.push_back(server);
  }
  return pool;
}

TEST(RouterSimulationTest, RoutesAsThePlacementOfTheLiveServersDoes) {
  Random random(Seed() + 1);
  for (int world = 0; world < 40; ++world) {
    Naive naive = RandomRules(random);
    const PoolConfig pool = RandomPool(naive, random);
    auto router = *Router::Create(pool);
    const Placement all = *Placement::Create(pool);
    std::int64_t now = 1000000;
    for (int event = 0; event < 1000; ++event) {
      now = NextMoment(naive, now, random);
      const auto host = static_cast<unsigned>(random.Below(naive.hosts.size()));
      if (random.Chance(0.5)) {
        naive.Fail(host, now);
        router->ReportFailure(host, FailureKind::kReset, Micros(now));
      } else {
        naive.Succeed(host);
        router->ReportSuccess(host);
      }
      const std::string key = random.Key();
      const bool passes = naive.Request(now);
      const std::optional<ServerIndex> routed = router->Route(key, Micros(now));
      ASSERT_EQ(routed.has_value(), passes) << "world " << world << " event " << event;
      if (!passes) continue;
      ASSERT_EQ(*routed, all.Restrict(naive.ring)->Locate(key));
    }
  }
}

}  // namespace
}  // namespace shardcache
