// The models of clients in JavaScript and Java beside the clients, whose installation is large.
#include <gtest/gtest.h>

#include "tests/interop/driver.h"
#include "tests/interop/random_setup.h"

namespace shardcache::testing {
namespace {

constexpr int kSetups = 24;

using Options = std::vector<ClientOption>;

// Of each of `variants` as many setups as of the others; all in one run of the driver.
void CompareSetups(RandomSetup& random, const std::string& client,
                   const std::vector<std::string>& command, const std::vector<Options>& variants,
                   const RandomSetup::ServerKinds& kinds) {
  std::vector<Question> questions;
  std::vector<nlohmann::json> lines;
  for (std::size_t i = 0; i < std::max<std::size_t>(kSetups, variants.size()); ++i) {
    questions.push_back(
        {{client, random.Servers(kinds), variants[i % variants.size()], CharSign::kSigned},
         random.Utf8Keys(10000)});
    lines.push_back(ToJson(questions.back()));
  }
  const std::vector<nlohmann::json> answers = AskDriver(command, lines);
  for (std::size_t i = 0; i < questions.size(); ++i) ExpectSamePlaces(questions[i], answers[i]);
}

const std::vector<std::string> kNode = {"node", DriverPath("node_clients.js")};

TEST(NodeMemcachedTest, PlacesEveryKeyAsMemcachedDoes) {
  RandomSetup random(51);
  CompareSetups(random, "node-memcached", kNode,
                {{},
                 {{"namespace", "app:"}},
                 {{"compatibility", "hash_ring"}},
                 {{"compatibility", "none"}, {"namespace", "a:"}}},
                {.sockets = false});
}

TEST(NodeHashringTest, PlacesEveryKeyAsHashringDoes) {
  RandomSetup random(52);
  CompareSetups(random, "node-hashring", kNode,
                {{},
                 {{"default port", "11211"}},
                 {{"compatibility", "hash_ring"}, {"replicas", "1"}},
                 {{"compatibility", "ketama"}, {"vnode count", "7"}},
                 {{"replicas", "2"}, {"vnode count", "100"}},
                 {{"algorithm", "md5"}}},
                {.sockets = false});
}

TEST(MemjsTest, PlacesEveryKeyAsMemjsDoes) {
  RandomSetup random(53);
  CompareSetups(random, "memjs", kNode, {{}}, {.sockets = false});
}

TEST(SpymemcachedTest, PlacesEveryKeyAsSpymemcachedDoes) {
  RandomSetup random(54);
  const std::vector<std::string> java = {"java", "-Xshare:auto", "-cp",
                                         "/usr/share/java/spymemcached.jar",
                                         DriverPath("Spymemcached.java")};
  std::vector<Options> named;
  std::vector<Options> numbered;
  for (const char* hash : {"KETAMA_HASH", "CRC_HASH", "FNV1_64_HASH", "FNV1A_64_HASH",
                           "FNV1_32_HASH", "FNV1A_32_HASH", "NATIVE_HASH"}) {
    for (const char* weights : {"true", "false"}) {
      numbered.push_back({{"hashAlg", hash}, {"weights", weights}});
      named.push_back({{"format", "LIBMEMCACHED"}, {"hashAlg", hash}, {"weights", weights}});
    }
    named.push_back({{"locator", "ARRAY_MOD"}, {"hashAlg", hash}});
  }
  numbered.emplace_back();
  CompareSetups(random, "spymemcached", java, named, {.sockets = false});
  CompareSetups(random, "spymemcached", java, numbered, {.names = false, .sockets = false});
}

}  // namespace
}  // namespace shardcache::testing
