// The stale guard beside real servers that go and come back with what they held.
#include "shardcache/stale_guard.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "shardcache/client.h"
#include "tests/client/pool.h"
#include "tests/harness/memcached_server.h"
#include "tests/harness/random.h"
#include "tests/harness/text_client.h"

namespace shardcache {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::MemcachedServer;
using testing::PoolOf;
using testing::TextClient;
using Type = StaleGuardEvent::Type;

const std::vector<std::string> kEjecting = {"timeout: 100", "auto_eject_hosts: true",
                                            "server_failure_limit: 1", "server_retry_timeout: 300"};

class StaleGuardTest : public ::testing::Test {
 protected:
  StaleGuardTest() : pool_(PoolOf({a_.address(), b_.address()}, kEjecting)) {}

  std::unique_ptr<ClientPool> MakeClients(StaleGuard level, std::size_t memory = 1 << 20) {
    ClientOptions options;
    options.stale_guard = {.level = level,
                           .memory = memory,
                           .observer = [this](const StaleGuardEvent& e) { events_.push_back(e); }};
    return *ClientPool::Create(pool_, options);
  }

  // Keys whose home is server 0.
  std::vector<std::string> KeysOfA(ClientPool& clients, std::size_t count) {
    std::vector<std::string> keys;
    for (int i = 0; keys.size() < count; ++i) {
      const std::string key = "k" + std::to_string(i);
      if (clients.router().Route(key) == 0u) keys.push_back(key);
    }
    return keys;
  }

  // Stops server 0 and lets the client find out.
  void TakeAOut(Client& client, const std::string& key) {
    a_.Stop();
    EXPECT_FALSE(client.Get(key).ok());
  }

  // Lets server 0 go on, and asks until it is readmitted.
  void BringABack(Client& client) {
    a_.Continue();
    const auto deadline = Clock::now() + seconds(10);
    while (client.router().Snapshot()->ejected[0] && Clock::now() < deadline) {
      (void)client.Get("another");
      std::this_thread::sleep_for(milliseconds(5));
    }
    EXPECT_FALSE(client.router().Snapshot()->ejected[0]);
    client.Maintain(seconds(5));
  }

  MemcachedServer a_;
  MemcachedServer b_;
  PoolConfig pool_;
  std::vector<StaleGuardEvent> events_;
};

TEST_F(StaleGuardTest, WithoutItTheStaleValueIsReadAgain) {
  const auto clients = MakeClients(StaleGuard::kOff);
  const auto client = clients->Take();
  const std::string key = KeysOfA(*clients, 1)[0];
  ASSERT_TRUE(client->Set(key, "old").ok());
  TakeAOut(*client, key);
  ASSERT_TRUE(client->Set(key, "new").ok());
  EXPECT_EQ((*client->Get(key))->data, "new");
  BringABack(*client);
  EXPECT_EQ((*client->Get(key))->data, "old");  // as through twemproxy
}

TEST_F(StaleGuardTest, ExactDeletesWhatWasChangedAndNothingElse) {
  const auto clients = MakeClients(StaleGuard::kExact);
  const auto client = clients->Take();
  const auto keys = KeysOfA(*clients, 300);
  for (const auto& key : keys) ASSERT_TRUE(client->Set(key, "old").ok());
  TakeAOut(*client, keys[0]);
  for (std::size_t i = 0; i < 100; ++i) ASSERT_TRUE(client->Set(keys[i], "new").ok());
  for (std::size_t i = 100; i < 150; ++i) ASSERT_TRUE(client->Delete(keys[i]).ok());
  for (std::size_t i = 150; i < 160; ++i) ASSERT_TRUE(client->Touch(keys[i], seconds(9)).ok());
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ((*client->Get(keys[i]))->data, "new");
  BringABack(*client);
  TextClient on_a(a_.address());
  TextClient on_b(b_.address());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto value = client->Get(keys[i]);
    ASSERT_TRUE(value.ok());
    EXPECT_EQ(value->has_value(), i >= 160) << i;
    // Nor is anything left on the server that stood in.
    EXPECT_EQ(on_b.Get(keys[i]).status, testing::Status::kMiss) << i;
    EXPECT_EQ(on_a.Get(keys[i]).status, i >= 160 ? testing::Status::kHit : testing::Status::kMiss);
  }
  ASSERT_FALSE(events_.empty());
  EXPECT_EQ(events_[0].type, Type::kCleaned);
  EXPECT_EQ(events_[0].server, "s0");
  EXPECT_EQ(events_[0].keys, 160u);
}

TEST_F(StaleGuardTest, AMultiGetReadsNoCopyThatIsStillToBeDeleted) {
  const auto clients = MakeClients(StaleGuard::kExact);
  const auto client = clients->Take();
  const auto keys = KeysOfA(*clients, 20);
  for (const auto& key : keys) ASSERT_TRUE(client->Set(key, "old").ok());
  TakeAOut(*client, keys[0]);
  for (const auto& key : keys) ASSERT_TRUE(client->Set(key, "meanwhile").ok());  // on B
  // A returns while B is silent, so that what is on B cannot be deleted yet.
  b_.Stop();
  a_.Continue();
  const auto deadline = Clock::now() + seconds(10);
  while (client->router().Snapshot()->ejected[0] && Clock::now() < deadline) {
    client->Maintain(milliseconds(5));
  }
  for (std::size_t i = 0; i < keys.size(); i += 2) {
    ASSERT_TRUE(client->Set(keys[i], "newest").ok());
  }
  client->Maintain(milliseconds(300));  // the attempt fails, and is not repeated for a second
  b_.Continue();
  TextClient on_b(b_.address());
  for (const auto& key : keys) on_b.Set(key, "meanwhile");  // as if the attempt had not arrived
  TakeAOut(*client, keys[0]);
  std::vector<std::string_view> asked(keys.begin(), keys.end());
  asked.push_back("b");
  on_b.Set("b", "x");
  const auto results = client->GetMany(asked);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    ASSERT_TRUE(results[i].ok()) << results[i].error().message;
    EXPECT_FALSE(results[i]->has_value()) << keys[i] << " is " << (*results[i])->data;
  }
  EXPECT_EQ((*results.back())->data, "x");
  a_.Continue();
}

TEST_F(StaleGuardTest, ExactBecomesFleetWhenItsMemoryIsUsedUp) {
  const auto clients = MakeClients(StaleGuard::kExact, /*memory=*/10000);
  const auto client = clients->Take();
  const auto keys = KeysOfA(*clients, 200);
  for (const auto& key : keys) ASSERT_TRUE(client->Set(key, "old").ok());
  TakeAOut(*client, keys[0]);
  for (const auto& key : keys) ASSERT_TRUE(client->Set(key, "new").ok());
  BringABack(*client);
  for (const auto& key : keys) {
    const auto value = client->Get(key);
    ASSERT_TRUE(value.ok());
    if (*value) {
      EXPECT_NE((*value)->data, "old");
    }
  }
  ASSERT_GE(events_.size(), 2u);
  EXPECT_EQ(events_[0].type, Type::kOverflow);
  EXPECT_EQ(events_[1].type, Type::kInvalidated);
}

TEST_F(StaleGuardTest, FleetEmptiesTheServerOnceForAllClients) {
  const auto first = MakeClients(StaleGuard::kFleet);
  const auto second = MakeClients(StaleGuard::kFleet);
  const auto one = first->Take();
  const auto two = second->Take();
  const std::string key = KeysOfA(*first, 1)[0];
  ASSERT_TRUE(one->Set(key, "old").ok());
  a_.Stop();
  EXPECT_FALSE(one->Get(key).ok());
  EXPECT_FALSE(two->Get(key).ok());
  std::this_thread::sleep_for(milliseconds(3500));
  BringABack(*one);
  EXPECT_FALSE(*one->Get(key));
  ASSERT_TRUE(one->Set(key, "newest").ok());
  BringABack(*two);
  EXPECT_EQ((*two->Get(key))->data, "newest");
  ASSERT_EQ(events_.size(), 2u);
  EXPECT_EQ(events_[0].type, Type::kInvalidated);
  EXPECT_EQ(events_[1].type, Type::kAlreadyInvalidated);
}

TEST_F(StaleGuardTest, FleetLeavesAServerAloneThatWasRestarted) {
  const auto clients = MakeClients(StaleGuard::kFleet);
  const auto client = clients->Take();
  const std::string key = KeysOfA(*clients, 1)[0];
  ASSERT_TRUE(client->Set(key, "old").ok());
  TakeAOut(*client, key);
  a_.Kill();
  std::this_thread::sleep_for(milliseconds(4500));
  a_.Restart();
  BringABack(*client);
  ASSERT_EQ(events_.size(), 1u);
  EXPECT_EQ(events_[0].type, Type::kRestarted);
}

TEST_F(StaleGuardTest, AServerThatCannotBeEmptiedStaysOutAndSaysWhy) {
  MemcachedServer stubborn({}, {"-F"});
  pool_ = PoolOf({stubborn.address(), b_.address()}, kEjecting);
  const auto clients = MakeClients(StaleGuard::kFleet);
  const auto client = clients->Take();
  const std::string key = KeysOfA(*clients, 1)[0];
  ASSERT_TRUE(client->Set(key, "old").ok());
  stubborn.Stop();
  EXPECT_FALSE(client->Get(key).ok());
  stubborn.Continue();
  const auto end = Clock::now() + milliseconds(1500);
  while (Clock::now() < end) {
    const auto value = client->Get(key);
    if (value.ok()) {
      EXPECT_FALSE(*value);
    }
    std::this_thread::sleep_for(milliseconds(10));
  }
  ASSERT_FALSE(events_.empty());
  EXPECT_EQ(events_[0].type, Type::kFailed);
  EXPECT_NE(events_[0].message.find("flush_all"), std::string::npos) << events_[0].message;
}

// Several processes write and read while servers are stopped and continued, restarted, or cut off.
struct OutageCounts {
  std::map<std::string, std::uint64_t> sums;
};

OutageCounts PlayOutages(StaleGuard level, int outages) {
  constexpr int kServers = 3;
  constexpr int kProcesses = 3;
  const testing::TempDir dir;
  std::vector<std::unique_ptr<MemcachedServer>> servers;
  std::vector<testing::PoolServer> listed;
  for (int i = 0; i < kServers; ++i) {
    servers.push_back(std::make_unique<MemcachedServer>());
    listed.push_back({servers.back()->address(), "s" + std::to_string(i)});
  }
  const std::string yaml =
      dir.Write("pool.yml", testing::MakePool("pool", "127.0.0.1:1", kEjecting, listed));
  const int time = 2 + outages * 9 / 10;
  std::vector<std::unique_ptr<testing::Process>> workers;
  for (int i = 0; i < kProcesses; ++i) {
    workers.push_back(std::make_unique<testing::Process>(
        std::vector<std::string>{SHARDCACHE_OUTAGE_WORKER, yaml,
                                 std::to_string(static_cast<int>(level)),
                                 "process" + std::to_string(i), std::to_string(time),
                                 std::to_string(testing::Seed() + static_cast<unsigned>(i))},
        dir.File("log" + std::to_string(i))));
  }
  testing::Random random(testing::Seed());
  std::this_thread::sleep_for(milliseconds(400));
  for (int i = 0; i < outages; ++i) {
    MemcachedServer& server = *servers[random.Below(kServers)];
    server.Stop();
    std::this_thread::sleep_for(milliseconds(random.Between(150, 500)));
    if (random.Chance(0.1)) {
      server.Restart();
    } else {
      server.Continue();
    }
    std::this_thread::sleep_for(milliseconds(random.Between(50, 450)));
  }
  OutageCounts counts;
  for (int i = 0; i < kProcesses; ++i) {
    EXPECT_EQ(workers[static_cast<std::size_t>(i)]->Wait(seconds(time + 60)), 0);
    std::ifstream log(dir.File("log" + std::to_string(i)));
    std::string name;
    std::uint64_t number = 0;
    while (log >> name >> number) counts.sums[name] += number;
  }
  std::printf("level %d:", static_cast<int>(level));
  for (const auto& [name, number] : counts.sums) {
    std::printf(" %s %llu", name.c_str(), static_cast<unsigned long long>(number));
  }
  std::printf("\n");
  return counts;
}

// SHARDCACHE_TEST_EFFORT multiplies the outages; 40 plays over 1,000.
int Outages() {
  const char* const effort = std::getenv("SHARDCACHE_TEST_EFFORT");
  return 25 * std::max(1, effort == nullptr ? 1 : std::atoi(effort));
}

TEST(OutagesTest, WithoutAGuardStaleValuesAreRead) {
  auto counts = PlayOutages(StaleGuard::kOff, Outages());
  EXPECT_GT(counts.sums["older_than_own_write"], 0u);
  EXPECT_GT(counts.sums["held_before_ejection"], 0u);
}

TEST(OutagesTest, ExactReadsNothingOlderThanItsOwnWrites) {
  auto counts = PlayOutages(StaleGuard::kExact, Outages());
  EXPECT_EQ(counts.sums["older_than_own_write"], 0u) << "SHARDCACHE_SEED=" << testing::Seed();
  EXPECT_GT(counts.sums["ejections"], 20u);
  EXPECT_GT(counts.sums["hits"], 1000u);
}

TEST(OutagesTest, FleetReadsNothingFromBeforeAnEjection) {
  auto counts = PlayOutages(StaleGuard::kFleet, Outages());
  EXPECT_EQ(counts.sums["held_before_ejection"], 0u) << "SHARDCACHE_SEED=" << testing::Seed();
  EXPECT_GT(counts.sums["ejections"], 20u);
  EXPECT_GT(counts.sums["hits"], 1000u);
}

}  // namespace
}  // namespace shardcache
