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

// A run of the driver for each setup: some take long on a busy machine.
void Ask(const std::string& program, const std::string& driver, const Question& question) {
  const std::vector<nlohmann::json> lines = {ToJson(question)};
  ExpectSamePlaces(question, AskDriver(program, driver, lines)[0]);
}

// `kSetups` setups of `client`, each with one of `variants`, asked of `driver`.
void CompareSetups(RandomSetup& random, const std::string& client, const std::string& program,
                   const std::string& driver, const std::vector<Options>& variants,
                   const RandomSetup::ServerKinds& kinds, bool utf8) {
  for (int i = 0; i < kSetups; ++i) {
    Ask(program, driver,
        {{client, random.Servers(kinds), random.Pick(variants), CharSign::kSigned},
         utf8 ? random.Utf8Keys(kKeys) : random.Keys(kKeys)});
  }
}

TEST(PymemcacheTest, PlacesEveryKeyAsPymemcacheDoes) {
  RandomSetup random(41);
  // Its murmur3 is in Python: few servers, or it takes long.
  CompareSetups(random, "pymemcache", "/usr/bin/python3", "python_clients.py",
                {{}, {{"key_type", "bytes"}}}, {.sockets = false, .most = 4}, true);
}

TEST(PythonMemcachedTest, PlacesEveryKeyAsPythonMemcachedDoes) {
  RandomSetup random(42);
  CompareSetups(random, "python-memcached", "/usr/bin/python3", "python_clients.py",
                {{}, {}, {{"useOldServerHashFunction", "1"}}}, {.sockets = false}, false);
}

TEST(UhashringTest, PlacesEveryKeyAsUhashringDoes) {
  RandomSetup random(43);
  CompareSetups(random, "uhashring", "/usr/bin/python3", "python_clients.py",
                {{{"hash_fn", "ketama"}},
                 {{"hash_fn", "ketama"}},
                 {{"hash_fn", "ketama"}, {"vnodes", "7"}},
                 {},
                 {{"vnodes", "50"}}},
                {.sockets = false}, true);
}

TEST(CacheMemcachedTest, PlacesEveryKeyAsCacheMemcachedDoes) {
  RandomSetup random(44);
  CompareSetups(random, "cache-memcached", "perl", "perl_clients.pl", {{}, {{"namespace", "app:"}}},
                {.sockets = false}, false);
}

TEST(DalliTest, PlacesEveryKeyAsDalliDoes) {
  RandomSetup random(45);
  CompareSetups(random, "dalli", "ruby", "dalli.rb", {{}, {{"namespace", "app"}}},
                {.sockets = false}, false);
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
    Ask("perl", "perl_clients.pl", question);
  }
}

}  // namespace
}  // namespace shardcache::testing
