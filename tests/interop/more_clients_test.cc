// The models of clients in Python, Perl and Ruby beside the clients.
#include <gtest/gtest.h>

#include "tests/harness/echo_backends.h"
#include "tests/harness/network.h"
#include "tests/interop/driver.h"
#include "tests/interop/random_setup.h"

namespace shardcache::testing {
namespace {

constexpr std::size_t kKeys = 10000;
constexpr int kSetups = 20;

using Options = std::vector<ClientOption>;

struct Client {
  std::string name;
  std::string program;
  std::string driver;
  RandomSetup::ServerKinds servers;
  bool text_keys = false;  // UTF-8, else any bytes
};

// Setups of `client`, each with one of `variants`, in as many runs of the driver as keep the
// longest within its time on a busy machine.
void CompareSetups(RandomSetup& random, const Client& client, const std::vector<Options>& variants,
                   std::size_t longest_key = 250) {
  constexpr int kRuns = 4;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<Question> questions;
    std::vector<nlohmann::json> lines;
    for (int i = 0; i < kSetups / kRuns; ++i) {
      Question question{
          {client.name, random.Servers(client.servers), random.Pick(variants), CharSign::kSigned},
          {}};
      question.keys = client.text_keys ? random.Utf8Keys(kKeys, longest_key) : random.Keys(kKeys);
      lines.push_back(ToJson(question));
      questions.push_back(std::move(question));
    }
    const std::vector<nlohmann::json> answers = AskDriver(client.program, client.driver, lines);
    for (std::size_t i = 0; i < questions.size(); ++i) ExpectSamePlaces(questions[i], answers[i]);
  }
}

TEST(PymemcacheTest, PlacesEveryKeyAsPymemcacheDoes) {
  RandomSetup random(41);
  // Its murmur3 is in Python, and runs for each server and key: few servers and short keys, or it
  // takes minutes.
  constexpr std::size_t kLongestKey = 30;
  CompareSetups(
      random,
      {"pymemcache", "/usr/bin/python3", "python_clients.py", {.sockets = false, .most = 4}, true},
      {{}, {{"key_type", "bytes"}}}, kLongestKey);
}

TEST(PythonMemcachedTest, PlacesEveryKeyAsPythonMemcachedDoes) {
  RandomSetup random(42);
  CompareSetups(random,
                {"python-memcached", "/usr/bin/python3", "python_clients.py", {.sockets = false}},
                {{}, {}, {{"useOldServerHashFunction", "1"}}});
}

TEST(UhashringTest, PlacesEveryKeyAsUhashringDoes) {
  RandomSetup random(43);
  // Its own ring has 160 points for each unit of weight.
  CompareSetups(random,
                {"uhashring",
                 "/usr/bin/python3",
                 "python_clients.py",
                 {.sockets = false, .most_weight = 20},
                 true},
                {{{"hash_fn", "ketama"}},
                 {{"hash_fn", "ketama"}},
                 {{"hash_fn", "ketama"}, {"vnodes", "7"}},
                 {},
                 {{"vnodes", "50"}}});
}

TEST(CacheMemcachedTest, PlacesEveryKeyAsCacheMemcachedDoes) {
  RandomSetup random(44);
  CompareSetups(random, {"cache-memcached", "perl", "perl_clients.pl", {.sockets = false}},
                {{}, {{"namespace", "app:"}}});
}

TEST(DalliTest, PlacesEveryKeyAsDalliDoes) {
  RandomSetup random(45);
  CompareSetups(random, {"dalli", "ruby", "dalli.rb", {.sockets = false}},
                {{}, {{"namespace", "app"}}});
}

TEST(CacheMemcachedFastTest, GetsEveryKeyFromTheServerOfTheModel) {
  RandomSetup random(46);
  EchoBackends backends;
  for (int i = 0; i < kSetups; ++i) {
    Question question{{"cache-memcached-fast", {}, {}, CharSign::kSigned}, {}};
    const std::uint64_t count = 1 + random.Below(30);
    const bool weighted = random.Chance(0.5);
    for (std::uint64_t n = 1; n <= count; ++n) {
      Server server;
      server.host = LoopbackHost(static_cast<std::uint64_t>(i), n);
      server.port = random.Chance(0.4) ? 11211 : FreePort();
      if (weighted) server.weight = static_cast<std::uint32_t>(1 + random.Below(8));
      backends.Add(server.address(), server.address());
      question.setup.servers.push_back(server);
    }
    if (random.Chance(0.6)) {
      question.setup.options.push_back({"ketama_points", std::to_string(1 + random.Below(200))});
    }
    if (random.Chance(0.4)) question.setup.options.push_back({"namespace", "app:"});
    if (random.Chance(0.3)) question.setup.options.push_back({"hash_namespace", "1"});
    while (question.keys.size() < kKeys) {
      question.keys.push_back(random.Random::Key().substr(0, 100));
    }
    const std::vector<nlohmann::json> lines = {ToJson(question)};
    ExpectSamePlaces(question, AskDriver("perl", "perl_clients.pl", lines)[0]);
  }
}

}  // namespace
}  // namespace shardcache::testing
