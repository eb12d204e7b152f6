// Every remedy is tried: the code that it prints runs in its language, the configuration that it
// prints in nutcracker, and both must get each key from the same server.
#include "shardcache/remedy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <sstream>

#include "shardcache/compare.h"
#include "tests/harness/echo_backends.h"
#include "tests/harness/memcached_server.h"
#include "tests/harness/network.h"
#include "tests/harness/nutcracker.h"
#include "tests/harness/text_client.h"
#include "tests/interop/driver.h"
#include "tests/interop/random_setup.h"

namespace shardcache::testing {
namespace {

constexpr std::size_t kKeys = 500;

constexpr char kBeforeC[] =
    "#include <libmemcached/memcached.h>\n#include <stdio.h>\n#include <stdlib.h>\n"
    "#include <string.h>\n\nint main(void) {\n";
constexpr char kAfterC[] = R"(
  char line[2048];
  while (fgets(line, sizeof line, stdin) != NULL) {
    char key[1024];
    size_t length = 0;
    for (unsigned byte; sscanf(line + 2 * length, "%2x", &byte) == 1;) key[length++] = (char)byte;
    size_t size = 0;
    uint32_t flags = 0;
    memcached_return_t error;
    char *value = memcached_get(client, key, length, &size, &flags, &error);
    printf("%.*s\n", (int)size, value != NULL ? value : "");
    free(value);
  }
  memcached_free(client);
  return 0;
}
)";

struct Case {
  PoolConfig pool;
  ClientSetup setup;
};

class RemedyTest : public ::testing::Test {
 protected:
  // Servers that really listen, each of which answers with its address.
  std::vector<Server> Backends() {
    std::vector<Server> servers;
    const std::uint64_t count = 2 + random_.Below(random_.Chance(0.8) ? 6 : 30);
    ++network_;
    for (std::uint64_t i = 1; i <= count; ++i) {
      Server server;
      server.host = LoopbackHost(network_, i);
      server.port = random_.Chance(0.4) ? 11211 : FreePort();
      server.name = server.port == 11211 ? server.host : server.address();
      backends_.Add(server.address(), server.address());
      servers.push_back(server);
    }
    std::shuffle(servers.begin(), servers.end(), std::mt19937_64(random_.Bits()));
    return servers;
  }

  PoolConfig Pool(const std::vector<Server>& servers) {
    PoolConfig pool;
    pool.name = "alpha";
    pool.listen.text = Loopback(FreePort());
    pool.hash = kHashFunctions[random_.Below(kHashFunctions.size())];
    pool.distribution = random_.Chance(0.7) ? Distribution::kKetama : Distribution::kModula;
    if (random_.Chance(0.2)) pool.hash_tag = HashTag{};
    pool.servers = servers;
    const bool weighted = random_.Chance(0.3);
    const bool named = random_.Chance(0.3);
    for (Server& server : pool.servers) {
      if (weighted) server.weight = static_cast<std::uint32_t>(1 + random_.Below(4));
      if (named) {
        server.name = "node" + std::to_string(random_.Below(1000000));
        server.named = true;
      }
    }
    return pool;
  }

  // What the proxy of this configuration gets for each key.
  static std::vector<std::string> AskProxy(const std::string& yaml, const std::string& listen,
                                           const std::vector<std::string>& keys) {
    const Nutcracker proxy(yaml, {listen});
    TextClient client(listen);
    std::vector<std::string> values;
    for (const Answer& answer : client.GetMany(keys)) values.push_back(answer.text);
    return values;
  }

  // Compiles and runs a program of `code`, which makes a libmemcached `client`.
  nlohmann::json AskLibmemcached(const std::string& code, const std::vector<std::string>& keys) {
    const std::string source = dir_.Write("snippet.c", kBeforeC + code + kAfterC);
    const std::string program = dir_.File("snippet");
    const RunResult built =
        RunToEnd({"cc", "-Wall", "-Wextra", "-Werror", "-o", program, source, "-lmemcached"}, {});
    EXPECT_EQ(built.exit_code, 0) << built.err;
    std::string in;
    for (const std::string& key : keys) in += ToHex(key) + "\n";
    const RunResult run = RunToEnd({program}, in);
    EXPECT_EQ(run.exit_code, 0) << run.err;
    nlohmann::json values = nlohmann::json::array();
    std::istringstream out(run.out);
    for (std::string line; std::getline(out, line);) values.push_back(line);
    return values;
  }

  nlohmann::json AskClient(const ClientSetup& setup, const std::string& code,
                           const std::vector<std::string>& keys) {
    if (setup.client == "libmemcached") return AskLibmemcached(code, keys);
    nlohmann::json question{{"snippet", code}, {"keys", nlohmann::json::array()}};
    for (const std::string& key : keys) question["keys"].push_back(ToHex(key));
    const std::vector<nlohmann::json> lines = {question};
    return setup.client == "pylibmc" ? AskDriver("/usr/bin/python3", "python_snippet.py", lines)[0]
                                     : AskDriver("php", "php_snippet.php", lines)[0];
  }

  // Keys that both can be asked for; of a remedy that is not perfect, those that it heals.
  std::vector<std::string> Keys(const Remedy& remedy) {
    const Placement proxy = *Placement::Create(remedy.pool);
    std::vector<std::string> keys;
    while (keys.size() < kKeys) {
      std::string key = random_.Random::Key(KeyFlavour::kHashTags).substr(0, 100);
      const bool hash_is_zero = proxy.HashKey(key) == 0;
      if (remedy.agreement == 1 || !hash_is_zero) keys.push_back(std::move(key));
    }
    return keys;
  }

  void Try(const Case& today, const Remedy& remedy) {
    const std::string yaml = remedy.pool_snippet.empty() ? ToYaml(today.pool) : remedy.pool_snippet;
    const std::string code =
        remedy.client_snippet.empty() ? ToCode(today.setup) : remedy.client_snippet;
    SCOPED_TRACE(yaml + "\n" + code);
    EXPECT_GE(remedy.agreement, 0.9999);
    const std::vector<std::string> keys = Keys(remedy);
    const nlohmann::json by_client = AskClient(remedy.client, code, keys);
    const Placement placement = ModelClient(remedy.client)->placement;
    std::vector<std::string> sent;
    for (const std::string& key : keys) sent.push_back(placement.SentKey(key));
    const std::vector<std::string> by_proxy = AskProxy(yaml, today.pool.listen.text, sent);
    ASSERT_EQ(by_client.size(), keys.size());
    std::size_t differing = 0;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      ASSERT_TRUE(by_client[i].is_string()) << keys[i] << by_client[i];
      if (by_client[i].get<std::string>() != by_proxy[i]) ++differing;
    }
    EXPECT_EQ(differing, 0U);
  }

  // Advises, and tries each remedy. Returns how many there were.
  std::size_t TryAll(const Case& today) {
    SCOPED_TRACE(Describe(today.setup) + "\n" + ToYaml(today.pool));
    const Result<Advice> advice = Advise(today.pool, today.setup);
    EXPECT_TRUE(advice.ok()) << advice.error().message;
    if (!advice.ok() || advice->agree) return 0;
    EXPECT_FALSE(advice->reasons.empty());
    EXPECT_FALSE(advice->remedies.empty()) << advice->verdict;
    for (const Remedy& remedy : advice->remedies) Try(today, remedy);
    return advice->remedies.size();
  }

  RandomSetup random_{31};
  TempDir dir_;
  EchoBackends backends_;
  std::uint64_t network_ = 0;
};

TEST_F(RemedyTest, EveryRemedyOfPhpMemcachedWorks) {
  std::size_t tried = 0;
  for (int i = 0; i < 12; ++i) {
    const std::vector<Server> servers = Backends();
    Case today{Pool(servers), {"php-memcached", servers, {}, CharSign::kSigned}};
    std::vector<ClientOption>& options = today.setup.options;
    if (random_.Chance(0.4)) options.push_back({"OPT_HASH", "HASH_MURMUR"});
    if (random_.Chance(0.3)) options.push_back({"OPT_LIBKETAMA_COMPATIBLE", "true"});
    if (random_.Chance(0.3)) options.push_back({"OPT_DISTRIBUTION", "DISTRIBUTION_CONSISTENT"});
    if (random_.Chance(0.3)) options.push_back({"OPT_PREFIX_KEY", "app:"});
    tried += TryAll(today);
  }
  EXPECT_GT(tried, 12U);
}

TEST_F(RemedyTest, EveryRemedyOfLibmemcachedWorks) {
  std::size_t tried = 0;
  for (int i = 0; i < 8; ++i) {
    const std::vector<Server> servers = Backends();
    Case today{Pool(servers), {"libmemcached", servers, {}, CharSign::kSigned}};
    std::vector<ClientOption>& options = today.setup.options;
    if (random_.Chance(0.4)) {
      options.push_back({"MEMCACHED_BEHAVIOR_HASH", "MEMCACHED_HASH_MURMUR"});
    }
    if (random_.Chance(0.3)) options.push_back({"KETAMA", "1"});
    if (random_.Chance(0.3)) options.push_back({"MEMCACHED_CALLBACK_PREFIX_KEY", "app:"});
    if (random_.Chance(0.3)) options.push_back({"addServer", ""});
    tried += TryAll(today);
  }
  EXPECT_GT(tried, 8U);
}

// The snippet keeps sessions on real servers; the proxy finds each of them there.
TEST_F(RemedyTest, EveryRemedyOfPhpSessionsWorks) {
  constexpr int kSessions = 200;
  std::size_t tried = 0;
  for (int i = 0; i < 4; ++i) {
    std::vector<std::unique_ptr<MemcachedServer>> stores;
    std::vector<Server> servers;
    for (std::uint64_t n = 2 + random_.Below(4); n > 0; --n) {
      stores.push_back(std::make_unique<MemcachedServer>());
      servers.push_back(*ParseServer(stores.back()->address() + ":1"));
    }
    Case today{Pool(servers), {"php-memcached-session", servers, {}, CharSign::kSigned}};
    if (i % 2 == 0) today.setup.options.push_back({"memcached.sess_binary_protocol", "0"});
    if (i / 2 == 0) today.setup.options.push_back({"memcached.sess_locking", "0"});
    const Result<Advice> advice = Advise(today.pool, today.setup);
    ASSERT_TRUE(advice.ok()) << advice.error().message;
    ASSERT_FALSE(advice->remedies.empty()) << advice->verdict;
    for (const Remedy& remedy : advice->remedies) {
      const std::string yaml =
          remedy.pool_snippet.empty() ? ToYaml(today.pool) : remedy.pool_snippet;
      const std::string code =
          remedy.client_snippet.empty() ? ToCode(today.setup) : remedy.client_snippet;
      SCOPED_TRACE(yaml + "\n" + code);
      for (const auto& store : stores) store->Restart();
      const nlohmann::json question = {{"snippet", code}, {"sessions", kSessions}};
      const auto ids =
          AskDriver("php", "php_session_snippet.php", std::vector<nlohmann::json>{question})[0];
      ASSERT_EQ(ids.size(), static_cast<std::size_t>(kSessions)) << ids;
      const Placement placement = ModelClient(remedy.client)->placement;
      std::vector<std::string> keys;
      std::vector<std::string> stored;
      for (const nlohmann::json& id : ids) {
        keys.push_back(placement.SentKey(id.get<std::string>()));
        stored.push_back("id|s:26:\"" + id.get<std::string>() + "\";");
      }
      EXPECT_EQ(AskProxy(yaml, today.pool.listen.text, keys), stored);
      ++tried;
    }
  }
  EXPECT_GE(tried, 4U);
}

TEST_F(RemedyTest, EveryRemedyOfPylibmcWorks) {
  std::size_t tried = 0;
  for (int i = 0; i < 8; ++i) {
    const std::vector<Server> servers = Backends();
    Case today{Pool(servers), {"pylibmc", servers, {}, CharSign::kSigned}};
    std::vector<ClientOption>& options = today.setup.options;
    if (random_.Chance(0.4)) options.push_back({"hash", "fnv1a_32"});
    if (random_.Chance(0.4)) options.push_back({"ketama", "True"});
    tried += TryAll(today);
  }
  EXPECT_GT(tried, 8U);
}

TEST_F(RemedyTest, EveryRemedyOfPeclMemcacheWorks) {
  std::size_t tried = 0;
  for (int i = 0; i < 8; ++i) {
    const std::vector<Server> servers = Backends();
    Case today{Pool(servers), {"pecl-memcache", servers, {}, CharSign::kSigned}};
    if (random_.Chance(0.5)) {
      today.setup.options.push_back({"memcache.hash_strategy", "standard"});
    }
    tried += TryAll(today);
  }
  EXPECT_GE(tried, 8U);
}

TEST(AdviceTest, YamlIsReadBackAsThePool) {
  constexpr std::string_view kYaml =
      "beta:\n  listen: /tmp/b.sock 0644\n  hash: crc32a\n  hash_tag: \"''\"\n"
      "  distribution: modula\n  timeout: 400\n  backlog: 7\n  client_connections: 9\n"
      "  redis: true\n  redis_auth: it's\n  redis_db: 3\n  preconnect: true\n"
      "  auto_eject_hosts: true\n  server_connections: 2\n  server_retry_timeout: 5\n"
      "  server_failure_limit: 4\n  tcpkeepalive: true\n  servers:\n"
      "   - /tmp/m.sock:2\n   - /tmp/n.sock:1 n\n   - ::1:11211:1\n   - '[::2]:026:1'\n"
      "   - a:11212:3 name\n";
  const auto pools = ParsePools(kYaml, "beta.yml");
  ASSERT_TRUE(pools.ok()) << pools.error().message;
  const auto again = ParsePools(ToYaml(pools->front()), "again.yml");
  ASSERT_TRUE(again.ok()) << again.error().message << ToYaml(pools->front());
  EXPECT_EQ(again->front(), pools->front()) << ToYaml(pools->front());
}

}  // namespace
}  // namespace shardcache::testing
