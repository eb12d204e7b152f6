// The rules of twemproxy's ejection, one by one. The expected values are read off the rules of
// src/nc_server.c and src/hashkit/nc_ketama.c of twemproxy 0.5.0; that those are the proxy's
// behaviour is what lockstep_test proves.
#include "shardcache/ejector.h"

#include <gtest/gtest.h>

namespace shardcache {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr TimePoint At(int ms) { return TimePoint(milliseconds(ms)); }

EjectionRules Rules(int limit = 2, int retry_ms = 100) {
  EjectionRules rules;
  rules.auto_eject_hosts = true;
  rules.server_failure_limit = limit;
  rules.server_retry_timeout = milliseconds(retry_ms);
  return rules;
}

TEST(EjectorTest, TakesItsRulesFromThePool) {
  PoolConfig pool;
  pool.auto_eject_hosts = true;
  pool.server_failure_limit = 7;
  pool.server_retry_timeout = milliseconds(1234);
  EXPECT_EQ(EjectionRules::Of(pool), Rules(7, 1234));
}

TEST(EjectorTest, EjectsAtTheLimitAndNotBefore) {
  Ejector ejector(3, Rules(3));
  EXPECT_FALSE(ejector.ReportFailure(1, At(0)));
  EXPECT_FALSE(ejector.ReportFailure(1, At(1)));
  EXPECT_TRUE(ejector.is_live(1));
  EXPECT_TRUE(ejector.ReportFailure(1, At(2)));
  EXPECT_FALSE(ejector.is_live(1));
  EXPECT_EQ(ejector.ring(), (std::vector<ServerIndex>{0, 2}));
  EXPECT_EQ(ejector.failure_count(1), 0);
  EXPECT_EQ(ejector.retry_at(1), At(102));
  EXPECT_EQ(ejector.next_rebuild(), At(102));
}

TEST(EjectorTest, ALimitOfZeroActsAsOne) {
  Ejector ejector(2, Rules(0));
  EXPECT_TRUE(ejector.ReportFailure(0, At(0)));
  EXPECT_FALSE(ejector.is_live(0));
}

TEST(EjectorTest, ASuccessClearsTheCount) {
  Ejector ejector(2, Rules(2));
  ejector.ReportFailure(0, At(0));
  ejector.ReportSuccess(0);
  EXPECT_FALSE(ejector.ReportFailure(0, At(1)));
  EXPECT_TRUE(ejector.is_live(0));
}

TEST(EjectorTest, ReadmitsAfterTheTimeoutButNotAtIt) {
  Ejector ejector(2, Rules(1));
  ejector.ReportFailure(0, At(0));
  EXPECT_FALSE(ejector.Advance(At(100)));
  EXPECT_FALSE(ejector.is_live(0));
  EXPECT_TRUE(ejector.Advance(At(100) + nanoseconds(1)));
  EXPECT_TRUE(ejector.is_live(0));
  EXPECT_EQ(ejector.next_rebuild(), std::nullopt);
  EXPECT_EQ(ejector.retry_at(0), std::nullopt);
}

TEST(EjectorTest, ARebuildReadmitsAServerWhoseTimeIsExactlyOver) {
  Ejector ejector(3, Rules(1));
  ejector.ReportFailure(0, At(0));
  EXPECT_TRUE(ejector.ReportFailure(1, At(100)));  // rebuilds at 100, and 100 <= 100
  EXPECT_TRUE(ejector.is_live(0));
  EXPECT_FALSE(ejector.is_live(1));
}

TEST(EjectorTest, AReadmittedServerStartsFromNoFailures) {
  Ejector ejector(2, Rules(2));
  ejector.ReportFailure(0, At(0));
  ejector.ReportFailure(0, At(0));
  ejector.Advance(At(101));
  EXPECT_FALSE(ejector.ReportFailure(0, At(101)));
  EXPECT_TRUE(ejector.is_live(0));
  EXPECT_TRUE(ejector.ReportFailure(0, At(101)));
}

TEST(EjectorTest, WaitsForTheEarliestOfTheEjected) {
  Ejector ejector(3, Rules(1));
  ejector.ReportFailure(2, At(0));
  ejector.ReportFailure(0, At(50));
  EXPECT_EQ(ejector.next_rebuild(), At(100));
  ejector.Advance(At(101));
  EXPECT_EQ(ejector.next_rebuild(), At(150));
  EXPECT_EQ(ejector.ring(), (std::vector<ServerIndex>{1, 2}));
}

TEST(EjectorTest, KeepsTheRingWhenTheLastServerGoes) {
  Ejector ejector(2, Rules(1));
  ejector.ReportFailure(0, At(0));
  ejector.ReportFailure(1, At(10));
  EXPECT_FALSE(ejector.has_live());
  EXPECT_EQ(ejector.ring(), (std::vector<ServerIndex>{1}));
  EXPECT_FALSE(ejector.is_live(1));
  ejector.Advance(At(101));
  EXPECT_TRUE(ejector.has_live());
  EXPECT_EQ(ejector.ring(), (std::vector<ServerIndex>{0}));
}

TEST(EjectorTest, AFailureWhileOutPutsTheReturnOff) {
  Ejector ejector(2, Rules(1));
  ejector.ReportFailure(0, At(0));
  EXPECT_TRUE(ejector.ReportFailure(0, At(40)));
  EXPECT_EQ(ejector.retry_at(0), At(140));
  EXPECT_FALSE(ejector.Advance(At(120)));
}

TEST(EjectorTest, ASuccessWhileOutWithACountEndsTheTimeoutButRebuildsNothing) {
  Ejector ejector(2, Rules(2));
  ejector.ReportFailure(0, At(0));
  ejector.ReportFailure(0, At(0));
  ejector.ReportFailure(0, At(10));  // a straggler: count 1
  ejector.ReportSuccess(0);
  EXPECT_EQ(ejector.retry_at(0), std::nullopt);
  EXPECT_FALSE(ejector.is_live(0));
  EXPECT_EQ(ejector.next_rebuild(), At(100));
  ejector.ReportFailure(1, At(20));
  EXPECT_TRUE(ejector.ReportFailure(1, At(20)));  // any rebuild brings it back
  EXPECT_TRUE(ejector.is_live(0));
}

TEST(EjectorTest, ASuccessWhileOutWithoutACountChangesNothing) {
  Ejector ejector(2, Rules(1));
  ejector.ReportFailure(0, At(0));
  ejector.ReportSuccess(0);
  EXPECT_EQ(ejector.retry_at(0), At(100));
}

TEST(EjectorTest, ARetryTimeoutOfZeroNeverTakesAServerOut) {
  Ejector ejector(2, Rules(1, 0));
  EXPECT_TRUE(ejector.ReportFailure(0, At(5)));
  EXPECT_TRUE(ejector.is_live(0));
}

TEST(EjectorTest, WithoutAutoEjectNothingIsCounted) {
  EjectionRules rules = Rules(1);
  rules.auto_eject_hosts = false;
  Ejector ejector(1, rules);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(ejector.ReportFailure(0, At(i)));
  EXPECT_EQ(ejector.failure_count(0), 0);
  EXPECT_TRUE(ejector.has_live());
}

TEST(EjectorTest, WithProbingAServerStaysOutUntilItAnswers) {
  EjectionRules rules = Rules(1);
  rules.probe_before_readmission = true;
  Ejector ejector(2, rules);
  ejector.ReportFailure(0, At(0));
  EXPECT_TRUE(ejector.ProbesDue(At(99)).empty());
  EXPECT_FALSE(ejector.ReportProbe(0, true, At(99)));  // not asked for yet
  ejector.Advance(At(101));
  EXPECT_FALSE(ejector.is_live(0));
  EXPECT_EQ(ejector.next_rebuild(), std::nullopt);
  EXPECT_EQ(ejector.ProbesDue(At(101)), (std::vector<ServerIndex>{0}));
  EXPECT_TRUE(ejector.ReportProbe(0, false, At(101)));
  EXPECT_TRUE(ejector.ProbesDue(At(102)).empty());
  EXPECT_EQ(ejector.next_rebuild(), At(201));
  ejector.Advance(At(202));
  EXPECT_TRUE(ejector.ReportProbe(0, true, At(202)));
  EXPECT_TRUE(ejector.is_live(0));
}

TEST(EjectorTest, WithProbingALateAnswerIsNoProbe) {
  EjectionRules rules = Rules(2);
  rules.probe_before_readmission = true;
  Ejector ejector(2, rules);
  for (int i = 0; i < 3; ++i) ejector.ReportFailure(0, At(0));
  ejector.ReportSuccess(0);
  ejector.Advance(At(500));
  EXPECT_FALSE(ejector.is_live(0));
}

TEST(EjectorTest, BackOffDoublesForAServerThatFlapsUpToTheCap) {
  EjectionRules rules = Rules(1);
  rules.back_off_cap = milliseconds(350);
  Ejector ejector(2, rules);
  int now = 0;
  for (int expected : {100, 200, 350, 350}) {
    ejector.ReportFailure(0, At(now));
    EXPECT_EQ(ejector.retry_at(0), At(now + expected));
    now += expected + 1;
    ejector.Advance(At(now));
    EXPECT_TRUE(ejector.is_live(0));
  }
}

TEST(EjectorTest, BackOffStartsAnewForAServerThatLasted) {
  EjectionRules rules = Rules(1);
  rules.back_off_cap = milliseconds(1000);
  Ejector ejector(2, rules);
  ejector.ReportFailure(0, At(0));
  ejector.Advance(At(101));
  ejector.ReportFailure(0, At(150));
  EXPECT_EQ(ejector.retry_at(0), At(350));
  ejector.Advance(At(351));
  ejector.ReportFailure(0, At(551));  // was live for 200 ms, as long as it had been out
  EXPECT_EQ(ejector.retry_at(0), At(651));
}

TEST(EjectorTest, BackOffIsNotDoubledByStragglers) {
  EjectionRules rules = Rules(1);
  rules.back_off_cap = milliseconds(1000);
  Ejector ejector(2, rules);
  for (int i = 0; i < 5; ++i) ejector.ReportFailure(0, At(0));
  EXPECT_EQ(ejector.retry_at(0), At(100));
}

TEST(EjectorTest, OverrideTakesAServerOutAndBringsItBack) {
  Ejector ejector(2, Rules());
  EXPECT_TRUE(ejector.Override(1, At(70), At(0)));
  EXPECT_FALSE(ejector.is_live(1));
  EXPECT_EQ(ejector.next_rebuild(), At(70));
  EXPECT_TRUE(ejector.Override(1, std::nullopt, At(10)));
  EXPECT_TRUE(ejector.is_live(1));
}

TEST(EjectorTest, AChangedPoolKeepsTheStateOfServersThatStay) {
  Ejector old(3, Rules(2));
  old.ReportFailure(0, At(0));
  old.ReportFailure(2, At(0));
  old.ReportFailure(2, At(0));
  const std::vector<std::optional<ServerIndex>> origin = {2, std::nullopt, 0};
  Ejector ejector(old, origin, Rules(2), At(10));
  EXPECT_EQ(ejector.ring(), (std::vector<ServerIndex>{1, 2}));
  EXPECT_EQ(ejector.retry_at(0), At(100));
  EXPECT_EQ(ejector.failure_count(2), 1);
  EXPECT_EQ(ejector.failure_count(1), 0);
}

}  // namespace
}  // namespace shardcache
