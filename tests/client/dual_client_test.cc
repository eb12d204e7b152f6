// Two layouts at once, beside real servers: the same memcacheds, placed otherwise.
#include "shardcache/dual_client.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/client/pool.h"
#include "tests/harness/memcached_server.h"

namespace shardcache {
namespace {

using std::chrono::seconds;
using testing::MemcachedServer;
using testing::PoolOf;

class DualClientTest : public ::testing::Test {
 protected:
  DualClientTest() {
    std::vector<std::string> addresses;
    for (int i = 0; i < 4; ++i) {
      servers_.push_back(std::make_unique<MemcachedServer>());
      addresses.push_back(servers_.back()->address());
    }
    old_pool_ = PoolOf(addresses, {"hash: crc32", "distribution: modula", "timeout: 2000"});
    new_pool_ = PoolOf(addresses, {"timeout: 2000"});
    dual_ = std::make_unique<DualClient>(*DualClient::Create(old_pool_, new_pool_));
    old_ = std::make_unique<Client>(*Client::Create(old_pool_));
    new_ = std::make_unique<Client>(*Client::Create(new_pool_));
    // A key that the two layouts put on different servers, so that its two copies are two.
    for (int i = 0; moving_.empty(); ++i) {
      const std::string key = "moving" + std::to_string(i);
      if (old_->router().Route(key) != new_->router().Route(key)) moving_ = key;
    }
  }

  std::string InNew(const std::string& key) {
    const auto value = new_->Get(key);
    return value.ok() && *value ? (*value)->data : "nothing";
  }

  std::vector<std::unique_ptr<MemcachedServer>> servers_;
  PoolConfig old_pool_;
  PoolConfig new_pool_;
  std::unique_ptr<DualClient> dual_;
  std::unique_ptr<Client> old_;
  std::unique_ptr<Client> new_;
  std::string moving_;
};

TEST_F(DualClientTest, WhatTheOldLayoutHoldsIsFoundAndMovesWithFlagsAndLife) {
  std::vector<std::string> keys;
  for (int i = 0; i < 400; ++i) keys.push_back("k" + std::to_string(i));
  for (const auto& key : keys) {
    ASSERT_TRUE(old_->Set(key, "value of " + key, seconds(500), 42).ok());
  }
  keys.push_back("nowhere");
  const std::vector<std::string_view> asked(keys.begin(), keys.end());
  const auto results = dual_->GetMany(asked);
  for (std::size_t i = 0; i + 1 < keys.size(); ++i) {
    ASSERT_TRUE(results[i].ok()) << results[i].error().message;
    ASSERT_TRUE(*results[i]) << keys[i];
    EXPECT_EQ((*results[i])->data, "value of " + keys[i]);
    EXPECT_EQ((*results[i])->flags, 42u);
  }
  EXPECT_FALSE(*results.back());
  EXPECT_GT(dual_->counters().hits_in_old, 200u);
  EXPECT_EQ(dual_->counters().misses, 1u);
  const auto moved = new_->GetManyWithExpiration(asked);
  for (std::size_t i = 0; i + 1 < keys.size(); ++i) {
    ASSERT_TRUE(*moved[i]) << keys[i];
    EXPECT_EQ((*moved[i])->value.flags, 42u);
    EXPECT_GE(*(*moved[i])->remaining, seconds(490));
    EXPECT_LE(*(*moved[i])->remaining, seconds(500));
  }
}

TEST_F(DualClientTest, AValueWithoutAnEndHasNoneInTheNewLayout) {
  ASSERT_TRUE(old_->Set(moving_, "x").ok());
  ASSERT_TRUE(*dual_->Get(moving_));
  const std::string_view key = moving_;
  EXPECT_EQ((*new_->GetManyWithExpiration({&key, 1}).front())->remaining, std::nullopt);
}

TEST_F(DualClientTest, NothingNewerIsEverReplaced) {
  ASSERT_TRUE(old_->Set(moving_, "old").ok());
  ASSERT_TRUE(new_->Set(moving_, "new").ok());
  EXPECT_EQ((*dual_->Get(moving_))->data, "new");
  EXPECT_EQ(InNew(moving_), "new");
}

TEST_F(DualClientTest, WhatIsSetOrDeletedDoesNotComeBackFromTheOldLayout) {
  ASSERT_TRUE(old_->Set(moving_, "old").ok());
  EXPECT_EQ(*dual_->Set(moving_, "new"), Outcome::kStored);
  ASSERT_TRUE(new_->Delete(moving_).ok());  // as if it were evicted
  EXPECT_FALSE(*dual_->Get(moving_));
  ASSERT_TRUE(old_->Set(moving_, "old").ok());
  EXPECT_TRUE(*dual_->Delete(moving_));
  EXPECT_FALSE(*dual_->Delete(moving_));
  EXPECT_FALSE(*dual_->Get(moving_));
}

TEST_F(DualClientTest, EveryCommandSeesWhatIsOnlyInTheOldLayout) {
  const auto with = [&](const Operation& operation) {
    EXPECT_TRUE(new_->Delete(operation.key).ok());
    EXPECT_TRUE(old_->Set(operation.key, "10").ok());
    return *dual_->Execute(operation);
  };
  EXPECT_EQ(with({.command = Command::kIncrement, .key = moving_, .delta = 5}).counter, 15u);
  EXPECT_EQ(InNew(moving_), "15");
  EXPECT_EQ(with({.command = Command::kAppend, .key = moving_, .value = "!"}).outcome,
            Outcome::kStored);
  EXPECT_EQ(InNew(moving_), "10!");
  EXPECT_EQ(with({.command = Command::kAdd, .key = moving_, .value = "!"}).outcome,
            Outcome::kNotStored);
  EXPECT_EQ(with({.command = Command::kReplace, .key = moving_, .value = "r"}).outcome,
            Outcome::kStored);
  EXPECT_EQ(InNew(moving_), "r");
  EXPECT_EQ(with({.command = Command::kTouch, .key = moving_, .expire = seconds(9)}).outcome,
            Outcome::kTouched);
  EXPECT_EQ(with({.command = Command::kGets, .key = moving_}).value.data, "10");
  EXPECT_EQ(dual_->Execute({.command = Command::kTouch, .key = "nowhere"})->outcome,
            Outcome::kMiss);
}

TEST_F(DualClientTest, AfterItsTimeTheOldLayoutIsNotAsked) {
  ASSERT_TRUE(old_->Set(moving_, "old").ok());
  DualClient over = *DualClient::Create(old_pool_, new_pool_,
                                        {.until = std::chrono::system_clock::now() - seconds(1)});
  EXPECT_FALSE(*over.Get(moving_));
  EXPECT_EQ(over.counters().misses, 1u);
}

TEST_F(DualClientTest, AnOldServerThatFailsIsAnErrorAndNoMiss) {
  const auto victim = *old_->router().Route(moving_);
  const std::string name = old_->router().Snapshot()->placement.server(victim).name;
  servers_[static_cast<std::size_t>(name[1] - '0')]->Kill();
  const auto read = dual_->Get(moving_);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().server, name);
  EXPECT_FALSE(dual_->Set(moving_, "x").ok());
  EXPECT_EQ(InNew(moving_), "nothing");
}

TEST_F(DualClientTest, WritersMeanwhileAlwaysWin) {
  std::vector<std::string> keys;
  for (int i = 0; i < 300; ++i) keys.push_back("race" + std::to_string(i));
  for (const auto& key : keys) ASSERT_TRUE(old_->Set(key, "0").ok());
  std::thread writer([&] {
    DualClient mine = *DualClient::Create(old_pool_, new_pool_);
    for (int round = 1; round <= 5; ++round) {
      for (const auto& key : keys) EXPECT_TRUE(mine.Set(key, std::to_string(round)).ok());
    }
  });
  std::vector<int> seen(keys.size());
  for (int round = 0; round < 5; ++round) {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto value = dual_->Get(keys[i]);
      ASSERT_TRUE(value.ok());
      if (!*value) continue;  // between the deletion there and the storing here
      const int now = std::stoi((*value)->data);
      EXPECT_GE(now, seen[i]) << keys[i];
      seen[i] = now;
    }
  }
  writer.join();
  for (const auto& key : keys) EXPECT_EQ((*dual_->Get(key))->data, "5");
}

}  // namespace
}  // namespace shardcache
