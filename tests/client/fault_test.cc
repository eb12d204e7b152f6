// Each way in which a server fails: the call ends in time with the right outcome, no value is
// wrong, the failure is counted as twemproxy counts it, and the next call is clean.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "shardcache/client.h"
#include "tests/client/fault_proxy.h"
#include "tests/client/pool.h"
#include "tests/harness/memcached_server.h"
#include "tests/harness/text_client.h"

namespace shardcache {
namespace {

using std::chrono::milliseconds;
using testing::Fault;
using testing::FaultProxy;
using testing::MemcachedServer;
using testing::PoolOf;
using Then = testing::Fault::Then;

constexpr milliseconds kTimeout(150);
// The deadline, a tenth, and what a busy machine may add.
constexpr milliseconds kLongest = kTimeout + kTimeout / 10 + milliseconds(150);

const std::vector<Operation>& AllCommands() {
  static const std::vector<Operation> commands = {
      {.command = Command::kGet, .key = "k"},
      {.command = Command::kGets, .key = "k"},
      {.command = Command::kGetAndTouch, .key = "k", .expire = std::chrono::seconds(100)},
      {.command = Command::kSet, .key = "k", .value = "5"},
      {.command = Command::kAdd, .key = "k", .value = "5"},
      {.command = Command::kReplace, .key = "k", .value = "5"},
      {.command = Command::kAppend, .key = "k", .value = "5"},
      {.command = Command::kPrepend, .key = "k", .value = "5"},
      {.command = Command::kCas, .key = "k", .value = "5", .cas = 1},
      {.command = Command::kDelete, .key = "k"},
      {.command = Command::kIncrement, .key = "k"},
      {.command = Command::kDecrement, .key = "k"},
      {.command = Command::kTouch, .key = "k", .expire = std::chrono::seconds(100)},
  };
  return commands;
}

bool Reads(Command command) { return command == Command::kGet || command == Command::kGets; }

// With a server that numbers its answers, and one that cannot.
class FaultTest : public ::testing::TestWithParam<testing::Numbers> {
 protected:
  FaultTest()
      : proxy_(server_.address(), GetParam()),
        pool_(PoolOf({proxy_.address()}, {"timeout: " + std::to_string(kTimeout.count())})),
        client_(*Client::Create(pool_)) {}

  // Puts the key there, past the faults.
  void SetUpKey() {
    testing::TextClient direct(server_.address());
    ASSERT_EQ(direct.Set("k", "5").status, testing::Status::kOk);
  }

  Result<Reply> Do(const Operation& operation) {
    const auto begin = Clock::now();
    auto replies = client_.Execute({&operation, 1});
    const auto took = Clock::now() - begin;
    EXPECT_LE(took, kLongest) << OutcomeName(Outcome::kHit);
    return std::move(replies.front());
  }

  std::uint64_t Failures() const {
    const ClientMetrics metrics = client_.Metrics();
    const auto& failures = metrics.servers[0].failures;
    return std::accumulate(failures.begin(), failures.end(), std::uint64_t{0});
  }

  // Every command meets `fault` and fails with `code`, on an open connection if `open`; one failure
  // is counted, and the next call is served.
  void EveryCommandFails(const Fault& fault, ErrorCode code, bool open = true) {
    for (const Operation& operation : AllCommands()) {
      SCOPED_TRACE("command " + std::to_string(static_cast<int>(operation.command)));
      proxy_.Heal();
      client_ = *Client::Create(pool_);
      SetUpKey();
      if (open) {
        ASSERT_TRUE(client_.Get("k").ok());
      }
      proxy_.SetFault(fault);
      const auto result = Do(operation);
      ASSERT_FALSE(result.ok());
      EXPECT_EQ(result.error().code, code) << result.error().message;
      EXPECT_EQ(result.error().server, "s0");
      EXPECT_EQ(result.error().key, "k");
      // A new connection is first asked for numbers.
      const bool sent = open || GetParam() != testing::Numbers::kYes;
      EXPECT_EQ(result.error().maybe_applied, sent && !Reads(operation.command))
          << result.error().message;
      EXPECT_EQ(Failures(), 1u);
      proxy_.Heal();
      SetUpKey();
      const auto after = client_.Get("k");
      ASSERT_TRUE(after.ok()) << after.error().message;
      ASSERT_TRUE(*after);
      EXPECT_EQ((*after)->data, "5");
    }
  }

  MemcachedServer server_;
  FaultProxy proxy_;
  PoolConfig pool_;
  Client client_;
};

TEST_P(FaultTest, RefusedConnections) {
  const std::string nobody = testing::Loopback(testing::FreePort());
  Client client = *Client::Create(PoolOf({nobody}, {"timeout: 150"}));
  for (const Operation& operation : AllCommands()) {
    const auto begin = Clock::now();
    const auto replies = client.Execute({&operation, 1});
    EXPECT_LE(Clock::now() - begin, kLongest);
    ASSERT_FALSE(replies[0].ok());
    EXPECT_EQ(replies[0].error().code, ErrorCode::kDisconnected);
    EXPECT_FALSE(replies[0].error().maybe_applied);
  }
  EXPECT_EQ(client.Metrics().servers[0].failures[static_cast<int>(FailureKind::kRefused)],
            AllCommands().size());
}

TEST_P(FaultTest, AnUnreachableServer) {
  // A backlog that is full: the handshake never ends, as with a host that is gone.
  const std::string address = testing::Loopback(testing::FreePort());
  const testing::Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const testing::Address bound(address);
  ASSERT_EQ(::bind(listener.get(), bound.raw(), bound.raw_size()), 0);
  ASSERT_EQ(::listen(listener.get(), 0), 0);
  std::vector<testing::Fd> fillers;
  for (int i = 0; i < 4; ++i) {
    fillers.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ::connect(fillers.back().get(), bound.raw(), bound.raw_size());
  }
  Client client = *Client::Create(PoolOf({address}, {"timeout: 150"}));
  const auto begin = Clock::now();
  const auto result = client.Set("k", "x");
  EXPECT_LE(Clock::now() - begin, kLongest);
  EXPECT_GE(Clock::now() - begin, kTimeout);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kTimeout);
  EXPECT_FALSE(result.error().maybe_applied);
}

TEST_P(FaultTest, AHostThatIsNotKnown) {
  Client client = *Client::Create(PoolOf({"no-such-host.invalid:11211"}, {"timeout: 2000"}));
  const auto result = client.Get("k");
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().message.find("no-such-host.invalid"), std::string::npos);
}

TEST_P(FaultTest, AcceptsAndHangs) {
  EveryCommandFails({.swallow = true}, ErrorCode::kTimeout);
  EveryCommandFails({.swallow = true}, ErrorCode::kTimeout, /*open=*/false);
}

TEST_P(FaultTest, ClosesWithoutAnAnswer) {
  const auto nothing = [](const std::string&) { return std::string(); };
  EveryCommandFails({.change = nothing, .then = Then::kClose}, ErrorCode::kDisconnected);
  EveryCommandFails({.change = nothing, .then = Then::kReset}, ErrorCode::kDisconnected);
}

TEST_P(FaultTest, ClosesInTheMiddleOfAnAnswer) {
  const auto half = [](const std::string& answer) { return answer.substr(0, answer.size() / 2); };
  EveryCommandFails({.change = half, .then = Then::kClose}, ErrorCode::kDisconnected);
  EveryCommandFails({.change = half, .then = Then::kReset}, ErrorCode::kDisconnected);
}

TEST_P(FaultTest, StopsInTheMiddleOfAnAnswer) {
  const auto half = [](const std::string& answer) { return answer.substr(0, answer.size() / 2); };
  EveryCommandFails({.change = half, .then = Then::kHang}, ErrorCode::kTimeout);
}

TEST_P(FaultTest, OneByteAtATimeIsTooSlowForTheWholeCall) {
  EveryCommandFails({.each_byte = milliseconds(100)}, ErrorCode::kTimeout);
}

TEST_P(FaultTest, OneByteAtATimeInTimeIsFine) {
  client_ = *Client::Create(pool_, {.timeout = milliseconds(5000)});
  SetUpKey();
  proxy_.SetFault({.each_byte = milliseconds(1)});
  EXPECT_EQ((*client_.Get("k"))->data, "5");
  EXPECT_EQ(*client_.Set("k", "6"), Outcome::kStored);
  EXPECT_EQ((*client_.Gets("k"))->data, "6");
  EXPECT_EQ(Failures(), 0u);
}

TEST_P(FaultTest, Garbage) {
  for (const std::string garbage :
       {"\r\n", "HELLO\r\n", "STORED \r\n", "VALUE\r\n", "VALUE k\r\n", "VALUE k 0\r\n",
        "VALUE k 0 x\r\n", "VALUE k 0 -1\r\n", "VALUE k 0 1 2 3\r\n5\r\nEND\r\n",
        "VALUE k 4294967296 1\r\n5\r\nEND\r\n", "END\n", "12345678901234567890123\r\n", "-1\r\n",
        "\xff\xfe\xfd\r\n"}) {
    EveryCommandFails({.change = [=](const std::string&) { return garbage; }},
                      ErrorCode::kProtocol);
  }
  const std::string endless(100000, 'x');
  EveryCommandFails({.change = [=](const std::string&) { return endless; }}, ErrorCode::kProtocol);
}

TEST_P(FaultTest, AnAnswerToAnotherCommand) {
  const std::vector<std::string> answers = {"STORED\r\n", "DELETED\r\n",   "TOUCHED\r\n",
                                            "OK\r\n",     "VERSION 1\r\n", "STAT a b\r\n",
                                            "HD\r\n",     "EN\r\n"};
  for (const Operation& operation : AllCommands()) {
    for (const std::string& answer : answers) {
      const bool stores = operation.command >= Command::kSet && operation.command <= Command::kCas;
      if (stores && answer == "STORED\r\n") continue;
      if (operation.command == Command::kDelete && answer == "DELETED\r\n") continue;
      if (operation.command == Command::kTouch && answer == "TOUCHED\r\n") continue;
      proxy_.Heal();
      ASSERT_TRUE(client_.Get("k").ok());
      proxy_.SetFault({.change = [=](const std::string&) { return answer; }});
      const auto result = Do(operation);
      ASSERT_FALSE(result.ok()) << answer;
      EXPECT_EQ(result.error().code, ErrorCode::kProtocol);
    }
  }
}

TEST_P(FaultTest, EveryErrorLineToEveryCommandIsAnErrorAndNoFailure) {
  for (const std::string line : {"ERROR", "CLIENT_ERROR bad command line format",
                                 "SERVER_ERROR out of memory storing object"}) {
    for (const Operation& operation : AllCommands()) {
      SCOPED_TRACE(line + " to " + std::to_string(static_cast<int>(operation.command)));
      SetUpKey();
      ASSERT_TRUE(client_.Get("k").ok());
      proxy_.SetFault({.change = [=](const std::string&) { return line + "\r\n"; }});
      const auto result = Do(operation);
      ASSERT_FALSE(result.ok());
      EXPECT_EQ(result.error().code, ErrorCode::kRefusedByServer);
      EXPECT_NE(result.error().message.find(line), std::string::npos) << result.error().message;
      proxy_.Heal();
      SetUpKey();
      EXPECT_EQ((*client_.Get("k"))->data, "5");
    }
  }
  EXPECT_EQ(Failures(), 0u);
}

TEST_P(FaultTest, AnExtraAnswerNeverBecomesTheNextOnesAnswer) {
  testing::TextClient direct(server_.address());
  for (int i = 0; i < 20; ++i) {
    direct.Set("k" + std::to_string(i), "value of k" + std::to_string(i));
  }
  proxy_.SetFault({.change = [](const std::string& answer) { return answer + answer; }});
  for (int i = 0; i < 20; ++i) {
    const auto result = client_.Get("k" + std::to_string(i));
    if (result.ok()) {
      EXPECT_EQ((*result)->data, "value of k" + std::to_string(i));
    }
    const auto stored = client_.Set("other", "x");
    if (stored.ok()) {
      EXPECT_EQ(*stored, Outcome::kStored);
    }
  }
  EXPECT_GT(Failures(), 10u);
  // Nor an end that comes before the values: whose it is cannot be known.
  proxy_.Heal();
  const std::array<std::string_view, 3> keys = {"k1", "k2", "k3"};
  for (const auto& value : client_.GetMany(keys)) ASSERT_TRUE(value.ok());
  proxy_.SetFault({.change = [](const std::string& answer) { return "END\r\n" + answer; }});
  for (const auto& value : client_.GetMany(keys)) {
    ASSERT_FALSE(value.ok());
    EXPECT_EQ(value.error().code, ErrorCode::kProtocol);
  }
}

TEST_P(FaultTest, AnAnswerWithAnotherKeyIsNoAnswer) {
  SetUpKey();
  proxy_.SetFault({.change = [](const std::string&) {
    return std::string("VALUE other 0 1\r\n5\r\nEND\r\n");
  }});
  const auto result = client_.Get("k");
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kProtocol);
  const std::array<std::string_view, 2> keys = {"k", "k2"};
  for (const auto& each : client_.GetMany(keys)) EXPECT_FALSE(each.ok());
}

TEST_P(FaultTest, AHugeDeclaredLengthCostsNoMemory) {
  for (const std::string size : {"1000000000", "1073741825", "18446744073709551615"}) {
    proxy_.SetFault(
        {.change = [=](const std::string&) { return "VALUE k 0 " + size + "\r\nfirst bytes"; }});
    rusage before{};
    ::getrusage(RUSAGE_SELF, &before);
    const auto result = Do({.command = Command::kGet, .key = "k"});
    rusage after{};
    ::getrusage(RUSAGE_SELF, &after);
    ASSERT_FALSE(result.ok());
    EXPECT_LE(after.ru_maxrss - before.ru_maxrss, 16 * 1024);
  }
}

TEST_P(FaultTest, ServerThatClosesIdleConnectionsCostsNoRequest) {
  SetUpKey();
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(client_.Get("k").ok());
    const int accepted = proxy_.accepted();
    proxy_.CloseAll();
    std::this_thread::sleep_for(milliseconds(60));
    const auto result = client_.Get("k");
    ASSERT_TRUE(result.ok()) << result.error().message;
    EXPECT_EQ(proxy_.accepted(), accepted + 1);
    EXPECT_EQ(Failures(), static_cast<std::uint64_t>(i + 1));  // twemproxy counts it too
  }
}

TEST_P(FaultTest, CheckIdleReportsClosedConnectionsAtOnce) {
  SetUpKey();
  ASSERT_TRUE(client_.Get("k").ok());
  client_.CheckIdle();
  EXPECT_EQ(Failures(), 0u);
  proxy_.CloseAll();
  std::this_thread::sleep_for(milliseconds(60));
  client_.CheckIdle();
  EXPECT_EQ(Failures(), 1u);
}

TEST_P(FaultTest, ARestartLosesValuesAndNothingElse) {
  ASSERT_EQ(*client_.Set("k", "5"), Outcome::kStored);
  server_.Restart();
  std::this_thread::sleep_for(milliseconds(60));
  const auto result = client_.Get("k");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_FALSE(*result);
}

TEST_P(FaultTest, NoFreeFileDescriptorIsAnErrorAndPasses) {
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
  Client direct = *Client::Create(PoolOf({server_.address()}, {"timeout: 150"}));
  // Fails once in another way before: a sanitizer needs descriptors where it is for the first time.
  const std::string nobody = testing::Loopback(testing::FreePort());
  Client refused = *Client::Create(PoolOf({nobody}, {"timeout: 150"}));
  ASSERT_FALSE(refused.Get("k").ok());
  std::vector<testing::Fd> used;
  rlimit few = old;
  few.rlim_cur = 256;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  while (true) {
    testing::Fd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!fd) break;
    used.push_back(std::move(fd));
  }
  const auto result = direct.Get("k");
  used.clear();
  ::setrlimit(RLIMIT_NOFILE, &old);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kDisconnected);
  EXPECT_NE(result.error().message.find("Too many open files"), std::string::npos);
  EXPECT_TRUE(direct.Get("k").ok());
}

TEST_P(FaultTest, AMultiGetReturnsWhatItGotAndSaysWhichKeysFailedWhere) {
  MemcachedServer other;
  Client client = *Client::Create(PoolOf({proxy_.address(), other.address()}, {"timeout: 150"}));
  std::vector<std::string> keys;
  for (int i = 0; i < 100; ++i) keys.push_back("k" + std::to_string(i));
  for (const auto& key : keys) ASSERT_EQ(*client.Set(key, key), Outcome::kStored);
  proxy_.SetFault({.swallow = true});
  const std::vector<std::string_view> asked(keys.begin(), keys.end());
  const auto begin = Clock::now();
  const auto results = client.GetMany(asked);
  EXPECT_LE(Clock::now() - begin, kLongest);
  int failed = 0;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const ServerIndex server = *client.router().Route(keys[i]);
    if (server == 1) {
      ASSERT_TRUE(results[i].ok());
      EXPECT_EQ((*results[i])->data, keys[i]);
    } else {
      ++failed;
      ASSERT_FALSE(results[i].ok());
      EXPECT_EQ(results[i].error().server, "s0");
      EXPECT_EQ(results[i].error().key, keys[i]);
      EXPECT_EQ(results[i].error().code, ErrorCode::kTimeout);
    }
  }
  EXPECT_GT(failed, 10);
  // One connection was lost, however many keys waited on it.
  EXPECT_EQ(client.Metrics().servers[0].failures[static_cast<int>(FailureKind::kTimeout)], 1u);
}

// One server takes all of the time, and another's idle connection turns out to have ended.
TEST_P(FaultTest, WhatThereWasNoTimeForIsHeldAgainstNobody) {
  MemcachedServer other;
  FaultProxy before_other(other.address(), GetParam());
  Client client =
      *Client::Create(PoolOf({proxy_.address(), before_other.address()}, {"timeout: 150"}));
  std::vector<std::string> keys;
  for (int i = 0; i < 100; ++i) keys.push_back("k" + std::to_string(i));
  for (const auto& key : keys) ASSERT_EQ(*client.Set(key, key), Outcome::kStored);
  const std::vector<std::string_view> asked(keys.begin(), keys.end());
  proxy_.SetFault({.swallow = true});
  before_other.CloseAll();
  std::this_thread::sleep_for(milliseconds(60));
  const auto begin = Clock::now();
  const auto results = client.GetMany(asked);
  EXPECT_LE(Clock::now() - begin, kLongest);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (results[i].ok()) {
      EXPECT_EQ(client.router().Route(keys[i]), 1u);
      EXPECT_EQ((*results[i])->data, keys[i]);
    } else {
      EXPECT_EQ(results[i].error().code, ErrorCode::kTimeout) << results[i].error().message;
      EXPECT_EQ(results[i].error().key, keys[i]);
    }
  }
  const auto failures = client.Metrics().servers[1].failures;
  EXPECT_EQ(std::accumulate(failures.begin(), failures.end(), std::uint64_t{0}), 1u);
  EXPECT_EQ(failures[static_cast<int>(FailureKind::kClosed)], 1u);
  proxy_.Heal();
  for (const auto& value : client.GetMany(asked)) EXPECT_TRUE(value.ok());
}

TEST_P(FaultTest, FailuresEjectAsInTwemproxyAndTheRetryTimeoutReadmits) {
  MemcachedServer other;
  const PoolConfig pool = PoolOf({proxy_.address(), other.address()},
                                 {"timeout: 100", "auto_eject_hosts: true",
                                  "server_failure_limit: 2", "server_retry_timeout: 300"});
  Client client = *Client::Create(pool);
  std::string key;
  for (int i = 0; key.empty(); ++i) {
    if (client.router().Route("k" + std::to_string(i)) == 0u) key = "k" + std::to_string(i);
  }
  ASSERT_EQ(*client.Set(key, "on s0"), Outcome::kStored);
  proxy_.SetFault({.swallow = true});
  EXPECT_FALSE(client.Get(key).ok());
  EXPECT_FALSE(client.Get(key).ok());
  ASSERT_TRUE(client.Get(key).ok());  // from s1
  EXPECT_EQ(client.Metrics().servers[0].ejections, 1u);
  proxy_.Heal();
  std::this_thread::sleep_for(milliseconds(350));
  EXPECT_EQ((*client.Get(key))->data, "on s0");
  EXPECT_EQ(client.Metrics().servers[0].readmissions, 1u);
}

TEST_P(FaultTest, RetriesReachALiveServerForCommandsThatMayBeRepeated) {
  MemcachedServer other;
  const PoolConfig pool = PoolOf({proxy_.address(), other.address()},
                                 {"timeout: 100", "auto_eject_hosts: true",
                                  "server_failure_limit: 2", "server_retry_timeout: 60000"});
  const ClientOptions options = {.deadline = milliseconds(2000), .retry = Retry::kUntilAnswered};
  std::string key;
  const auto router = *Router::Create(pool);
  for (int i = 0; key.empty(); ++i) {
    if (router->Route("k" + std::to_string(i)) == 0u) key = "k" + std::to_string(i);
  }
  for (Operation operation : AllCommands()) {
    operation.key = key;
    Client client = *Client::Create(pool, options);
    proxy_.Heal();
    ASSERT_EQ(*client.Set(key, "5"), Outcome::kStored);
    proxy_.SetFault({.swallow = true});
    const auto result = std::move(client.Execute({&operation, 1}).front());
    const bool unsafe =
        operation.command == Command::kAdd || operation.command == Command::kCas ||
        operation.command == Command::kAppend || operation.command == Command::kPrepend ||
        operation.command == Command::kIncrement || operation.command == Command::kDecrement;
    EXPECT_EQ(result.ok(), !unsafe) << static_cast<int>(operation.command);
    if (unsafe) {
      EXPECT_TRUE(result.error().maybe_applied);
      EXPECT_EQ(client.Metrics().servers[0].operations, 2u);  // the set, and one attempt
    }
  }
  {
    Client client = *Client::Create(pool, options);
    proxy_.Heal();
    std::vector<std::string> keys;
    for (int i = 0; i < 50; ++i) keys.push_back("m" + std::to_string(i));
    for (const auto& each : keys) ASSERT_EQ(*client.Set(each, each), Outcome::kStored);
    proxy_.SetFault({.swallow = true});
    const auto all = client.GetMany(std::vector<std::string_view>(keys.begin(), keys.end()));
    int misses = 0;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      ASSERT_TRUE(all[i].ok()) << all[i].error().message;
      const bool hit = all[i]->has_value();
      // What was on the server that fell silent is missed on the other.
      EXPECT_EQ(hit, *router->Route(keys[i]) == 1u) << keys[i];
      if (hit) {
        EXPECT_EQ((*all[i])->data, keys[i]);
      }
      misses += !hit;
    }
    EXPECT_GT(misses, 0);
    EXPECT_EQ(client.Metrics().servers[0].ejections, 1u);
  }
  // Where nothing was sent, any command may go on.
  proxy_.Heal();
  const std::string nobody = testing::Loopback(testing::FreePort());
  Client client =
      *Client::Create(PoolOf({nobody, other.address()},
                             {"timeout: 100", "auto_eject_hosts: true", "server_failure_limit: 2"}),
                      options);
  for (const Operation& operation : AllCommands()) {
    EXPECT_TRUE(client.Execute({&operation, 1}).front().ok());
  }
}

INSTANTIATE_TEST_SUITE_P(, FaultTest,
                         ::testing::Values(testing::Numbers::kYes, testing::Numbers::kError),
                         testing::NameOfNumbers);

TEST(RetryTest, WhatAnEarlierAttemptMayHaveDoneIsNotDenied) {
  MemcachedServer silent;
  Client client = *Client::Create(PoolOf({silent.address()}, {"timeout: 100"}),
                                  {.deadline = milliseconds(600), .retry = Retry::kUntilAnswered});
  ASSERT_EQ(*client.Set("k", "old"), Outcome::kStored);
  silent.Stop();  // what is sent now waits in its socket
  std::thread ends([&] {
    std::this_thread::sleep_for(milliseconds(250));
    silent.Kill();  // from now on nothing can be sent
  });
  const auto result = client.Set("k", "new");
  ends.join();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kDisconnected) << result.error().message;
  EXPECT_TRUE(result.error().maybe_applied);
}

}  // namespace
}  // namespace shardcache
