// Client beside real memcached servers.
#include "shardcache/client.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/client/pool.h"
#include "tests/harness/memcached_server.h"
#include "tests/harness/text_client.h"

namespace shardcache {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::MemcachedServer;
using testing::PoolOf;
using testing::TempDir;
using testing::TextClient;

class ClientTest : public ::testing::Test {
 protected:
  static constexpr int kServers = 3;

  ClientTest() {
    std::vector<std::string> addresses;
    for (int i = 0; i < kServers; ++i) {
      servers_.push_back(std::make_unique<MemcachedServer>());
      addresses.push_back(servers_.back()->address());
    }
    pool_ = PoolOf(addresses, {"timeout: 2000"});
    client_ = std::make_unique<Client>(*Client::Create(pool_));
  }

  std::vector<std::unique_ptr<MemcachedServer>> servers_;
  PoolConfig pool_;
  std::unique_ptr<Client> client_;
};

std::optional<Value> Must(Result<std::optional<Value>> result) {
  if (!result.ok()) ADD_FAILURE() << result.error().message;
  return result.ok() ? *std::move(result) : std::nullopt;
}

TEST_F(ClientTest, WhatIsSetIsRead) {
  for (int i = 0; i < 100; ++i) {
    const std::string key = "key:" + std::to_string(i);
    ASSERT_EQ(*client_->Set(key, "value " + key, {}, 7), Outcome::kStored);
    const auto value = Must(client_->Get(key));
    ASSERT_TRUE(value);
    EXPECT_EQ(*value, (Value{.data = "value " + key, .flags = 7}));
  }
  EXPECT_FALSE(Must(client_->Get("no-such-key")));
}

TEST_F(ClientTest, EachStoringCommandSaysWhetherItStored) {
  EXPECT_EQ(*client_->Replace("k", "x"), Outcome::kNotStored);
  EXPECT_EQ(*client_->Append("k", "x"), Outcome::kNotStored);
  EXPECT_EQ(*client_->Prepend("k", "x"), Outcome::kNotStored);
  EXPECT_EQ(*client_->Cas("k", "x", 1), Outcome::kMiss);
  EXPECT_EQ(*client_->Add("k", "1", {}, 3), Outcome::kStored);
  EXPECT_EQ(*client_->Add("k", "2"), Outcome::kNotStored);
  EXPECT_EQ(*client_->Append("k", ">"), Outcome::kStored);
  EXPECT_EQ(*client_->Prepend("k", "<"), Outcome::kStored);
  const auto value = Must(client_->Gets("k"));
  ASSERT_TRUE(value);
  EXPECT_EQ(value->data, "<1>");
  EXPECT_EQ(value->flags, 3u);
  EXPECT_EQ(*client_->Cas("k", "new", value->cas), Outcome::kStored);
  EXPECT_EQ(*client_->Cas("k", "newer", value->cas), Outcome::kExists);
  EXPECT_EQ(Must(client_->Get("k"))->data, "new");
}

TEST_F(ClientTest, CountersCount) {
  EXPECT_EQ(*client_->Increment("n"), std::nullopt);
  ASSERT_EQ(*client_->Set("n", "9"), Outcome::kStored);
  EXPECT_EQ(*client_->Increment("n", 2), 11u);
  EXPECT_EQ(*client_->Decrement("n", 100), 0u);
  ASSERT_EQ(*client_->Set("n", "18446744073709551615"), Outcome::kStored);
  EXPECT_EQ(*client_->Increment("n"), 0u);
  ASSERT_EQ(*client_->Set("n", "words"), Outcome::kStored);
  const auto refused = client_->Increment("n");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kRefusedByServer);
  EXPECT_EQ(refused.error().key, "n");
  EXPECT_NE(refused.error().message.find("non-numeric"), std::string::npos)
      << refused.error().message;
  EXPECT_EQ(Must(client_->Get("n"))->data, "words");
}

TEST_F(ClientTest, ExpirationsAreSecondsOfAnyLength) {
  ASSERT_EQ(*client_->Set("gone", "x", seconds(0)), Outcome::kStored);
  EXPECT_FALSE(Must(client_->Get("gone")));
  ASSERT_EQ(*client_->Set("long", "x", std::chrono::hours(24 * 365)), Outcome::kStored);
  EXPECT_TRUE(Must(client_->Get("long")));
  ASSERT_EQ(*client_->Set("short", "x", seconds(1)), Outcome::kStored);
  EXPECT_TRUE(*client_->Touch("short", seconds(100)));
  EXPECT_FALSE(*client_->Touch("nobody", seconds(100)));
  EXPECT_EQ(Must(client_->GetAndTouch("short", seconds(50)))->data, "x");
  std::this_thread::sleep_for(milliseconds(2100));
  EXPECT_TRUE(Must(client_->Get("short")));
}

TEST_F(ClientTest, DeleteSaysWhetherItWasThere) {
  ASSERT_EQ(*client_->Set("k", "x"), Outcome::kStored);
  EXPECT_TRUE(*client_->Delete("k"));
  EXPECT_FALSE(*client_->Delete("k"));
}

TEST_F(ClientTest, GetManyKeepsTheOrderAndEveryByte) {
  std::vector<std::string> keys;
  for (int i = 0; i < 500; ++i) keys.push_back("many:" + std::to_string(i));
  std::string all_bytes;
  for (int i = 0; i < 256; ++i) all_bytes.push_back(static_cast<char>(i));
  for (std::size_t i = 0; i < keys.size(); i += 2) {
    ASSERT_EQ(*client_->Set(keys[i], keys[i] + all_bytes + "\r\nEND\r\n"), Outcome::kStored);
  }
  std::vector<std::string_view> asked(keys.begin(), keys.end());
  asked.push_back(keys[0]);  // twice is fine
  const auto results = client_->GetMany(asked);
  ASSERT_EQ(results.size(), asked.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    const auto value = Must(results[i]);
    ASSERT_EQ(value.has_value(), i % 2 == 0) << i;
    if (value) {
      EXPECT_EQ(value->data, std::string(asked[i]) + all_bytes + "\r\nEND\r\n");
    }
  }
  EXPECT_TRUE(client_->GetMany({}).empty());
}

TEST_F(ClientTest, ABatchHasAResultForEachInOrder) {
  std::vector<Operation> batch = {
      {.command = Command::kSet, .key = "a", .value = "1"},
      {.command = Command::kIncrement, .key = "a", .delta = 41},
      {.command = Command::kGet, .key = "a"},
      {.command = Command::kGet, .key = "bad key"},
      {.command = Command::kDelete, .key = "a"},
      {.command = Command::kGets, .key = "a"},
      {.command = Command::kTouch, .key = "a"},
  };
  const auto replies = client_->Execute(batch);
  ASSERT_EQ(replies.size(), batch.size());
  EXPECT_EQ(replies[0]->outcome, Outcome::kStored);
  EXPECT_EQ(replies[1]->outcome, Outcome::kCounted);
  EXPECT_EQ(replies[1]->counter, 42u);
  EXPECT_EQ(replies[2]->value.data, "42");
  ASSERT_FALSE(replies[3].ok());
  EXPECT_EQ(replies[3].error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(replies[3].error().key, "bad key");
  EXPECT_EQ(replies[4]->outcome, Outcome::kDeleted);
  EXPECT_EQ(replies[5]->outcome, Outcome::kMiss);
  EXPECT_EQ(replies[6]->outcome, Outcome::kMiss);
}

TEST_F(ClientTest, LargeValuesAndLargeBatchesPassInBothDirections) {
  const std::string big(900 * 1024, 'b');
  std::vector<std::string> keys;
  for (int i = 0; i < 60; ++i) keys.push_back("big:" + std::to_string(i));
  std::vector<Operation> batch;
  for (const auto& key : keys) {
    batch.push_back({.command = Command::kSet, .key = key, .value = big});
    batch.push_back({.command = Command::kGet, .key = key});
  }
  const auto replies = client_->Execute(batch);
  for (std::size_t i = 0; i < replies.size(); i += 2) {
    ASSERT_TRUE(replies[i].ok()) << replies[i].error().message;
    EXPECT_EQ(replies[i]->outcome, Outcome::kStored);
    EXPECT_EQ(replies[i + 1]->value.data.size(), big.size());
  }
}

TEST_F(ClientTest, AValueThatIsTooLargeIsRefusedAndTheConnectionGoesOn) {
  const std::string huge(2 << 20, 'h');
  const auto refused = client_->Set("huge", huge);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kRefusedByServer);
  EXPECT_FALSE(refused.error().server.empty());
  ASSERT_EQ(*client_->Set("huge", "small"), Outcome::kStored);
  EXPECT_EQ(Must(client_->Get("huge"))->data, "small");
  std::uint64_t connections = 0;
  for (const auto& server : client_->Metrics().servers) connections += server.connections;
  EXPECT_EQ(connections, 1u);
}

TEST_F(ClientTest, KeysThatMemcachedDoesNotTakeAreRefusedBeforeAnythingIsSent) {
  const std::vector<std::string> bad = {"", "a b", "a\nb", "a\rb", "tab\t", std::string(251, 'k')};
  for (const std::string& key : bad) {
    const auto result = client_->Get(key);
    ASSERT_FALSE(result.ok()) << key;
    EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_TRUE(client_->Get(std::string(250, 'k')).ok());
  EXPECT_TRUE(client_->Get("high\xff\x80").ok());
}

TEST_F(ClientTest, AMultiGetRefusesTheseKeysAndGetsTheOthers) {
  std::vector<std::string> keys = {"", "a b"};
  for (int i = 0; i < 20; ++i) {
    keys.push_back("good" + std::to_string(i));
    ASSERT_EQ(*client_->Set(keys.back(), keys.back()), Outcome::kStored);
    keys.push_back("no\r\n" + std::to_string(i));
  }
  keys.push_back(std::string(251, 'k'));
  for (const std::string prefix : {"", "p:"}) {
    Client client = *Client::Create(pool_, {.prefix = prefix});
    for (const auto& key : keys) {
      if (!key.starts_with("good")) continue;
      ASSERT_EQ(*client.Set(key, key), Outcome::kStored);
    }
    const auto results = client.GetMany(std::vector<std::string_view>(keys.begin(), keys.end()));
    ASSERT_EQ(results.size(), keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (keys[i].starts_with("good")) {
        EXPECT_EQ(Must(results[i])->data, keys[i]);
      } else {
        ASSERT_FALSE(results[i].ok());
        EXPECT_EQ(results[i].error().code, ErrorCode::kInvalidArgument);
        EXPECT_EQ(results[i].error().key, keys[i]);
      }
    }
  }
}

TEST_F(ClientTest, APrefixIsSentAndHashedOrNot) {
  Client hashed = *Client::Create(pool_, {.prefix = "app:"});
  Client unhashed = *Client::Create(pool_, {.prefix = "app:", .hash_prefix = false});
  const auto snapshot = client_->router().Snapshot();
  for (int i = 0; i < 50; ++i) {
    const std::string key = std::to_string(i);
    ASSERT_EQ(*hashed.Set(key, "h"), Outcome::kStored);
    EXPECT_EQ(Must(client_->Get("app:" + key))->data, "h");
    ASSERT_EQ(*unhashed.Set(key, "u"), Outcome::kStored);
    const ServerIndex owner = *snapshot->Route(key);
    TextClient server(snapshot->placement.server(owner).address());
    EXPECT_EQ(server.Get("app:" + key).text, "u");
  }
  std::vector<std::string> keys;
  for (int i = 0; i < 50; ++i) keys.push_back(std::to_string(i));
  const std::vector<std::string_view> asked(keys.begin(), keys.end());
  for (Client* client : {&hashed, &unhashed}) {
    const auto results = client->GetMany(asked);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto alone = Must(client->Get(keys[i]));
      EXPECT_EQ(Must(results[i]), alone);
      ASSERT_TRUE(alone);
    }
  }
}

TEST_F(ClientTest, EachServerTellsItsVersionAndStatistics) {
  const auto versions = client_->Version();
  ASSERT_EQ(versions.size(), 3u);
  for (const auto& [name, version] : versions) EXPECT_EQ(version->substr(0, 2), "1.") << name;
  ASSERT_EQ(*client_->Set("k", "x"), Outcome::kStored);
  auto stats = client_->Stats();
  EXPECT_EQ((*stats.at("s0")).at("version"), *versions.at("s0"));
  EXPECT_FALSE((*client_->Stats("settings").at("s1")).at("maxbytes").empty());
  for (const auto& [name, flushed] : client_->FlushAll()) EXPECT_TRUE(flushed.ok()) << name;
  EXPECT_FALSE(Must(client_->Get("k")));
  servers_[1]->Kill();
  const auto after = client_->Version();
  EXPECT_TRUE(after.at("s0").ok());
  ASSERT_FALSE(after.at("s1").ok());
  EXPECT_EQ(after.at("s1").error().server, "s1");
}

TEST_F(ClientTest, MetricsTellWhatWasDone) {
  ASSERT_EQ(*client_->Set("k", "x"), Outcome::kStored);
  for (int i = 0; i < 3; ++i) (void)client_->Get("k");
  (void)client_->Get("none");
  ServerMetrics sum;
  for (const ServerMetrics& server : client_->Metrics().servers) {
    sum.operations += server.operations;
    sum.hits += server.hits;
    sum.misses += server.misses;
    sum.open += server.open;
    sum.latency.buckets[0] += server.latency.count();
  }
  EXPECT_EQ(sum.operations, 5u);
  EXPECT_EQ(sum.hits, 3u);
  EXPECT_EQ(sum.misses, 1u);
  EXPECT_GE(sum.open, 1u);
  EXPECT_EQ(sum.latency.buckets[0], 5u);
  const std::string text = PrometheusText(client_->Metrics(), "alpha");
  EXPECT_NE(text.find("shardcache_client_hits_total{pool=\"alpha\",server=\"s"), std::string::npos);
  EXPECT_NE(text.find("# TYPE shardcache_client_round_trip_seconds histogram"), std::string::npos);
}

TEST_F(ClientTest, UnixSocketsAndIpv6AndHostNamesServe) {
  const TempDir dir;
  const MemcachedServer local(dir.File("mc.sock"));
  const MemcachedServer four("127.0.0.1:" + std::to_string(testing::FreePort()));
  const std::string port = four.address().substr(four.address().find(':') + 1);
  for (const std::string& address : {local.address(), "localhost:" + port}) {
    Client client = *Client::Create(PoolOf({address}, {"timeout: 2000"}));
    EXPECT_EQ(*client.Set("k", address), Outcome::kStored);
    EXPECT_EQ(Must(client.Get("k"))->data, address);
  }
}

TEST_F(ClientTest, APoolSharesOneRouterBetweenThreads) {
  auto clients = *ClientPool::Create(pool_);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const auto client = clients->Take();
        const std::string key = std::to_string(t) + ":" + std::to_string(i);
        EXPECT_EQ(*client->Set(key, key), Outcome::kStored);
        EXPECT_EQ(Must(client->Get(key))->data, key);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::uint64_t operations = 0;
  for (const auto& server : clients->Metrics().servers) operations += server.operations;
  EXPECT_EQ(operations, 1600u);
}

TEST_F(ClientTest, AProgramEndsItsWaitWhenASignalCame) {
  static std::atomic<int> asked;
  asked = 0;
  struct sigaction handler = {};
  struct sigaction before = {};
  handler.sa_handler = [](int) {};
  ASSERT_EQ(sigaction(SIGUSR1, &handler, &before), 0);
  pool_.timeout.reset();  // for ever
  Client client = *Client::Create(pool_, {.interrupted = [] { return ++asked == 2; }});
  std::vector<std::string> keys;
  for (int i = 0; i < 20; ++i) keys.push_back("key:" + std::to_string(i));
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  for (const auto& result : client.GetMany(views)) ASSERT_TRUE(result.ok());
  for (const auto& server : servers_) server->Stop();
  const pthread_t self = pthread_self();
  std::thread signals([self] {
    while (asked < 2) {
      std::this_thread::sleep_for(milliseconds(20));
      pthread_kill(self, SIGUSR1);
    }
  });
  const auto results = client.GetMany(views);
  signals.join();
  for (const auto& server : servers_) server->Continue();
  sigaction(SIGUSR1, &before, nullptr);
  for (const auto& result : results) {
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code, ErrorCode::kDisconnected);
    EXPECT_NE(result.error().message.find("interrupted"), std::string::npos);
  }
  for (const ServerMetrics& server : client.Metrics().servers) {
    for (const std::uint64_t failures : server.failures) EXPECT_EQ(failures, 0u);
  }
  EXPECT_TRUE(client.Get("key:1").ok());
}

TEST_F(ClientTest, RedisPoolsAndBadSettingsAreRefused) {
  PoolConfig redis = pool_;
  redis.redis = true;
  EXPECT_EQ(Client::Create(redis).error().code, ErrorCode::kInvalidArgument);
  EXPECT_FALSE(Client::Create(pool_, {.timeout = milliseconds(0)}).ok());
  EXPECT_FALSE(Client::Create(pool_, {.prefix = "with blank "}).ok());
}

}  // namespace
}  // namespace shardcache
