// What attached handles return and count when servers fail, and what libmemcached leaves wrong.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "tests/attach/attached.h"
#include "tests/attach/scripted_server.h"
#include "tests/harness/echo_backends.h"

// A size that a server declares is asked of malloc() as it is; the sanitizers' must not end the
// process for that.
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }
extern "C" const char* __tsan_default_options() { return "allocator_may_return_null=1"; }

namespace shardcache::testing {
namespace {

constexpr Milliseconds kTimeout{250};
// A busy machine may let a test wait.
constexpr Milliseconds kSlack{500};

const std::vector<std::string> kEject = {"auto_eject_hosts: true", "server_failure_limit: 1000"};

enum class Call { kGet, kSet, kDelete, kIncrement, kTouch };
constexpr Call kCalls[] = {Call::kGet, Call::kSet, Call::kDelete, Call::kIncrement, Call::kTouch};

Outcome Do(memcached_st* memc, Call call, const std::string& key) {
  switch (call) {
    case Call::kGet:
      return Get(memc, key);
    case Call::kSet:
      return Set(memc, key, "value");
    case Call::kDelete:
      return Delete(memc, key);
    case Call::kIncrement:
      return Increment(memc, key);
    case Call::kTouch:
      return Touch(memc, key);
  }
  return {};
}

// The right answer of ScriptedServer::Well.
Outcome Right(Call call, const std::string& key) {
  return {MEMCACHED_SUCCESS, MEMCACHED_SUCCESS,
          call == Call::kGet         ? "value of " + key
          : call == Call::kIncrement ? "7"
                                     : ""};
}

// One scripted server and a handle.
struct One {
  explicit One(std::vector<std::string> settings = kEject)
      : router(AttachRouter(AttachPool(
            std::vector<PoolServer>{{.address = server.address(), .name = "one"}}, settings))),
        memc(NewAttached(router, kTimeout)) {}

  std::uint64_t Failures(FailureKind kind) const {
    return router->Counters()[0].failures[static_cast<std::size_t>(kind)];
  }
  void Fail(const ScriptedAnswer& answer) {
    server.SetScript([answer](std::string_view) { return answer; });
  }
  void Recover() { server.SetScript(ScriptedServer::Well); }

  ScriptedServer server;
  std::shared_ptr<Router> router;
  Memc memc;
};

struct Fault {
  std::string name;
  ScriptedAnswer answer;
  memcached_return_t checked;
  bool counts;  // as a failure
  bool aborts_increment = false;
};

const std::vector<Fault>& Faults() {
  static const std::vector<Fault> faults = {
      {"hang", {}, MEMCACHED_TIMEOUT, true},
      {"close", {.close = true}, MEMCACHED_CONNECTION_FAILURE, true},
      {"close within the line",
       {.bytes = "VAL", .close = true},
       MEMCACHED_CONNECTION_FAILURE,
       true},
      {"garbage", {.bytes = "\x01\xff garbage\r\n"}, MEMCACHED_UNKNOWN_READ_FAILURE, true},
      {"another protocol",
       {.bytes = "HTTP/1.1 400 Bad Request\r\n\r\n"},
       MEMCACHED_UNKNOWN_READ_FAILURE,
       true},
      {"an endless line", {.bytes = std::string(5000, 'x')}, MEMCACHED_PROTOCOL_ERROR, true, true},
      {"ERROR", {.bytes = "ERROR\r\n"}, MEMCACHED_ERROR, false},
      {"CLIENT_ERROR", {.bytes = "CLIENT_ERROR bad\r\n"}, MEMCACHED_CLIENT_ERROR, false},
      {"SERVER_ERROR", {.bytes = "SERVER_ERROR busy\r\n"}, MEMCACHED_SERVER_ERROR, false},
      {"out of memory",
       {.bytes = "SERVER_ERROR out of memory storing object\r\n"},
       MEMCACHED_SERVER_MEMORY_ALLOCATION_FAILURE,
       false},
      {"too large",
       {.bytes = "SERVER_ERROR object too large for cache\r\n"},
       MEMCACHED_E2BIG,
       false},
  };
  return faults;
}

// A call meets a fault on a connection that was used before, or on its first.
class AttachFaultTest : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(, AttachFaultTest, ::testing::Bool(), [](const auto& info) {
  return info.param ? "OnAUsedConnection" : "OnTheFirst";
});

TEST_P(AttachFaultTest, EachCallSaysWhatHappenedAndTheNextIsClean) {
  for (const Fault& fault : Faults()) {
    for (const Call call : kCalls) {
      if (call == Call::kIncrement && fault.aborts_increment) continue;
      SCOPED_TRACE(fault.name + ", call " + std::to_string(static_cast<int>(call)));
      One one;
      if (GetParam()) {
        ASSERT_EQ(Do(one.memc.get(), call, "warm"), Right(call, "warm"));
      }
      one.Fail(fault.answer);
      const auto begin = Clock::now();
      const Outcome outcome = Do(one.memc.get(), call, "key");
      EXPECT_LE(Clock::now() - begin, kTimeout + kTimeout / 10 + kSlack);
      EXPECT_EQ(outcome, (Outcome{fault.checked, fault.checked, ""}));
      EXPECT_EQ(FailuresOf(*one.router), fault.counts ? 1U : 0U);
      one.Recover();
      for (const char* key : {"next", "other"}) {
        EXPECT_EQ(Do(one.memc.get(), call, key), Right(call, key));
      }
      EXPECT_EQ(FailuresOf(*one.router), fault.counts ? 1U : 0U);
    }
  }
}

TEST_P(AttachFaultTest, AMultiGetSaysThatNotAllWasFound) {
  const std::vector<std::string> keys = {"one", "two", "three"};
  for (const Fault& fault : Faults()) {
    SCOPED_TRACE(fault.name);
    One one;
    if (GetParam()) GetMany(one.memc.get(), keys);
    one.Fail(fault.answer);
    Outcome outcome{};
    EXPECT_TRUE(GetMany(one.memc.get(), keys, &outcome).empty());
    const bool unknown = fault.checked == MEMCACHED_ERROR || fault.checked == MEMCACHED_E2BIG ||
                         fault.checked == MEMCACHED_SERVER_MEMORY_ALLOCATION_FAILURE;
    const bool told = outcome.checked == MEMCACHED_SOME_ERRORS || outcome.checked == fault.checked;
    EXPECT_NE(told, unknown) << outcome;  // libmemcached forgets three kinds of error
    EXPECT_EQ(FailuresOf(*one.router), fault.counts ? 1U : 0U);
    one.Recover();
    EXPECT_EQ(GetMany(one.memc.get(), keys, &outcome).size(), 3U);
    EXPECT_EQ(outcome.checked, MEMCACHED_END);
  }
}

TEST_P(AttachFaultTest, AValueThatBreaksTheProtocolIsNoValue) {
  const Fault faults[] = {
      {"half a value",
       {.bytes = "VALUE key 0 100\r\nabc", .close = true},
       MEMCACHED_CONNECTION_FAILURE,
       true},
      {"no numbers", {.bytes = "VALUE key zero nine\r\n"}, MEMCACHED_TIMEOUT, true},
      {"a huge length",
       {.bytes = "VALUE key 0 99999999999999\r\nabc"},
       MEMCACHED_MEMORY_ALLOCATION_FAILURE,
       true},
      {"another key",
       {.bytes = "VALUE other 0 5\r\nwrong\r\nEND\r\n"},
       MEMCACHED_PROTOCOL_ERROR,
       true},
  };
  for (const Fault& fault : faults) {
    SCOPED_TRACE(fault.name);
    One one;
    if (GetParam()) Get(one.memc.get(), "warm");
    one.Fail(fault.answer);
    EXPECT_EQ(Get(one.memc.get(), "key").checked, fault.checked);
    EXPECT_EQ(FailuresOf(*one.router), 1U);
    one.Recover();
    EXPECT_EQ(Get(one.memc.get(), "next"), Right(Call::kGet, "next"));
  }
}

TEST(AttachLimitsTest, OneAnswerTooManyIsFoundByCheckGetOnly) {
  One one;
  one.server.SetScript([](std::string_view request) {
    const ScriptedAnswer well = ScriptedServer::Well(request);
    return ScriptedAnswer{.bytes = well.bytes + well.bytes};
  });
  EXPECT_EQ(Get(one.memc.get(), "first"), Right(Call::kGet, "first"));
  one.Recover();
  EXPECT_EQ(Get(one.memc.get(), "second"),
            (Outcome{MEMCACHED_SUCCESS, MEMCACHED_PROTOCOL_ERROR, "value of first"}));
  EXPECT_EQ(one.Failures(FailureKind::kProtocol), 1U);
  EXPECT_EQ(Get(one.memc.get(), "third"), Right(Call::kGet, "third"));
  EXPECT_EQ(FailuresOf(*one.router), 1U);
}

TEST(AttachLimitsTest, AMultiGetShowsTheKeyOfEachValue) {
  One one;
  one.Fail({.bytes = "VALUE other 0 5\r\nwrong\r\nEND\r\n"});
  EXPECT_EQ(GetMany(one.memc.get(), std::vector<std::string>{"key", "key2"}),
            (std::map<std::string, std::string>{{"other", "wrong"}}));
}

TEST(AttachLimitsTest, BytesThatComeSlowlyHoldACallBeyondItsTimeout) {
  One one;
  one.Fail({.bytes = "VALUE key 0 5\r\nvalue\r\nEND\r\n", .between_bytes = kTimeout / 4});
  const auto begin = Clock::now();
  EXPECT_EQ(Get(one.memc.get(), "key"), (Outcome{MEMCACHED_SUCCESS, MEMCACHED_SUCCESS, "value"}));
  EXPECT_GE(Clock::now() - begin, kTimeout * 5);
}

TEST(AttachLimitsTest, AValueInAnswerToADeleteCountsAsSuccess) {
  One one;
  one.Fail({.bytes = "VALUE key 0 5\r\nvalue\r\nEND\r\n"});
  EXPECT_EQ(Delete(one.memc.get(), "key").checked, MEMCACHED_SUCCESS);
}

TEST(AttachLimitsTest, CallsToAllServersReachThemAndSayErrors) {
  One one;
  Get(one.memc.get(), "warm");
  one.Fail({.bytes = "OK\r\n"});
  const int before = one.server.requests();
  EXPECT_EQ(CheckCall(one.memc.get(), memcached_flush(one.memc.get(), 0)), MEMCACHED_SOME_ERRORS);
  EXPECT_EQ(one.server.requests(), before + 1);
  one.Fail({.bytes = "VERSION 1.6.18\r\n"});
  EXPECT_EQ(CheckCall(one.memc.get(), memcached_version(one.memc.get())), MEMCACHED_SOME_ERRORS);
  EXPECT_EQ(one.server.requests(), before + 2);
  EXPECT_EQ(FailuresOf(*one.router), 0U);
}

TEST(AttachFailuresTest, CountWithoutCheckCallFromTheNextCallOn) {
  One one;
  const auto get = [&](const std::string& key) {
    memcached_return_t rc = MEMCACHED_FAILURE;
    std::free(memcached_get(one.memc.get(), key.data(), key.size(), nullptr, nullptr, &rc));
    return rc;
  };
  EXPECT_EQ(get("a"), MEMCACHED_SUCCESS);
  one.Fail({.close = true});
  for (std::uint64_t i = 1; i <= 5; ++i) {
    EXPECT_EQ(get("key"), MEMCACHED_CONNECTION_FAILURE);
    EXPECT_EQ(FailuresOf(*one.router), i - 1);
  }
  one.Recover();
  EXPECT_EQ(get("a"), MEMCACHED_SUCCESS);
  EXPECT_EQ(FailuresOf(*one.router), 5U);
  one.Fail({});
  EXPECT_EQ(get("key"), MEMCACHED_TIMEOUT);
  one.Recover();
  EXPECT_EQ(get("a"), MEMCACHED_SUCCESS);
  EXPECT_EQ(one.Failures(FailureKind::kTimeout), 1U);
  // A first request without any error is clean, and quitting is no failure.
  for (int i = 0; i < 3; ++i) {
    memcached_quit(one.memc.get());
    EXPECT_EQ(get("a"), MEMCACHED_SUCCESS);
  }
  EXPECT_EQ(FailuresOf(*one.router), 6U);
}

TEST(AttachFailuresTest, AnEjectedServerIsNotAskedAndReturns) {
  One one({"auto_eject_hosts: true", "server_failure_limit: 2", "server_retry_timeout: 1000"});
  one.Fail({.close = true});
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Get(one.memc.get(), "key").checked, MEMCACHED_CONNECTION_FAILURE);
  }
  const int asked = one.server.requests();
  one.Recover();
  for (int i = 0; i < 20; ++i) {
    const auto begin = Clock::now();
    EXPECT_EQ(Get(one.memc.get(), "key").checked, MEMCACHED_NO_SERVERS);
    EXPECT_EQ(Set(one.memc.get(), "key", "v").checked, MEMCACHED_NO_SERVERS);
    if (Clock::now() - begin > kSlack) break;  // the machine stands still
  }
  EXPECT_EQ(one.server.requests(), asked);
  std::this_thread::sleep_for(Milliseconds(1010));
  EXPECT_EQ(Get(one.memc.get(), "key"), Right(Call::kGet, "key"));
}

TEST(AttachFailuresTest, AMultiGetReturnsWhatItGotFromTheOthers) {
  EchoBackends backends;
  std::vector<PoolServer> servers;
  for (int i = 0; i < 4; ++i) {
    backends.Add("server" + std::to_string(i));
    servers.push_back({.address = backends.address(i), .name = backends.identity(i)});
  }
  const auto router = AttachRouter(AttachPool(servers, kEject));
  const Memc memc = NewAttached(router, kTimeout);
  std::vector<std::string> keys;
  std::size_t of_failing = 0;
  for (int i = 0; i < 100; ++i) keys.push_back("key:" + std::to_string(i));
  const auto snapshot = router->Snapshot();
  for (const std::string& key : keys) of_failing += snapshot->Route(key) == ServerIndex{2};
  for (const Mode mode : {Mode::kRefuse, Mode::kHang, Mode::kReset, Mode::kCloseMidAnswer}) {
    backends.SetMode(2, mode);
    const std::uint64_t before = FailuresOf(*router);
    const auto begin = Clock::now();
    Outcome outcome{};
    const std::size_t found = GetMany(memc.get(), keys, &outcome).size();
    EXPECT_GE(found, keys.size() - of_failing);  // or more, in the half of an answer
    EXPECT_LT(found, keys.size());
    EXPECT_TRUE(outcome.checked != MEMCACHED_END && outcome.checked != MEMCACHED_NOTFOUND)
        << outcome;
    EXPECT_LE(Clock::now() - begin, kTimeout * 2 + kSlack);
    EXPECT_EQ(FailuresOf(*router), before + 1);
    backends.SetMode(2, Mode::kServe);
    EXPECT_EQ(GetMany(memc.get(), keys, &outcome).size(), keys.size());
    EXPECT_EQ(outcome.checked, MEMCACHED_END);
  }
}

TEST(AttachFailuresTest, AMultiGetWaitsOnceForAServerThatDoesNotAccept) {
  const std::string address = Loopback(FreePort());
  const Fd listener = Listen(Address(address));
  ASSERT_EQ(::listen(listener.get(), 0), 0);
  std::vector<Fd> queue;  // fills it
  for (int i = 0; i < 3; ++i) {
    queue.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const Address target(address);
    (void)::connect(queue.back().get(), target.raw(), target.raw_size());
  }
  const auto router = AttachRouter(
      AttachPool(std::vector<PoolServer>{{.address = address, .name = "one"}}, kEject));
  const Memc memc = NewAttached(router, kTimeout);
  std::vector<std::string> keys;
  for (int i = 0; i < 20; ++i) keys.push_back("key:" + std::to_string(i));
  const auto begin = Clock::now();
  Outcome outcome{};
  EXPECT_TRUE(GetMany(memc.get(), keys, &outcome).empty());
  EXPECT_LE(Clock::now() - begin, kTimeout * 3);
  EXPECT_EQ(FailuresOf(*router), 1U);
}

TEST(AttachFailuresTest, UnixSocketsCountThroughCheckCall) {
  const TempDir dir;
  EchoBackends backends;
  backends.Add("one", dir.File("mc.sock"));
  const auto router = AttachRouter(
      AttachPool(std::vector<PoolServer>{{.address = backends.address(0), .name = "one"}}, kEject));
  const Memc memc = NewAttached(router, kTimeout);
  std::uint64_t failures = 0;
  for (int round = 0; round < 3; ++round) {
    for (const Mode mode : {Mode::kRefuse, Mode::kHang, Mode::kReset, Mode::kCloseMidAnswer}) {
      EXPECT_EQ(Get(memc.get(), "key").checked, MEMCACHED_SUCCESS);
      EXPECT_EQ(FailuresOf(*router), failures);
      backends.SetMode(0, mode);
      for (int i = 0; i < 2; ++i) {
        EXPECT_NE(Get(memc.get(), "key").checked, MEMCACHED_SUCCESS);
        EXPECT_EQ(FailuresOf(*router), ++failures) << static_cast<int>(mode);
      }
      backends.SetMode(0, Mode::kServe);
    }
  }
}

TEST(AttachFailuresTest, NoDescriptorsLeftIsAFailureAndPasses) {
  One one;
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit none{.rlim_cur = 3, .rlim_max = limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const Outcome outcome = Get(one.memc.get(), "key");
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(outcome, (Outcome{MEMCACHED_ERRNO, MEMCACHED_ERRNO, ""}));
  EXPECT_EQ(FailuresOf(*one.router), 1U);
  EXPECT_EQ(Get(one.memc.get(), "key"), Right(Call::kGet, "key"));
}

}  // namespace
}  // namespace shardcache::testing
