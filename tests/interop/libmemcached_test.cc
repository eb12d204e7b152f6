// The models of libmemcached and pylibmc beside the library, and pylibmc itself.
#include <gtest/gtest.h>
#include <libmemcached/memcached.h>

#include <map>
#include <memory>

#include "tests/interop/driver.h"
#include "tests/interop/random_setup.h"

namespace shardcache::testing {
namespace {

constexpr std::size_t kKeys = 10000;

using Memc = std::unique_ptr<memcached_st, decltype(&memcached_free)>;

// The server that the library itself chooses for each key, "host:port".
nlohmann::json Owners(memcached_st* memc, const std::vector<std::string>& keys) {
  nlohmann::json owners = nlohmann::json::array();
  for (const std::string& key : keys) {
    const auto* server = memcached_server_instance_by_position(
        memc, memcached_generate_hash(memc, key.data(), key.size()));
    owners.push_back(std::string(memcached_server_name(server)) + ":" +
                     std::to_string(memcached_server_port(server)));
  }
  return owners;
}

struct Behavior {
  std::string name;
  memcached_behavior_t flag;
  std::vector<std::pair<std::string, std::uint64_t>> values;
};

const std::vector<Behavior>& Behaviors() {
  static const std::vector<Behavior> behaviors = {
      {"MEMCACHED_BEHAVIOR_HASH",
       MEMCACHED_BEHAVIOR_HASH,
       {{"MEMCACHED_HASH_DEFAULT", MEMCACHED_HASH_DEFAULT},
        {"MEMCACHED_HASH_MD5", MEMCACHED_HASH_MD5},
        {"MEMCACHED_HASH_CRC", MEMCACHED_HASH_CRC},
        {"MEMCACHED_HASH_FNV1_64", MEMCACHED_HASH_FNV1_64},
        {"MEMCACHED_HASH_FNV1A_64", MEMCACHED_HASH_FNV1A_64},
        {"MEMCACHED_HASH_FNV1_32", MEMCACHED_HASH_FNV1_32},
        {"MEMCACHED_HASH_FNV1A_32", MEMCACHED_HASH_FNV1A_32},
        {"MEMCACHED_HASH_HSIEH", MEMCACHED_HASH_HSIEH},
        {"MEMCACHED_HASH_MURMUR", MEMCACHED_HASH_MURMUR},
        {"MEMCACHED_HASH_JENKINS", MEMCACHED_HASH_JENKINS},
        {"MEMCACHED_HASH_MURMUR3", MEMCACHED_HASH_MURMUR3}}},
      {"MEMCACHED_BEHAVIOR_DISTRIBUTION",
       MEMCACHED_BEHAVIOR_DISTRIBUTION,
       {{"MEMCACHED_DISTRIBUTION_MODULA", MEMCACHED_DISTRIBUTION_MODULA},
        {"MEMCACHED_DISTRIBUTION_CONSISTENT", MEMCACHED_DISTRIBUTION_CONSISTENT},
        {"MEMCACHED_DISTRIBUTION_CONSISTENT_KETAMA", MEMCACHED_DISTRIBUTION_CONSISTENT_KETAMA},
        {"MEMCACHED_DISTRIBUTION_CONSISTENT_KETAMA_SPY",
         MEMCACHED_DISTRIBUTION_CONSISTENT_KETAMA_SPY},
        {"MEMCACHED_DISTRIBUTION_CONSISTENT_WEIGHTED", MEMCACHED_DISTRIBUTION_CONSISTENT_WEIGHTED},
        {"MEMCACHED_DISTRIBUTION_VIRTUAL_BUCKET", MEMCACHED_DISTRIBUTION_VIRTUAL_BUCKET}}},
      {"MEMCACHED_BEHAVIOR_KETAMA", MEMCACHED_BEHAVIOR_KETAMA, {{"true", 1}, {"false", 0}}},
      {"MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED",
       MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED,
       {{"true", 1}, {"1", 1}, {"false", 0}}},
      {"MEMCACHED_BEHAVIOR_KETAMA_HASH", MEMCACHED_BEHAVIOR_KETAMA_HASH, {{"MD5", 1}, {"CRC", 2}}},
      {"MEMCACHED_BEHAVIOR_SORT_HOSTS", MEMCACHED_BEHAVIOR_SORT_HOSTS, {{"true", 1}, {"off", 0}}},
      {"MEMCACHED_BEHAVIOR_HASH_WITH_PREFIX_KEY",
       MEMCACHED_BEHAVIOR_HASH_WITH_PREFIX_KEY,
       {{"true", 1}, {"0", 0}}},
      {"MEMCACHED_BEHAVIOR_BINARY_PROTOCOL",
       MEMCACHED_BEHAVIOR_BINARY_PROTOCOL,
       {{"true", 1}, {"0", 0}}},
  };
  return behaviors;
}

void SetRandomBehavior(RandomSetup& random, memcached_st* memc,
                       std::vector<ClientOption>& options) {
  if (random.Chance(0.1)) {
    const std::string prefix = random.Pick<std::string>(
        {"app:", "x", "two words", "", "\x80", std::string(127, 'p'), std::string(128, 'p')});
    memcached_callback_set(memc, MEMCACHED_CALLBACK_PREFIX_KEY, prefix.c_str());
    options.push_back({"MEMCACHED_CALLBACK_PREFIX_KEY", prefix});
    return;
  }
  const Behavior& behavior = random.Pick(Behaviors());
  const auto& [name, value] = random.Pick(behavior.values);
  memcached_behavior_set(memc, behavior.flag, value);
  options.push_back({behavior.name, name});
}

void AddServers(RandomSetup& random, memcached_st* memc, ClientSetup& setup) {
  if (random.Chance(0.5)) {
    setup.options.push_back({"addServer", ""});
    for (const Server& server : setup.servers) {
      if (server.is_unix()) {
        memcached_server_add_unix_socket_with_weight(memc, server.host.c_str(), server.weight);
      } else {
        memcached_server_add_with_weight(memc, server.host.c_str(), server.port, server.weight);
      }
    }
    return;
  }
  setup.options.push_back({"addServers", ""});
  memcached_server_list_st list = nullptr;
  memcached_return_t error = MEMCACHED_SUCCESS;
  for (const Server& server : setup.servers) {
    list = memcached_server_list_append_with_weight(list, server.host.c_str(), server.port,
                                                    server.weight, &error);
  }
  memcached_server_push(memc, list);
  memcached_server_list_free(list);
}

TEST(LibmemcachedTest, PlacesEveryKeyAsTheLibraryDoes) {
  RandomSetup random(11);
  for (int i = 0; i < 150; ++i) {
    const Memc memc(memcached_create(nullptr), memcached_free);
    Question question{{"libmemcached", random.Servers({}), {}, CharSign::kSigned},
                      random.Keys(kKeys)};
    for (std::uint64_t n = random.Below(5); n > 0; --n) {
      SetRandomBehavior(random, memc.get(), question.setup.options);
    }
    AddServers(random, memc.get(), question.setup);
    for (std::uint64_t n = random.Below(5); n > 0; --n) {
      SetRandomBehavior(random, memc.get(), question.setup.options);
    }
    ExpectSamePlaces(question, Owners(memc.get(), question.keys));
  }
}

std::string RandomOptionString(RandomSetup& random, const std::vector<Server>& servers) {
  std::vector<std::string> words;
  if (random.Chance(0.7)) {
    words.push_back(random.Pick<std::string>({"--DISTRIBUTION=CONSISTENT", "--DISTRIBUTION=modula",
                                              "--distribution=consistent,md5",
                                              "--DISTRIBUTION=CONSISTENT,CRC"}));
  }
  if (random.Chance(0.7)) {
    words.push_back("--HASH=" +
                    random.Pick<std::string>({"MD5", "CRC", "FNV1_64", "fnv1a_64", "FNV1_32",
                                              "FNV1A_32", "MURMUR", "JENKINS"}));
  }
  if (random.Chance(0.2)) words.emplace_back("--BINARY-PROTOCOL");
  if (random.Chance(0.3)) words.push_back("--NAMESPACE=\"app:\"");
  if (random.Chance(0.3)) words.emplace_back("--HASH-WITH-NAMESPACE");
  if (random.Chance(0.2)) words.emplace_back("--SORT-HOSTS");
  if (random.Chance(0.2)) words.emplace_back("--TCP-NODELAY");
  if (random.Chance(0.2)) words.emplace_back("--CONNECT-TIMEOUT=100");
  std::string text;
  const std::size_t early = random.Below(words.size() + 1);
  const auto add = [&](const std::string& word) { text += (text.empty() ? "" : " ") + word; };
  for (std::size_t i = 0; i < early; ++i) add(words[i]);
  for (const Server& server : servers) {
    std::string word =
        server.is_unix() ? "--SOCKET=\"" + server.host + "\"" : "--SERVER=" + server.host;
    if (!server.is_unix() && (server.port != 11211 || random.Chance(0.5))) {
      word += ":" + std::to_string(server.port);
    }
    if (server.weight != 1) word += "/?" + std::to_string(server.weight);
    add(word);
  }
  for (std::size_t i = early; i < words.size(); ++i) add(words[i]);
  return text;
}

TEST(LibmemcachedTest, ReadsOptionStringsAsTheLibraryDoes) {
  RandomSetup random(12);
  for (int i = 0; i < 100; ++i) {
    const std::vector<Server> servers = random.Servers({});
    const std::string text = RandomOptionString(random, servers);
    const Memc memc(memcached(text.data(), text.size()), memcached_free);
    ASSERT_NE(memc, nullptr) << text;
    const Question question{{"libmemcached", {}, {{"options", text}}, CharSign::kSigned},
                            random.Keys(kKeys)};
    ExpectSamePlaces(question, Owners(memc.get(), question.keys));
  }
}

TEST(LibmemcachedTest, RefusesTheOptionStringsThatTheLibraryRefuses) {
  for (const std::string text :
       {"--SERVER=a", "--SERVER=cache1 --HASH=MD5 --HASH=CRC", "--SERVER=cache1 --HASH=HSIEH",
        "--SERVER=cache1 --KETAMA-WEIGHTED", "--SERVER=cache1 --DISTRIBUTION=ketama",
        "--SERVER=cache1:port", "--SERVER=cache1 nonsense", "--SERVER=cache1 --SORT-HOSTS=1",
        "--SERVER=cache1 --NAMESPACE=\"a\" --NAMESPACE=\"b\"",
        "--SERVER=cache1 --NAMESPACE=\"a b\"", "--SERVER=cache1 --BINARY-PROTOCOL --VERIFY-KEY"}) {
    const Memc memc(memcached(text.data(), text.size()), memcached_free);
    EXPECT_EQ(memc, nullptr) << text;
    EXPECT_FALSE(ModelClient({"libmemcached", {}, {{"options", text}}, CharSign::kSigned}).ok())
        << text;
  }
}

ClientOption RandomPylibmcOption(RandomSetup& random) {
  switch (random.Below(8)) {
    case 0:
    case 1:
      return {"hash",
              random.Pick<std::string>({"default", "md5", "crc", "fnv1_64", "fnv1a_64", "fnv1_32",
                                        "fnv1a_32", "hsieh", "murmur", "jenkins"})};
    case 2:
    case 3:
      return {"distribution",
              random.Pick<std::string>({"modula", "consistent", "consistent ketama",
                                        "consistent ketama spy", "consistent weighted",
                                        "virtual bucket", "consistent max"})};
    case 4:
      return {"ketama_weighted", random.Chance(0.8) ? "True" : "False"};
    case 5:
      return {"ketama", random.Chance(0.8) ? "True" : "False"};
    case 6:
      return {"namespace", random.Pick<std::string>({"app:", "app:", "two words", ""})};
    default:
      return {"_hash_with_prefix_key", random.Chance(0.8) ? "True" : "False"};
  }
}

TEST(PylibmcTest, PlacesEveryKeyAsPylibmcDoes) {
  RandomSetup random(13);
  std::vector<Question> questions;
  for (int i = 0; i < 100; ++i) {
    Question question{{"pylibmc", random.Servers({.sockets = false}), {}, CharSign::kSigned},
                      random.Keys(kKeys)};
    if (random.Chance(0.1)) {  // sockets do not mix with others, and have no weight
      for (Server& server : question.setup.servers) {
        server = Server{.name = {}, .host = "/tmp/" + server.host + std::to_string(server.port)};
        server.port = 0;
      }
    }
    std::vector<ClientOption>& options = question.setup.options;
    for (std::uint64_t n = random.Below(4); n > 0; --n) {
      options.push_back(RandomPylibmcOption(random));
    }
    if (random.Chance(0.2)) options.push_back({"_sort_hosts", "True"});
    if (random.Chance(0.3)) options.push_back({"binary", "True"});
    options.push_back({"addServers", ""});
    for (std::uint64_t n = random.Below(4); n > 0; --n) {
      options.push_back(RandomPylibmcOption(random));
    }
    questions.push_back(std::move(question));
  }
  std::vector<nlohmann::json> lines;
  for (const Question& question : questions) lines.push_back(ToJson(question));
  const std::vector<nlohmann::json> answers =
      AskDriver("/usr/bin/python3", "pylibmc_client.py", lines);
  for (std::size_t i = 0; i < questions.size(); ++i) {
    if (answers[i].is_string()) {
      EXPECT_FALSE(ModelClient(questions[i].setup).ok()) << Describe(questions[i].setup);
    } else {
      ExpectSamePlaces(questions[i], answers[i]);
    }
  }
}

}  // namespace
}  // namespace shardcache::testing
