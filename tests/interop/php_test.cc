// The models of PHP's two extensions beside the extensions.
#include <gtest/gtest.h>

#include "tests/harness/echo_backends.h"
#include "tests/harness/network.h"
#include "tests/interop/driver.h"
#include "tests/interop/random_setup.h"

namespace shardcache::testing {
namespace {

constexpr std::size_t kKeys = 10000;

// Asks all of `questions` in one run of the driver and compares the answers.
void Compare(const std::string& driver, const std::vector<Question>& questions) {
  std::vector<nlohmann::json> lines;
  for (const Question& question : questions) lines.push_back(ToJson(question));
  const std::vector<nlohmann::json> answers = AskDriver("php", driver, lines);
  for (std::size_t i = 0; i < questions.size(); ++i) ExpectSamePlaces(questions[i], answers[i]);
}

ClientOption RandomPhpMemcachedOption(RandomSetup& random) {
  const std::string yes_no = random.Chance(0.7) ? "true" : "false";
  switch (random.Below(12)) {
    case 0:
    case 1:
    case 2:
      return {"OPT_HASH",
              random.Pick<std::string>({"HASH_DEFAULT", "HASH_MD5", "HASH_CRC", "HASH_FNV1_64",
                                        "HASH_FNV1A_64", "HASH_FNV1_32", "HASH_FNV1A_32",
                                        "HASH_HSIEH", "HASH_MURMUR", "9", "10", "11", "12", "99"})};
    case 3:
    case 4:
    case 5:
      return {"OPT_DISTRIBUTION",
              random.Pick<std::string>({"DISTRIBUTION_MODULA", "DISTRIBUTION_CONSISTENT",
                                        "DISTRIBUTION_CONSISTENT", "DISTRIBUTION_VIRTUAL_BUCKET",
                                        "2", "4", "5", "7"})};
    case 6:
    case 7:
      return {"OPT_LIBKETAMA_COMPATIBLE", yes_no};
    case 8:
      return {"OPT_PREFIX_KEY",
              random.Pick<std::string>({"app:", "", "a b", "x", "h\xc3\xb6", std::string(130, 'p'),
                                        std::string(251, 'p')})};
    case 9:
      return {"OPT_HASH_WITH_PREFIX_KEY", yes_no};
    case 10:
      return {"OPT_SORT_HOSTS", yes_no};
    default:
      return {random.Pick<std::string>({"OPT_LIBKETAMA_HASH", "3", "OPT_BINARY_PROTOCOL"}),
              random.Pick<std::string>({"0", "1"})};
  }
}

TEST(PhpMemcachedTest, PlacesEveryKeyAsTheExtensionDoes) {
  RandomSetup random(1);
  std::vector<Question> questions;
  for (int i = 0; i < 100; ++i) {
    Question question{{"php-memcached", random.Servers({}), {}, CharSign::kSigned},
                      random.Keys(kKeys)};
    std::vector<ClientOption>& options = question.setup.options;
    const std::uint64_t before = random.Below(6);
    for (std::uint64_t n = 0; n < before; ++n) options.push_back(RandomPhpMemcachedOption(random));
    if (random.Chance(0.8)) {
      options.push_back({random.Chance(0.5) ? "addServers" : "addServer", ""});
      const std::uint64_t after = random.Below(6);
      for (std::uint64_t n = 0; n < after; ++n) options.push_back(RandomPhpMemcachedOption(random));
    }
    if (random.Chance(0.1)) options.push_back({"memcached.default_consistent_hash", "1"});
    if (random.Chance(0.05)) {
      std::string map = "0";
      for (int bucket = 1; bucket < 12; ++bucket) {
        map += "," + std::to_string(random.Below(question.setup.servers.size()));
      }
      options.push_back({"setBucket", map});
    }
    questions.push_back(std::move(question));
  }
  Compare("php_memcached.php", questions);
}

// Found by random settings: the binary protocol takes any bytes for a prefix, which then stays.
TEST(PhpMemcachedTest, HashesAPrefixThatOnlyTheBinaryProtocolTakes) {
  RandomSetup random(7);
  std::vector<Question> questions;
  for (const char* binary : {"0", "1"}) {
    questions.push_back({{"php-memcached",
                          random.Servers({}),
                          {{"OPT_PREFIX_KEY", "app:"},
                           {"OPT_BINARY_PROTOCOL", binary},
                           {"OPT_PREFIX_KEY", "a b"},
                           {"OPT_BINARY_PROTOCOL", "0"},
                           {"OPT_HASH_WITH_PREFIX_KEY", "true"},
                           {"OPT_LIBKETAMA_COMPATIBLE", "true"}},
                          CharSign::kSigned},
                         random.Keys(kKeys)});
  }
  Compare("php_memcached.php", questions);
}

// What users write: each hash and distribution with the documented options alone.
TEST(PhpMemcachedTest, PlacesEveryKeyUnderTheUsualSettings) {
  RandomSetup random(2);
  std::vector<Question> questions;
  for (const char* hash : {"HASH_DEFAULT", "HASH_MD5", "HASH_CRC", "HASH_FNV1_64", "HASH_FNV1A_64",
                           "HASH_FNV1_32", "HASH_FNV1A_32", "HASH_MURMUR"}) {
    for (const auto& distribution :
         std::vector<ClientOption>{{"OPT_LIBKETAMA_COMPATIBLE", "true"},
                                   {"OPT_DISTRIBUTION", "DISTRIBUTION_CONSISTENT"},
                                   {"OPT_DISTRIBUTION", "DISTRIBUTION_MODULA"}}) {
      questions.push_back({{"php-memcached",
                            random.Servers({}),
                            {distribution, {"OPT_HASH", hash}},
                            CharSign::kSigned},
                           random.Keys(kKeys)});
    }
  }
  Compare("php_memcached.php", questions);
}

TEST(PeclMemcacheTest, PlacesEveryKeyAsTheExtensionDoes) {
  RandomSetup random(3);
  std::vector<Question> questions;
  for (int i = 0; i < 60; ++i) {
    Question question{{"pecl-memcache", random.Servers({}), {}, CharSign::kSigned},
                      random.Keys(kKeys)};
    std::vector<ClientOption>& options = question.setup.options;
    if (random.Chance(0.8)) {
      options.push_back({"memcache.hash_strategy", random.Chance(0.5) ? "standard" : "consistent"});
    }
    if (random.Chance(0.6)) {
      options.push_back({"memcache.hash_function", random.Chance(0.5) ? "fnv" : "crc32"});
    }
    if (random.Chance(0.3)) {
      options.push_back({"memcache.prefix_static_key",
                         random.Pick<std::string>({"app:", "a b", std::string(240, 'p')})});
    }
    for (int extra = 0; extra < 20; ++extra) {
      question.keys.push_back(random.Key() + std::string(240, 'k') + random.Key());
    }
    questions.push_back(std::move(question));
  }
  Compare("php_memcache.php", questions);
}

// Servers that answer every get with their own address, under addresses that PHP can reach.
std::vector<Server> AddBackends(RandomSetup& random, EchoBackends& backends, std::uint64_t network,
                                bool session, std::uint64_t most = 31) {
  const std::uint64_t count = 2 + random.Below(most - 1);
  std::vector<Server> servers;
  for (std::uint64_t i = 0; i < count; ++i) {
    Server server;
    server.host = LoopbackHost(network, 1 + i);
    server.port = random.Chance(0.4) ? 11211 : FreePort();
    server.name = server.address();
    if (random.Chance(0.3)) server.weight = static_cast<std::uint32_t>(1 + random.Below(5));
    const std::string address = server.address();
    const std::string data = "s:" + std::to_string(address.size()) + ":\"" + address + "\";";
    backends.Add(session ? "who|" + data : address, address);
    servers.push_back(server);
  }
  return servers;
}

// php-memcached refuses other keys over the text protocol.
std::vector<std::string> AsciiKeys(RandomSetup& random, std::size_t count) {
  std::vector<std::string> keys;
  while (keys.size() < count) keys.push_back(random.Random::Key(KeyFlavour::kAscii));
  for (std::string& key : keys) key.resize(std::min<std::size_t>(key.size(), 120));
  return keys;
}

// getServerByKey and findServer say where a key goes; here it really goes there.
TEST(PhpMemcachedTest, GetsEveryKeyFromTheServerOfTheModel) {
  RandomSetup random(4);
  EchoBackends backends;
  std::vector<Question> questions;
  std::vector<nlohmann::json> lines;
  for (std::uint64_t i = 0; i < 6; ++i) {
    Question question{{"php-memcached",
                       AddBackends(random, backends, i, false),
                       {{"OPT_LIBKETAMA_COMPATIBLE", random.Chance(0.7) ? "true" : "false"},
                        {"OPT_HASH", random.Pick<std::string>({"HASH_MD5", "HASH_FNV1A_64"})},
                        {"OPT_PREFIX_KEY", "app:"},
                        {"OPT_HASH_WITH_PREFIX_KEY", random.Chance(0.5) ? "true" : "false"}},
                       CharSign::kSigned},
                      AsciiKeys(random, 1000)};
    lines.push_back(ToJson(question));
    lines.back()["get"] = true;
    questions.push_back(std::move(question));
  }
  const std::vector<nlohmann::json> answers = AskDriver("php", "php_memcached.php", lines);
  for (std::size_t i = 0; i < questions.size(); ++i) ExpectSamePlaces(questions[i], answers[i]);
}

TEST(PeclMemcacheTest, GetsEveryKeyFromTheServerOfTheModel) {
  RandomSetup random(5);
  EchoBackends backends;
  std::vector<Question> questions;
  std::vector<nlohmann::json> lines;
  for (std::uint64_t i = 0; i < 6; ++i) {
    Question question{{"pecl-memcache",
                       AddBackends(random, backends, 10 + i, false),
                       {{"memcache.hash_strategy", random.Chance(0.5) ? "standard" : "consistent"},
                        {"memcache.hash_function", random.Chance(0.5) ? "fnv" : "crc32"}},
                       CharSign::kSigned},
                      AsciiKeys(random, 1000)};
    question.keys.push_back("two words and\ta tab");
    question.keys.push_back("h\xc3\xb6he");
    lines.push_back(ToJson(question));
    lines.back()["get"] = true;
    questions.push_back(std::move(question));
  }
  const std::vector<nlohmann::json> answers = AskDriver("php", "php_memcache.php", lines);
  for (std::size_t i = 0; i < questions.size(); ++i) ExpectSamePlaces(questions[i], answers[i]);
}

std::vector<std::string> SessionIds(RandomSetup& random) {
  constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuv";
  std::vector<std::string> ids(kKeys);
  for (std::string& id : ids) {
    while (id.size() < 26) id += kDigits[random.Below(kDigits.size())];
  }
  return ids;
}

TEST(PhpMemcachedSessionTest, ReadsEverySessionFromTheServerOfTheModel) {
  RandomSetup random(6);
  EchoBackends backends;
  for (std::uint64_t i = 0; i < 20; ++i) {
    Question question{{"php-memcached-session",
                       AddBackends(random, backends, 20 + i, true),
                       {},
                       CharSign::kSigned},
                      {}};
    std::vector<ClientOption>& options = question.setup.options;
    if (random.Chance(0.3)) options.push_back({"memcached.sess_consistent_hash", "0"});
    if (random.Chance(0.6)) {
      options.push_back({"memcached.sess_consistent_hash_type",
                         random.Chance(0.7) ? "ketama_weighted" : "ketama"});
    }
    if (random.Chance(0.3)) options.push_back({"memcached.sess_prefix", "s:"});
    question.keys = SessionIds(random);
    const std::vector<nlohmann::json> lines = {ToJson(question)};
    ExpectSamePlaces(question, AskDriver("php", "php_session.php", lines)[0]);
  }
}

TEST(PeclMemcacheSessionTest, ReadsEverySessionFromTheServerOfTheModel) {
  RandomSetup random(8);
  EchoBackends backends;
  for (std::uint64_t i = 0; i < 20; ++i) {
    Question question{{"pecl-memcache-session",
                       AddBackends(random, backends, 50 + i, true, 7),
                       {},
                       CharSign::kSigned},
                      SessionIds(random)};
    std::vector<ClientOption>& options = question.setup.options;
    // (By default it is "consistent", whose ring the extension builds anew for each session.)
    if (i % 2 == 0) options.push_back({"memcache.hash_strategy", "standard"});
    if (i % 4 == 1) options.push_back({"memcache.hash_strategy", "consistent"});
    if (random.Chance(0.5)) options.push_back({"memcache.hash_function", "fnv"});
    if (random.Chance(0.4)) options.push_back({"memcache.session_prefix_static_key", "s:"});
    if (random.Chance(0.4)) options.push_back({"memcache.session_redundancy", "3"});
    // As in php.ini: the prefix is read before a script could set it.
    std::vector<std::string> command = {"php"};
    for (const ClientOption& option : options) {
      command.insert(command.end(), {"-d", option.name + "=" + option.value});
    }
    command.push_back(DriverPath("php_memcache_session.php"));
    nlohmann::json line = ToJson(question);
    line["options"] = nlohmann::json::array();
    ExpectSamePlaces(question, AskDriver(command, std::vector<nlohmann::json>{line})[0]);
  }
}

}  // namespace
}  // namespace shardcache::testing
