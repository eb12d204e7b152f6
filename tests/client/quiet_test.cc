// Sets of a batch are only answered if they are refused; each has its true result all the same.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shardcache/client.h"
#include "tests/client/fault_proxy.h"
#include "tests/client/pool.h"
#include "tests/client/results.h"
#include "tests/harness/memcached_server.h"
#include "tests/harness/random.h"

namespace shardcache {
namespace {

using testing::FailuresOf;
using testing::FaultProxy;
using testing::MemcachedServer;
using testing::Must;
using testing::PoolOf;

class QuietTest : public ::testing::Test {
 protected:
  explicit QuietTest(const std::vector<std::string>& arguments = {})
      : server_("", arguments),
        proxy_(server_.address()),
        client_(*Client::Create(PoolOf({proxy_.address()}, {"timeout: 2000"}))) {
    for (int i = 0; i < 700; ++i) keys_.push_back("key:" + std::to_string(i));
  }

  // All keys set to values of that text.
  std::vector<Operation> Sets(std::string_view value) const {
    std::vector<Operation> sets;
    for (const std::string& key : keys_) {
      sets.push_back({.command = Command::kSet, .key = key, .value = value, .flags = 3});
    }
    return sets;
  }

  // Whether the server has what the set says.
  bool Has(const Operation& set) {
    Client direct = *Client::Create(PoolOf({server_.address()}, {"timeout: 2000"}));
    const auto value = *direct.Get(set.key);
    return value && *value == Value{.data = std::string(set.value), .flags = set.flags};
  }

  MemcachedServer server_;
  FaultProxy proxy_;
  Client client_;
  std::vector<std::string> keys_;
};

TEST_F(QuietTest, AServerSaysLittleAndEachSetHasItsResult) {
  ASSERT_TRUE(client_.Get("other").ok());
  std::size_t bytes = 0;
  proxy_.SetFault({.change = [&](const std::string& answer) {
    bytes += answer.size();
    return answer;
  }});
  auto batch = Sets("value");
  const std::string large(2000, 'x');
  batch[100].value = large;
  batch[101] = {.command = Command::kGet, .key = keys_[100]};
  batch[102] = {.command = Command::kAdd, .key = keys_[100], .value = "other"};
  const auto replies = client_.Execute(batch);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const Outcome expected = i == 101   ? Outcome::kHit
                             : i == 102 ? Outcome::kNotStored
                                        : Outcome::kStored;
    EXPECT_EQ(Must(replies[i]).outcome, expected) << i;
    if (expected == Outcome::kStored) {
      EXPECT_TRUE(Has(batch[i])) << i;
    }
  }
  EXPECT_EQ(replies[101]->value.data, large);
  EXPECT_LT(bytes, large.size() + 500);
  EXPECT_EQ(FailuresOf(client_), 0u);
}

TEST_F(QuietTest, AnAnswerSentTwiceSaysNothingOfSets) {
  std::string last;
  proxy_.SetFault({.change = [&last](const std::string& answer) { return last = answer; }});
  ASSERT_TRUE(client_.Get("other").ok());
  for (const auto& reply : client_.Execute(Sets("old"))) ASSERT_TRUE(reply.ok());
  proxy_.SetFault({.change = [&last](const std::string& answer) { return last + answer; }});
  for (const auto& reply : client_.Execute(Sets("new"))) {
    ASSERT_FALSE(reply.ok());
    EXPECT_EQ(reply.error().code, ErrorCode::kProtocol);
    EXPECT_TRUE(reply.error().maybe_applied);
  }
}

TEST_F(QuietTest, WhoWasRefusedIsFoundOut) {
  for (const std::string refusal : {"SERVER_ERROR out of memory storing object\r\n", "ERROR\r\n",
                                    "CLIENT_ERROR bad data chunk\r\n"}) {
    proxy_.Heal();
    ASSERT_TRUE(client_.Get("other").ok());
    // Somebody was, it seems; but each value can be read.
    proxy_.SetFault({.change = [&, first = true](const std::string& answer) mutable {
      return std::exchange(first, false) ? refusal + answer : answer;
    }});
    const std::string value = "value after " + refusal.substr(0, 5);
    const auto sets = Sets(value);
    const auto replies = client_.Execute(sets);
    const bool closes = !refusal.starts_with("SERVER");  // what comes behind is not to be trusted
    std::size_t stored = 0;
    for (std::size_t i = 0; i < sets.size(); ++i) {
      if (replies[i].ok()) {
        ++stored;
        EXPECT_EQ(replies[i]->outcome, Outcome::kStored);
        EXPECT_TRUE(Has(sets[i]));
      } else {
        EXPECT_TRUE(closes) << replies[i].error().message;
        EXPECT_TRUE(replies[i].error().maybe_applied) << replies[i].error().message;
      }
    }
    EXPECT_EQ(stored, closes ? 255u : sets.size());
  }
}

TEST_F(QuietTest, MoreRefusalsThanSetsAreNonsense) {
  ASSERT_TRUE(client_.Get("other").ok());
  proxy_.SetFault({.change = [](const std::string& answer) {
    std::string refusals;
    for (int i = 0; i < 256; ++i) refusals += "SERVER_ERROR out of memory storing object\r\n";
    return refusals + answer;
  }});
  for (const auto& reply : client_.Execute(Sets("value"))) {
    ASSERT_FALSE(reply.ok());
    EXPECT_EQ(reply.error().code, ErrorCode::kProtocol);
  }
}

TEST_F(QuietTest, OfAServerThatFallsSilentNothingIsKnown) {
  client_ = *Client::Create(PoolOf({proxy_.address()}, {"timeout: 150"}));
  ASSERT_TRUE(client_.Get("other").ok());
  proxy_.SetFault({.swallow = true});
  for (const auto& reply : client_.Execute(Sets("value"))) {
    ASSERT_FALSE(reply.ok());
    EXPECT_EQ(reply.error().code, ErrorCode::kTimeout);
    EXPECT_TRUE(reply.error().maybe_applied);
  }
  EXPECT_EQ(FailuresOf(client_), 1u);
}

// A memcached that evicts nothing, with room for some.
class FullServerTest : public QuietTest {
 protected:
  FullServerTest() : QuietTest({"-M", "-m", "2"}) {}
};

TEST_F(FullServerTest, EachSetIsSaidToBeStoredIfAndOnlyIfItIs) {
  ASSERT_TRUE(client_.Get("other").ok());
  testing::Random random(testing::Seed());
  std::size_t stored = 0;
  std::size_t refused = 0;
  std::size_t mixed = 0;
  for (int round = 0; round < 60; ++round) {
    std::vector<std::string> values;
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      values.push_back(std::string(random.Between(1, 500), static_cast<char>('a' + round % 26)));
      keys_[i] = "key:" + std::to_string(random.Below(12000));
    }
    auto sets = Sets("");
    for (std::size_t i = 0; i < sets.size(); ++i) sets[i].value = values[i];
    const auto replies = client_.Execute(sets);
    std::map<std::string_view, std::size_t> last;  // of the sets of a key
    for (std::size_t i = 0; i < sets.size(); ++i) last[sets[i].key] = i;
    const std::size_t refused_before = refused;
    for (const auto& [key, i] : last) {
      const bool has = Has(sets[i]);
      if (replies[i].ok()) {
        ++stored;
        EXPECT_TRUE(has);
      } else {
        ++refused;
        EXPECT_FALSE(has);
        EXPECT_EQ(replies[i].error().code, ErrorCode::kRefusedByServer);
        EXPECT_NE(replies[i].error().message.find("out of memory"), std::string::npos);
      }
    }
    const std::size_t now = refused - refused_before;
    mixed += now > 0 && now < last.size();
  }
  std::printf("%zu stored, %zu refused, %zu batches of both\n", stored, refused, mixed);
  EXPECT_GT(stored, 1000u);
  EXPECT_GT(refused, 200u);
  EXPECT_GT(mixed, 5u);
}

}  // namespace
}  // namespace shardcache
