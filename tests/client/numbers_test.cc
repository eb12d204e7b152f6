// Numbered answers: none is ever taken for another's, they say what the classic ones say, and the
// end of an idle connection costs nothing though nobody looked for it.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "shardcache/client.h"
#include "tests/client/fault_proxy.h"
#include "tests/client/pool.h"
#include "tests/client/results.h"
#include "tests/harness/memcached_server.h"
#include "tests/harness/random.h"
#include "tests/harness/text_client.h"

namespace shardcache {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::FailuresOf;
using testing::FaultProxy;
using testing::MemcachedServer;
using testing::Must;
using testing::Numbers;
using testing::PoolOf;

Reply Do(Client* client, const Operation& operation) {
  return Must(std::move(client->Execute({&operation, 1}).front()));
}

// A command that says something else the second time, with what is there before and between.
struct Twice {
  Operation operation;
  bool there = true;
};

std::vector<Twice> CommandsThatSayOtherwiseTheSecondTime() {
  const seconds long_life(100);
  return {
      {{.command = Command::kGet, .key = "k"}},
      {{.command = Command::kGets, .key = "k"}},
      {{.command = Command::kGetAndTouch, .key = "k", .expire = long_life}},
      {{.command = Command::kAdd, .key = "k", .value = "5"}, false},
      {{.command = Command::kReplace, .key = "k", .value = "5"}},
      {{.command = Command::kAppend, .key = "k", .value = "5"}},
      {{.command = Command::kPrepend, .key = "k", .value = "5"}},
      {{.command = Command::kCas, .key = "k", .value = "5", .cas = 1}},
      {{.command = Command::kDelete, .key = "k"}},
      {{.command = Command::kIncrement, .key = "k"}},
      {{.command = Command::kDecrement, .key = "k"}},
      {{.command = Command::kTouch, .key = "k", .expire = long_life}},
  };
}

// What no look before a request can prevent: the last answer comes once more when the next request
// is already on its way.
TEST(NumbersTest, AnAnswerSentTwiceIsNeverTheNextOnes) {
  MemcachedServer server;
  FaultProxy proxy(server.address());
  for (const Twice& twice : CommandsThatSayOtherwiseTheSecondTime()) {
    SCOPED_TRACE("command " + std::to_string(static_cast<int>(twice.operation.command)));
    testing::TextClient direct(server.address());
    direct.Set("k", "5");
    if (!twice.there) direct.Delete("k");
    Client client = *Client::Create(PoolOf({proxy.address()}, {"timeout: 2000"}));
    std::string last;
    proxy.SetFault({.change = [&last](const std::string& answer) { return last = answer; }});
    const Reply before = Do(&client, twice.operation);
    ASSERT_NE(before.outcome, Outcome::kMiss);
    direct.Delete("k");
    proxy.SetFault({.change = [&last](const std::string& answer) { return last + answer; }});
    const auto after = std::move(client.Execute({&twice.operation, 1}).front());
    ASSERT_FALSE(after.ok()) << OutcomeName(after->outcome);
    EXPECT_EQ(after.error().code, ErrorCode::kProtocol);
    EXPECT_EQ(FailuresOf(client), 1u);
    proxy.Heal();
    EXPECT_EQ(Do(&client, {.command = Command::kDelete, .key = "no-such-key"}).outcome,
              Outcome::kMiss);
  }
}

TEST(NumbersTest, AMultiGetsAnswerSentTwiceIsNeverTheNextOnes) {
  MemcachedServer server;
  FaultProxy proxy(server.address());
  testing::TextClient direct(server.address());
  Client client = *Client::Create(PoolOf({proxy.address()}, {"timeout: 2000"}));
  const std::array<std::string_view, 3> keys = {"a", "b", "c"};
  for (const bool there : {true, false}) {  // values, and misses
    for (const std::string_view key : keys) {
      there ? direct.Set(std::string(key), "old") : direct.Delete(std::string(key));
    }
    std::string last;
    proxy.SetFault({.change = [&last](const std::string& answer) { return last = answer; }});
    for (const auto& value : client.GetMany(keys)) ASSERT_EQ((*value).has_value(), there);
    for (const std::string_view key : keys) direct.Set(std::string(key), "new");
    proxy.SetFault({.change = [&last](const std::string& answer) { return last + answer; }});
    for (const auto& value : client.GetMany(keys)) {
      ASSERT_FALSE(value.ok());
      EXPECT_EQ(value.error().code, ErrorCode::kProtocol);
    }
    proxy.Heal();
    for (const auto& value : client.GetMany(keys)) EXPECT_EQ((*value)->data, "new");
  }
}

// Of a batch, what came before the answer too many has its result, and nothing behind it.
TEST(NumbersTest, ABatchIsBelievedUpToAnAnswerTooMany) {
  MemcachedServer server;
  FaultProxy proxy(server.address());
  Client client = *Client::Create(PoolOf({proxy.address()}, {"timeout: 2000"}));
  ASSERT_TRUE(client.Get("k").ok());
  proxy.SetFault({.change = [](const std::string& answers) {
    const std::size_t second = answers.find("\r\n") + 2;
    const std::size_t third = answers.find("\r\n", second) + 2;
    return answers.substr(0, third) + answers.substr(second);
  }});
  std::vector<Operation> batch(4, {.command = Command::kIncrement, .key = "k"});
  batch[0] = {.command = Command::kSet, .key = "k", .value = "5"};
  batch[1] = {.command = Command::kDelete, .key = "k"};
  const auto replies = client.Execute(batch);
  EXPECT_EQ(Must(replies[0]).outcome, Outcome::kStored);
  EXPECT_EQ(Must(replies[1]).outcome, Outcome::kDeleted);
  EXPECT_FALSE(replies[2].ok());
  EXPECT_FALSE(replies[3].ok());
}

class AllWaysTest : public ::testing::TestWithParam<Numbers> {};

const std::vector<std::string> kCounters = {"n", "m"};
const std::vector<std::string> kTexts = {"k", std::string(250, 'x'), "w\xc3\xb6rd\xff"};

Operation RandomOperation(testing::Random* random) {
  Operation operation{.command = static_cast<Command>(random->Below(13)), .key = ""};
  const bool extends =
      operation.command == Command::kAppend || operation.command == Command::kPrepend;
  const bool counts = !extends && random->Chance(0.5);
  operation.key = random->Pick(counts ? kCounters : kTexts);
  if (operation.command >= Command::kSet && operation.command <= Command::kCas) {
    operation.value = counts ? "12345" : std::string_view(random->Pick(kTexts));
    operation.flags =
        static_cast<std::uint32_t>(random->Chance(0.5) ? 0 : random->Below(1ull << 32));
  }
  if (random->Chance(0.3)) operation.expire = seconds(random->Chance(0.2) ? 0 : 1000);
  // Two servers that are told the same give the same cas values.
  operation.cas = random->Below(1000);
  operation.delta = random->Chance(0.1) ? ~std::uint64_t{0} : random->Below(20000);
  return operation;
}

// memcached pads a counter that became shorter with blanks, but only if nobody else is just looking
// at it.
Value WithoutPadding(Value value) {
  while (value.data.ends_with(' ')) value.data.pop_back();
  return value;
}

// The same of a server that numbers its answers and of one that cannot, or hangs up when asked.
TEST_P(AllWaysTest, EveryCommandSaysTheSameAsWithoutNumbers) {
  MemcachedServer one;
  MemcachedServer other;
  FaultProxy classic(one.address(), Numbers::kError);
  FaultProxy proxy(other.address(), GetParam());
  Client with = *Client::Create(PoolOf({proxy.address()}, {"timeout: 5000"}));
  Client without = *Client::Create(PoolOf({classic.address()}, {"timeout: 5000"}));
  const std::vector<std::string> texts = {"1",        "k", "12345", std::string(250, 'x'),
                                          "wörd\xff", "0"};
  testing::Random random(testing::Seed());
  for (int round = 0; round < 400; ++round) {
    std::vector<Operation> batch;
    for (std::size_t i = random.Between(1, 30); i > 0; --i) {
      batch.push_back(RandomOperation(&random));
    }
    const auto a = with.Execute(batch);
    const auto b = without.Execute(batch);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      SCOPED_TRACE("SHARDCACHE_SEED=" + std::to_string(testing::Seed()) + " command " +
                   std::to_string(static_cast<int>(batch[i].command)) + " key " +
                   std::string(batch[i].key));
      ASSERT_EQ(a[i].ok(), b[i].ok());
      if (!a[i].ok()) {
        // What cannot be counted.
        EXPECT_EQ(a[i].error().code, ErrorCode::kRefusedByServer);
        EXPECT_EQ(b[i].error().code, ErrorCode::kRefusedByServer);
        continue;
      }
      EXPECT_EQ(a[i]->outcome, b[i]->outcome)
          << OutcomeName(a[i]->outcome) << " " << OutcomeName(b[i]->outcome);
      EXPECT_EQ(WithoutPadding(a[i]->value), WithoutPadding(b[i]->value));
      EXPECT_EQ(a[i]->counter, b[i]->counter);
    }
    std::vector<std::string_view> keys;
    for (std::size_t i = random.Between(1, 9); i > 0; --i) {
      keys.push_back(random.Pick(random.Chance(0.5) ? kCounters : kTexts));
    }
    const auto values = with.GetMany(keys);
    const auto classic_values = without.GetMany(keys);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      ASSERT_EQ(values[i]->has_value(), classic_values[i]->has_value());
      if (!*values[i]) continue;
      EXPECT_EQ(WithoutPadding(**values[i]), WithoutPadding(**classic_values[i]));
    }
  }
  EXPECT_EQ(FailuresOf(with), 0u);
}

// A connection that its server had closed while it was idle costs no request, though with numbers
// nobody looks whether it still stands; and nothing is done twice.
TEST_P(AllWaysTest, WhatIsSentOnAConnectionThatHadEndedIsDoneOnce) {
  MemcachedServer server;
  FaultProxy proxy(server.address(), GetParam());
  testing::TextClient direct(server.address());
  Client client = *Client::Create(PoolOf({proxy.address()}, {"timeout: 2000"}));
  std::uint64_t closed = 0;
  const auto close = [&] {
    const bool resets = closed++ % 2 == 1;
    if (resets) proxy.SetFault({.then = testing::Fault::Then::kReset});
    ASSERT_TRUE(client.Get("other").ok());
    proxy.Heal();
    if (!resets) proxy.CloseAll();
    std::this_thread::sleep_for(milliseconds(60));
  };
  direct.Set("n", "5");
  for (std::uint64_t n = 6; n < 8; ++n) {
    close();
    EXPECT_EQ(*client.Increment("n"), n);
  }
  for (int i = 0; i < 2; ++i) {
    close();
    EXPECT_EQ(*client.Append("n", "0"), Outcome::kStored);
  }
  close();
  EXPECT_EQ((*client.Get("n"))->data, "700");
  close();
  EXPECT_EQ(*client.Add("m", "1"), Outcome::kStored);
  close();
  EXPECT_TRUE(*client.Delete("m"));
  close();
  const std::vector<Operation> batch(50, {.command = Command::kIncrement, .key = "n"});
  const auto replies = client.Execute(batch);
  for (std::size_t i = 0; i < batch.size(); ++i) EXPECT_EQ(Must(replies[i]).counter, 701 + i);
  close();
  const std::array<std::string_view, 2> keys = {"n", "m"};
  EXPECT_EQ((*client.GetMany(keys)[0])->data, "750");
  close();
  EXPECT_TRUE(client.Version().begin()->second.ok());
  EXPECT_EQ(FailuresOf(client), closed);  // each is a failure, as to twemproxy
}

INSTANTIATE_TEST_SUITE_P(, AllWaysTest,
                         ::testing::Values(Numbers::kYes, Numbers::kError, Numbers::kHangUp),
                         testing::NameOfNumbers);

// Connections are closed and reset at any moment: before a request, on its way, while it is carried
// out, and after. What the client says of each change is true.
TEST(NumbersTest, NoChangeIsDeniedThatWasMadeAndNoneIsMadeTwice) {
  for (const auto then : {testing::Fault::Then::kGoOn, testing::Fault::Then::kReset}) {
    MemcachedServer server;
    FaultProxy proxy(server.address());
    Client client = *Client::Create(PoolOf({proxy.address()}, {"timeout: 2000"}));
    ASSERT_EQ(*client.Set("log", ""), Outcome::kStored);
    const bool resets = then == testing::Fault::Then::kReset;
    if (resets) proxy.SetFault({.then = then, .one_in = 7});
    std::atomic<bool> quit{false};
    std::thread closer([&] {
      testing::Random random(testing::Seed());
      while (!quit) {
        std::this_thread::sleep_for(std::chrono::microseconds(random.Between(100, 3000)));
        if (!resets) proxy.CloseAll();
      }
    });
    constexpr std::size_t kChanges = 4000;
    std::vector<Result<Outcome>> results;
    for (std::size_t i = 0; i < kChanges; ++i) {
      results.push_back(client.Append("log", std::to_string(i) + " "));
    }
    quit = true;
    closer.join();
    std::vector<int> made(kChanges);
    std::istringstream log(testing::TextClient(server.address()).Get("log").text);
    for (std::size_t i = 0; log >> i;) ++made.at(i);
    std::size_t doubts = 0;
    std::size_t doubts_made = 0;
    for (std::size_t i = 0; i < kChanges; ++i) {
      if (results[i].ok()) {
        EXPECT_EQ(made[i], 1) << i;
      } else if (results[i].error().maybe_applied) {
        EXPECT_LE(made[i], 1) << i;
        ++doubts;
        doubts_made += made[i] == 1;
      } else {
        EXPECT_EQ(made[i], 0) << i;
      }
    }
    EXPECT_GT(FailuresOf(client), 100u);
    std::printf("%zu changes, %llu failures, %zu changes in doubt, of which %zu were made\n",
                kChanges, static_cast<unsigned long long>(FailuresOf(client)), doubts, doubts_made);
  }
}

// Which a twemproxy does: it is asked once, and then never again.
TEST(NumbersTest, AServerThatHangsUpAtTheQuestionIsNotAskedAgain) {
  MemcachedServer server;
  const std::string listen = testing::Loopback(testing::FreePort());
  const testing::Nutcracker nutcracker(
      testing::MakePool("p", listen, std::vector<std::string>{"timeout: 2000"},
                        std::vector<testing::PoolServer>{{.address = server.address()}}),
      {listen});
  FaultProxy proxy(listen);
  Client client = *Client::Create(PoolOf({proxy.address()}, {"timeout: 2000"}));
  EXPECT_EQ(*client.Set("k", "v"), Outcome::kStored);
  EXPECT_EQ(proxy.accepted(), 2);
  for (int i = 0; i < 3; ++i) {
    proxy.CloseAll();
    std::this_thread::sleep_for(milliseconds(60));
    EXPECT_EQ((*client.Get("k"))->data, "v");
    EXPECT_EQ(proxy.accepted(), 3 + i);
  }
}

// One that hangs up because it is about to end is asked when it is back.
TEST(NumbersTest, AServerThatNeverAnsweredIsAskedAgain) {
  MemcachedServer server;
  FaultProxy proxy(server.address());
  proxy.SetFault({.refuse = true});
  Client client = *Client::Create(PoolOf({proxy.address()}, {"timeout: 2000"}));
  EXPECT_FALSE(client.Get("k").ok());
  EXPECT_EQ(proxy.accepted(), 2);
  proxy.Heal();
  EXPECT_TRUE(client.Get("k").ok());
  EXPECT_EQ(proxy.accepted(), 3);
  std::string asked;
  proxy.SetFault({.change = [&](const std::string& answer) { return asked = answer; }});
  EXPECT_TRUE(client.Get("k").ok());
  EXPECT_EQ(asked, "EN O2 kk\r\n");
}

TEST(NumbersTest, NonsenseInsteadOfASignIsAnErrorWithNothingSent) {
  MemcachedServer server;
  FaultProxy proxy(server.address());
  for (const std::string nonsense :
       {"END\r\n", "VERSION 1.6.18\r\nEN O0\r\n", "VERSION 1.6.18\r\nNF O1\r\n", "\r\n",
        "VERSION 1.6.18\r\nNF O0\r\nNF O0\r\n"}) {
    proxy.SetFault({.change = [=](const std::string&) { return nonsense; }});
    Client client = *Client::Create(PoolOf({proxy.address()}, {"timeout: 2000"}));
    const auto result = client.Set("k", "v");
    ASSERT_FALSE(result.ok()) << nonsense;
    EXPECT_EQ(result.error().code, ErrorCode::kProtocol) << nonsense;
    EXPECT_FALSE(result.error().maybe_applied);
  }
}

}  // namespace
}  // namespace shardcache
