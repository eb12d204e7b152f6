// An application that goes half through a real nutcracker and half through Client, while servers
// hang, die and return: each finds the keys where the other put them.
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "shardcache/client.h"
#include "tests/client/pool.h"
#include "tests/harness/memcached_server.h"
#include "tests/harness/nutcracker.h"
#include "tests/harness/random.h"
#include "tests/harness/text_client.h"

namespace shardcache {
namespace {

using std::chrono::milliseconds;
using testing::MemcachedServer;
using testing::Status;

constexpr milliseconds kRetry(2500);

class Lockstep {
 public:
  Lockstep(int servers, int limit, const std::string& distribution) : limit_(limit) {
    for (int i = 0; i < servers; ++i) {
      servers_.push_back(std::make_unique<MemcachedServer>());
      listed_.push_back({servers_.back()->address(), "s" + std::to_string(i)});
    }
    const std::vector<std::string> settings = {
        "auto_eject_hosts: true", "timeout: 200", "distribution: " + distribution,
        "server_failure_limit: " + std::to_string(limit),
        "server_retry_timeout: " + std::to_string(kRetry.count())};
    const std::string listen = testing::Loopback(testing::FreePort());
    const std::string yaml = testing::MakePool("pool", listen, settings, listed_);
    proxy_ = std::make_unique<testing::Nutcracker>(yaml, std::vector<std::string>{listen});
    through_ = std::make_unique<testing::TextClient>(listen);
    client_ = std::make_unique<Client>(*Client::Create(ParsePools(yaml, "pool.yml")->front()));
  }

  // One server fails, both sides notice, and then agree on every key; it returns, and both agree.
  void Round() {
    const auto victim = static_cast<ServerIndex>(random_.Below(servers_.size()));
    const bool dies = random_.Chance(0.5);
    Compare(100);
    std::string key;
    do {
      key = random_.Key();
    } while (client_->router().Snapshot()->placement.Locate(key) != victim);
    if (dies) {
      Server(victim).Kill();
      std::this_thread::sleep_for(milliseconds(60));
      client_->CheckIdle();  // the proxy has noticed that its connection was closed
    } else {
      Server(victim).Stop();
    }
    // Each sends requests there until it is out: as many on both sides.
    int failed_there = 0;
    int failed_here = 0;
    while (through_->Get(key).status != Status::kMiss && failed_there < 10) {
      ++failed_there;
      if (!through_->connected()) through_->Reconnect();
    }
    while (!client_->Get(key).ok() && failed_here < 10) ++failed_here;
    EXPECT_EQ(failed_here, failed_there) << (dies ? "died" : "stopped");
    EXPECT_EQ(failed_here, dies ? limit_ - 1 : limit_);
    Compare(100);
    if (dies) {
      Server(victim).Restart();
    } else {
      Server(victim).Continue();
    }
    std::this_thread::sleep_for(kRetry + milliseconds(100));
    Compare(100);
  }

  int compared() const { return compared_; }

 private:
  MemcachedServer& Server(ServerIndex index) {
    const auto snapshot = client_->router().Snapshot();
    return *servers_[static_cast<std::size_t>(
        std::stoi(snapshot->placement.server(index).name.substr(1)))];
  }

  void Compare(int keys) {
    for (int i = 0; i < keys; ++i) {
      const std::string key = random_.Key();
      const std::string value = "value " + std::to_string(++compared_);
      if (i % 2 == 0) {
        ASSERT_EQ(through_->Set(key, value).status, Status::kOk);
        const auto read = client_->Get(key);
        ASSERT_TRUE(read.ok()) << read.error().message;
        ASSERT_TRUE(*read) << key << " is not where the proxy put it";
        ASSERT_EQ((*read)->data, value);
      } else {
        ASSERT_TRUE(client_->Set(key, value).ok());
        const testing::Answer read = through_->Get(key);
        ASSERT_EQ(read.status, Status::kHit) << key << " is not where the client put it";
        ASSERT_EQ(read.text, value);
      }
    }
  }

  int limit_;
  testing::Random random_{testing::Seed()};
  std::vector<std::unique_ptr<MemcachedServer>> servers_;
  std::vector<testing::PoolServer> listed_;
  std::unique_ptr<testing::Nutcracker> proxy_;
  std::unique_ptr<testing::TextClient> through_;
  std::unique_ptr<Client> client_;
  int compared_ = 0;
};

TEST(ClientLockstepTest, KetamaOfFive) {
  Lockstep world(5, 2, "ketama");
  for (int i = 0; i < 4 && !::testing::Test::HasFailure(); ++i) world.Round();
  std::printf("%d keys compared\n", world.compared());
}

TEST(ClientLockstepTest, ModulaOfThreeThatEjectsAtOnce) {
  Lockstep world(3, 1, "modula");
  for (int i = 0; i < 3 && !::testing::Test::HasFailure(); ++i) world.Round();
  std::printf("%d keys compared\n", world.compared());
}

}  // namespace
}  // namespace shardcache
