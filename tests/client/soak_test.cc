// Many operations with faults injected at random, against a model of what may be read.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "shardcache/client.h"
#include "tests/client/fault_proxy.h"
#include "tests/client/pool.h"
#include "tests/harness/memcached_server.h"
#include "tests/harness/random.h"

namespace shardcache {
namespace {

using std::chrono::milliseconds;
using testing::Fault;
using testing::FaultProxy;
using testing::MemcachedServer;
using Then = testing::Fault::Then;

// What a key may hold.
class KeyModel {
 public:
  using Content = std::optional<std::string>;  // absent: no such key

  bool MayBe(const Content& content) const {
    return content == latest_ || std::any_of(maybe_.begin(), maybe_.end(),
                                             [&](const Doubt& d) { return d.content == content; });
  }
  bool MayHoldSomething() const {
    return latest_ || std::any_of(maybe_.begin(), maybe_.end(),
                                  [](const Doubt& d) { return d.content.has_value(); });
  }

  void Became(Content content) {
    // A request that was given up can take effect a little later, but not for ever.
    const auto now = Clock::now();
    std::erase_if(maybe_, [&](const Doubt& d) { return now - d.when > milliseconds(3000); });
    // What was certain until now is what a late deletion may end, and no late write brings back.
    latest_ = std::move(content);
  }
  void MayBecome(Content content) { maybe_.push_back({std::move(content), Clock::now()}); }

 private:
  struct Doubt {
    Content content;
    Clock::time_point when;
  };
  Content latest_;
  std::vector<Doubt> maybe_;
};

class Soak {
 public:
  Soak(std::uint64_t seed, testing::Numbers numbers) : random_(seed) {
    std::vector<std::string> addresses;
    for (int i = 0; i < 3; ++i) {
      servers_.push_back(std::make_unique<MemcachedServer>());
      proxies_.push_back(std::make_unique<FaultProxy>(servers_.back()->address(), numbers));
      addresses.push_back(proxies_.back()->address());
    }
    client_ =
        std::make_unique<Client>(*Client::Create(testing::PoolOf(addresses, {"timeout: 40"})));
  }

  void Play(std::uint64_t operations) {
    while (done_ < operations && wrong_.empty()) {
      if (random_.Chance(0.03)) ChangeAFault();
      const bool alone = std::find(shifts_.begin(), shifts_.end(), true) != shifts_.end();
      const std::size_t size = alone || random_.Chance(0.1) ? 1 : random_.Between(2, 60);
      if (random_.Chance(0.4)) {
        ReadMany(size);
      } else {
        Batch(size);
      }
    }
  }

  std::uint64_t done() const { return done_; }
  std::uint64_t errors() const { return errors_; }
  std::uint64_t hits() const { return hits_; }
  int spoiled() const {
    int sum = 0;
    for (const auto& proxy : proxies_) sum += proxy->spoiled();
    return sum;
  }
  const std::string& wrong() const { return wrong_; }

 private:
  std::string Key() { return "key:" + std::to_string(random_.Below(400)); }

  void ChangeAFault() {
    const std::size_t chosen = random_.Below(proxies_.size());
    FaultProxy& proxy = *proxies_[chosen];
    const auto half = [](const std::string& a) { return a.substr(0, a.size() / 2); };
    const auto twice = [](const std::string& a) { return a + a; };
    const auto garbage = [](const std::string&) { return std::string("\xff\r\n garbage"); };
    const auto refused = [](const std::string&) {
      return std::string("SERVER_ERROR out of memory storing object\r\n");
    };
    const auto other = [](std::string a) {
      const std::size_t at = a.find("VALUE key:");
      if (at != std::string::npos) a[at + 10] = 'x';
      return a;
    };
    std::vector<Fault> faults = {
        {.one_in = 0},
        {.change = half, .then = Then::kClose},
        {.change = half, .then = Then::kReset},
        {.change = half, .then = Then::kHang},
        {.change = twice},
        {.change = garbage},
        {.change = refused},
        {.change = other},
        {.then = Then::kClose},
        {.each_byte = milliseconds(2)},
        {.swallow = true},
        {.refuse = true},
    };
    const std::size_t kind = random_.Below(faults.size());
    // An answer too many or too few among pipelined ones gives each of them to its neighbour, which
    // the protocol has nothing against but that values name their keys.
    shifts_[chosen] = kind == 4 || kind == 6;
    Fault fault = faults[kind];
    const bool waits = kind == 3 || kind == 9 || kind == 10;  // each of these costs a timeout
    if (kind != 0)
      fault.one_in = static_cast<int>(waits ? random_.Between(50, 200) : random_.Between(2, 30));
    proxy.SetFault(fault);
    if (random_.Chance(0.2)) proxy.CloseAll();
  }

  void Check(const std::string& key, const KeyModel::Content& content) {
    if (keys_[key].MayBe(content) || !wrong_.empty()) return;
    wrong_ = key + " gave " + (content ? "'" + *content + "'" : std::string("a miss")) + " after " +
             std::to_string(done_) + " operations";
  }

  void ReadMany(std::size_t size) {
    std::vector<std::string> keys;
    while (keys.size() < size) keys.push_back(Key());
    const std::vector<std::string_view> asked(keys.begin(), keys.end());
    const auto results = client_->GetMany(asked);
    for (std::size_t i = 0; i < size; ++i) {
      ++done_;
      errors_ += !results[i].ok();
      if (!results[i].ok()) continue;
      hits_ += results[i]->has_value();
      Check(keys[i], *results[i] ? KeyModel::Content((*results[i])->data) : std::nullopt);
    }
  }

  void Batch(std::size_t size) {
    std::vector<std::string> keys;
    std::vector<std::string> values;
    while (keys.size() < size) {
      keys.push_back(Key());
      values.push_back(keys.back() + " number " + std::to_string(++number_) +
                       std::string(random_.Below(50), 'x'));
    }
    const std::vector<Command> commands = {Command::kGet, Command::kSet,     Command::kSet,
                                           Command::kAdd, Command::kReplace, Command::kDelete};
    std::vector<Operation> batch;
    for (std::size_t i = 0; i < size; ++i) {
      batch.push_back({.command = random_.Pick(commands), .key = keys[i], .value = values[i]});
    }
    const auto replies = client_->Execute(batch);
    for (std::size_t i = 0; i < size; ++i) {
      ++done_;
      errors_ += !replies[i].ok();
      if (replies[i].ok()) {
        Believe(batch[i], *replies[i], keys[i], values[i]);
      } else if (replies[i].error().maybe_applied ||
                 replies[i].error().code == ErrorCode::kRefusedByServer) {
        // The refusals here are made up: the server may well have done it.
        const bool deletes = batch[i].command == Command::kDelete;
        if (batch[i].command != Command::kGet) {
          keys_[keys[i]].MayBecome(deletes ? KeyModel::Content() : values[i]);
        }
      }
    }
  }

  void Believe(const Operation& operation, const Reply& reply, const std::string& key,
               const std::string& value) {
    KeyModel& model = keys_[key];
    switch (reply.outcome) {
      case Outcome::kHit:
        ++hits_;
        return Check(key, reply.value.data);
      case Outcome::kMiss:
        Check(key, std::nullopt);
        if (operation.command == Command::kDelete) model.Became(std::nullopt);
        return;
      case Outcome::kStored:
        if (operation.command == Command::kAdd) Check(key, std::nullopt);
        if (operation.command == Command::kReplace && !model.MayHoldSomething()) {
          wrong_ = "replaced nothing: " + key;
        }
        return model.Became(value);
      case Outcome::kNotStored:
        if (operation.command == Command::kReplace) return Check(key, std::nullopt);
        if (!model.MayHoldSomething()) wrong_ = "not added where nothing is: " + key;
        return;
      case Outcome::kDeleted:
        if (!model.MayHoldSomething()) wrong_ = "deleted nothing: " + key;
        return model.Became(std::nullopt);
      default:
        wrong_ = "an outcome of another command: " + std::string(OutcomeName(reply.outcome));
    }
  }

  testing::Random random_;
  std::vector<std::unique_ptr<MemcachedServer>> servers_;
  std::vector<std::unique_ptr<FaultProxy>> proxies_;
  std::unique_ptr<Client> client_;
  std::array<bool, 3> shifts_{};  // which servers answer too much or too little
  std::map<std::string, KeyModel> keys_;
  std::uint64_t number_ = 0;
  std::uint64_t done_ = 0;
  std::uint64_t errors_ = 0;
  std::uint64_t hits_ = 0;
  std::string wrong_;
};

// SHARDCACHE_TEST_EFFORT=50 plays 10 million.
class SoakTest : public ::testing::TestWithParam<testing::Numbers> {};

TEST_P(SoakTest, NoWrongValueEver) {
  const char* const effort = std::getenv("SHARDCACHE_TEST_EFFORT");
  const int times = std::max(1, effort == nullptr ? 1 : std::atoi(effort));
  Soak soak(testing::Seed(), GetParam());
  soak.Play(100000 * static_cast<std::uint64_t>(times));
  EXPECT_EQ(soak.wrong(), "") << "SHARDCACHE_SEED=" << testing::Seed();
  std::printf("%llu operations, %llu hits, %llu errors, %d answers spoiled\n",
              static_cast<unsigned long long>(soak.done()),
              static_cast<unsigned long long>(soak.hits()),
              static_cast<unsigned long long>(soak.errors()), soak.spoiled());
  EXPECT_GT(soak.spoiled(), 100);
  EXPECT_GT(soak.hits(), soak.done() / 20);
}

INSTANTIATE_TEST_SUITE_P(, SoakTest,
                         ::testing::Values(testing::Numbers::kYes, testing::Numbers::kError),
                         testing::NameOfNumbers);

}  // namespace
}  // namespace shardcache
