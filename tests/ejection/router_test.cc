#include "shardcache/router.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

namespace shardcache {
namespace {

using std::chrono::milliseconds;

constexpr TimePoint At(int ms) { return TimePoint(milliseconds(ms)); }

PoolConfig Pool(int servers = 5, int limit = 1) {
  PoolConfig pool;
  pool.name = "alpha";
  pool.auto_eject_hosts = true;
  pool.server_failure_limit = limit;
  pool.server_retry_timeout = milliseconds(100);
  for (int i = 0; i < servers; ++i) {
    pool.servers.push_back(*ParseServer("10.0.0.1:" + std::to_string(5000 + i) + ":1"));
  }
  return pool;
}

std::vector<std::string> Keys(int count) {
  std::vector<std::string> keys;
  for (int i = 0; i < count; ++i) keys.push_back("key:" + std::to_string(i));
  return keys;
}

std::vector<std::string_view> Views(const std::vector<std::string>& keys) {
  return {keys.begin(), keys.end()};
}

TEST(RouterTest, RoutesAsThePlacementDoesWhileAllIsWell) {
  const auto router = *Router::Create(Pool());
  const Placement placement = *Placement::Create(Pool());
  for (const std::string& key : Keys(1000)) EXPECT_EQ(router->Route(key), placement.Locate(key));
}

TEST(RouterTest, RefusesAPoolThatCannotBePlaced) {
  EXPECT_EQ(Router::Create(PoolConfig{}).error().code, ErrorCode::kInvalidConfig);
}

TEST(RouterTest, ABatchIsRoutedAsItsKeysAre) {
  const auto router = *Router::Create(Pool());
  router->ReportFailure(3, FailureKind::kTimeout, At(0));
  const std::vector<std::string> keys = Keys(1000);
  std::vector<ServerIndex> servers(keys.size());
  router->Route(Views(keys), servers, At(1));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ(servers[i], router->Route(keys[i], At(1)));
    EXPECT_NE(servers[i], 3U);
  }
}

TEST(RouterTest, FailsFastWhileNoServerIsLive) {
  const auto router = *Router::Create(Pool(2));
  router->ReportFailure(0, FailureKind::kRefused, At(0));
  router->ReportFailure(1, FailureKind::kRefused, At(5));
  EXPECT_EQ(router->Route("k", At(10)), std::nullopt);
  std::vector<ServerIndex> servers(2);
  const std::vector<std::string_view> keys = {"a", "b"};
  router->Route(keys, servers, At(10));
  EXPECT_EQ(servers, (std::vector<ServerIndex>{kNoServer, kNoServer}));
  EXPECT_EQ(router->Route("k", At(101)), 0U);
}

TEST(RouterTest, ReadsTheClockOnlyWhileAServerIsOut) {
  int readings = 0;
  TimePoint now = At(0);
  RouterOptions options;
  options.clock = [&] { return ++readings, now; };
  const auto router = *Router::Create(Pool(), options);
  ASSERT_TRUE(router->Route("k"));
  EXPECT_EQ(readings, 0);
  router->ReportFailure(0);
  ASSERT_TRUE(router->Route("k"));
  EXPECT_EQ(readings, 2);
  now = At(101);
  ASSERT_TRUE(router->Route("k"));
  EXPECT_EQ(router->Snapshot()->placement.live().size(), 5U);
}

TEST(RouterTest, TellsOfEachChangeInOrder) {
  std::vector<RouterEvent> events;
  RouterOptions options;
  options.observer = [&](const RouterEvent& event) { events.push_back(event); };
  const auto router = *Router::Create(Pool(2), options);
  router->ReportFailure(0, FailureKind::kTimeout, At(0));
  router->ReportFailure(1, FailureKind::kRefused, At(10));
  router->Route("k", At(101));
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(events[0].type, RouterEvent::Type::kEjected);
  EXPECT_EQ(events[0].name, "10.0.0.1:5000");
  EXPECT_EQ(events[0].reason, FailureKind::kTimeout);
  EXPECT_EQ(events[0].time, At(0));
  EXPECT_EQ(events[0].until, At(100));
  EXPECT_NEAR(events[0].moved, 0.5, 0.15);
  EXPECT_EQ(events[1].server, 1U);
  EXPECT_EQ(events[2].type, RouterEvent::Type::kAllDead);
  EXPECT_EQ(events[3].type, RouterEvent::Type::kReadmitted);
  EXPECT_EQ(events[3].server, 0U);
}

TEST(RouterTest, AnObserverMayCallTheRouter) {
  Router* self = nullptr;
  std::vector<ServerIndex> told;
  RouterOptions options;
  options.observer = [&](const RouterEvent& event) {
    told.push_back(event.server);
    self->Route("k", event.time + milliseconds(1));
    if (event.server == 0) self->ReportFailure(1, FailureKind::kOther, event.time);
  };
  const auto router = *Router::Create(Pool(), options);
  self = router.get();
  router->ReportFailure(0, FailureKind::kOther, At(0));
  EXPECT_EQ(told, (std::vector<ServerIndex>{0, 1}));
}

TEST(RouterTest, CountsByServerAndKind) {
  const auto router = *Router::Create(Pool(3, 2));
  router->ReportFailure(1, FailureKind::kTimeout, At(0));
  router->ReportFailure(1, FailureKind::kReset, At(0));
  router->Route("k", At(101));
  const ServerCounters counters = router->Counters()[1];
  EXPECT_EQ(counters.ejections, 1U);
  EXPECT_EQ(counters.readmissions, 1U);
  EXPECT_EQ(counters.failures[static_cast<std::size_t>(FailureKind::kTimeout)], 1U);
  EXPECT_EQ(counters.failures[static_cast<std::size_t>(FailureKind::kReset)], 1U);
  EXPECT_EQ(std::accumulate(counters.failures.begin(), counters.failures.end(), 0U), 2U);
}

TEST(RouterTest, ASuccessClearsAFailure) {
  const auto router = *Router::Create(Pool(3, 2));
  router->ReportFailure(1, FailureKind::kTimeout, At(0));
  router->ReportSuccess(1);
  router->ReportFailure(1, FailureKind::kTimeout, At(1));
  EXPECT_FALSE(router->Snapshot(At(1))->ejected[1]);
}

TEST(RouterTest, IgnoresServersThatThePoolDoesNotHave) {
  const auto router = *Router::Create(Pool(3));
  router->ReportFailure(3, FailureKind::kTimeout, At(0));
  router->ReportSuccess(99);
  router->ReportProbe(77, true, At(0));
  EXPECT_TRUE(router->Snapshot(At(0))->has_live);
}

TEST(RouterTest, KeepRingFailsFastInsteadOfMovingKeys) {
  RouterOptions options;
  options.keep_ring = true;
  const auto router = *Router::Create(Pool(), options);
  const Placement placement = *Placement::Create(Pool());
  router->ReportFailure(2, FailureKind::kTimeout, At(0));
  const std::vector<std::string> keys = Keys(200);
  std::vector<ServerIndex> batch(keys.size());
  router->Route(Views(keys), batch, At(1));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const ServerIndex owner = placement.Locate(keys[i]);
    EXPECT_EQ(router->Route(keys[i], At(1)),
              owner == 2 ? std::nullopt : std::optional<ServerIndex>(owner));
    EXPECT_EQ(batch[i], owner == 2 ? kNoServer : owner);
  }
}

TEST(RouterTest, ProbesDecideOnReadmissionWhereAskedFor) {
  RouterOptions options;
  options.probe_before_readmission = true;
  const auto router = *Router::Create(Pool(), options);
  router->ReportFailure(2, FailureKind::kTimeout, At(0));
  EXPECT_TRUE(router->Snapshot(At(200))->ejected[2]);
  EXPECT_EQ(router->ProbesDue(At(200)), (std::vector<ServerIndex>{2}));
  router->ReportProbe(2, true, At(200));
  EXPECT_FALSE(router->Snapshot(At(200))->ejected[2]);
}

TEST(RouterTest, FollowsAProxy) {
  const auto router = *Router::Create(Pool());
  const std::vector<RemoteEjection> view = {{"10.0.0.1:5001", At(50), At(150)},
                                            {"of another pool", At(50), At(150)}};
  router->Follow(view, At(60), At(60));
  EXPECT_EQ(router->Snapshot(At(60))->ejected,
            (std::vector<bool>{false, true, false, false, false}));
  EXPECT_EQ(router->Snapshot(At(60))->next_rebuild, At(150));
  router->Follow({}, At(90), At(90));
  EXPECT_FALSE(router->Snapshot(At(90))->ejected[1]);
}

TEST(RouterTest, FollowingKeepsWhatTheProxyCouldNotKnow) {
  const auto router = *Router::Create(Pool());
  router->ReportFailure(0, FailureKind::kTimeout, At(40));
  router->ReportFailure(1, FailureKind::kTimeout, At(70));
  router->Follow({}, At(60), At(80));  // seen before server 1 failed here
  EXPECT_EQ(router->Snapshot(At(80))->ejected,
            (std::vector<bool>{false, true, false, false, false}));
}

TEST(RouterTest, FollowingIgnoresEjectionsThatAreOver) {
  const auto router = *Router::Create(Pool());
  const std::vector<RemoteEjection> view = {{"10.0.0.1:5001", At(0), At(100)}};
  router->Follow(view, At(100), At(100));
  EXPECT_FALSE(router->Snapshot(At(100))->ejected[1]);
}

TEST(RouterTest, ReloadKeepsTheStateOfServersThatStay) {
  TimePoint now = At(0);
  RouterOptions options;
  options.clock = [&] { return now; };
  const auto router = *Router::Create(Pool(3), options);
  router->ReportFailure(2);  // 10.0.0.1:5002
  PoolConfig changed = Pool(3);
  changed.servers.erase(changed.servers.begin());
  changed.servers.push_back(*ParseServer("10.0.0.2:6000:1 z"));
  ASSERT_TRUE(router->Reload(changed).ok());
  const auto snapshot = router->Snapshot(At(1));
  ASSERT_EQ(snapshot->placement.servers().size(), 3U);
  EXPECT_EQ(snapshot->placement.server(0).name, "z");
  EXPECT_EQ(snapshot->ejected, (std::vector<bool>{false, false, true}));
  EXPECT_EQ(router->Counters()[2].ejections, 1U);
  EXPECT_EQ(router->Counters()[0].ejections, 0U);
}

TEST(RouterTest, AReportAcrossAReloadReachesTheServerThatWasMeant) {
  const auto router = *Router::Create(Pool(3));
  const auto before = router->Snapshot(At(0));
  PoolConfig changed = Pool(3);
  changed.servers.erase(changed.servers.begin());
  ASSERT_TRUE(router->Reload(changed).ok());
  const TimePoint now = Clock::now();
  router->ReportFailure(*before, 0, FailureKind::kReset, now);  // gone: dropped
  EXPECT_EQ(router->Snapshot(now)->ejected, (std::vector<bool>{false, false}));
  router->ReportFailure(*before, 1, FailureKind::kReset, now);
  EXPECT_EQ(router->Snapshot(now)->ejected, (std::vector<bool>{true, false}));
}

// Points are handed on from one configuration to the next, and from one ring to the next. Whatever
// happened before, the ring is the one that a new placement has.
TEST(RouterTest, EveryRingIsThatOfANewPlacementWhateverHappenedBefore) {
  std::minstd_rand random(1);
  for (const bool many_weights : {false, true}) {
    TimePoint now = At(0);
    RouterOptions options;
    options.clock = [&] { return now; };
    PoolConfig pool = Pool(30);
    const auto router = *Router::Create(pool, options);
    for (int step = 0; step < 600; ++step) {
      now += milliseconds(random() % 30);
      if (random() % 4 == 0) {
        pool = Pool(30);
        for (Server& server : pool.servers) {
          server.weight = many_weights ? 1 + random() % 1000 : 1 + random() % 2;
        }
        std::erase_if(pool.servers, [&](const Server&) { return random() % 10 == 0; });
        ASSERT_TRUE(router->Reload(pool).ok());
      } else {
        router->ReportFailure(static_cast<ServerIndex>(random() % pool.servers.size()));
      }
      const auto snapshot = router->Snapshot();
      const Placement& placement = snapshot->placement;
      const Placement fresh = *Placement::Create(pool)->Restrict(placement.live());
      ASSERT_EQ(placement.points(), fresh.points()) << "step " << step;
      ASSERT_EQ(placement.fingerprint(), fresh.fingerprint()) << "step " << step;
      for (ServerIndex i = 0; snapshot->has_live && i < pool.servers.size(); ++i) {
        ASSERT_NE(placement.is_live(i), snapshot->ejected[i]) << "step " << step;
      }
    }
  }
}

TEST(RouterTest, AReloadThatFailsChangesNothing) {
  const auto router = *Router::Create(Pool(3));
  EXPECT_FALSE(router->Reload(PoolConfig{}).ok());
  EXPECT_EQ(router->Snapshot()->configuration, 1U);
}

// More routers than a thread has places for their snapshots.
TEST(RouterTest, ManyRoutersAreNotMixedUp) {
  std::vector<std::unique_ptr<Router>> routers;
  for (int i = 1; i <= 40; ++i) routers.push_back(*Router::Create(Pool(i)));
  for (int round = 0; round < 3; ++round) {
    for (int i = 1; i <= 40; ++i) {
      EXPECT_EQ(routers[i - 1]->Route("some key"), Placement::Create(Pool(i))->Locate("some key"));
    }
  }
}

}  // namespace
}  // namespace shardcache
