// The table of who agrees with twemproxy: computed, and held against agreement.md, which the
// documentation shows. SHARDCACHE_WRITE_TABLE=1 writes that file anew.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>

#include "shardcache/compare.h"
#include "shardcache/interop.h"

namespace shardcache::testing {
namespace {

struct Row {
  std::string client;
  std::vector<ClientOption> options;
  HashFunction hash;
  Distribution distribution = Distribution::kKetama;
};

const std::vector<Row>& Rows() {
  using enum HashFunction;
  constexpr auto kModula = Distribution::kModula;
  const ClientOption compatible = {"OPT_LIBKETAMA_COMPATIBLE", "true"};
  const ClientOption fnv = {"OPT_HASH", "HASH_FNV1A_64"};
  const ClientOption consistent = {"OPT_DISTRIBUTION", "DISTRIBUTION_CONSISTENT"};
  const ClientOption prefix = {"OPT_PREFIX_KEY", "app:"};
  static const std::vector<Row> rows = {
      {"php-memcached", {compatible}, kMd5},
      {"php-memcached", {compatible, fnv}, kFnv1a_64},
      {"php-memcached", {fnv, compatible}, kFnv1a_64},
      {"php-memcached", {compatible, consistent}, kMd5},
      {"php-memcached", {consistent}, kOneAtATime},
      {"php-memcached", {compatible, prefix}, kMd5},
      {"php-memcached", {compatible, prefix, {"OPT_HASH_WITH_PREFIX_KEY", "true"}}, kMd5},
      {"php-memcached", {}, kOneAtATime, kModula},
      {"php-memcached", {{"OPT_HASH", "HASH_CRC"}}, kCrc32, kModula},
      {"php-memcached-session", {}, kMd5},
      {"php-memcached-session",
       {{"memcached.sess_consistent_hash_type", "ketama_weighted"}, {"memcached.sess_prefix", ""}},
       kMd5},
      {"pecl-memcache", {}, kCrc32a},
      {"pecl-memcache", {{"memcache.hash_strategy", "standard"}}, kCrc32, kModula},
      {"pecl-memcache-session", {{"memcache.hash_strategy", "standard"}}, kCrc32, kModula},
      {"pylibmc", {{"ketama_weighted", "True"}}, kMd5},
      {"pylibmc", {{"ketama_weighted", "True"}, {"hash", "fnv1a_64"}}, kFnv1a_64},
      {"pylibmc",
       {{"ketama_weighted", "True"}, {"addServers", ""}, {"hash", "fnv1a_64"}},
       kFnv1a_64},
      {"pylibmc", {{"ketama", "True"}}, kOneAtATime},
      {"libmemcached", {{"KETAMA_WEIGHTED", "1"}, {"HASH", "MURMUR"}}, kMurmur},
      {"libmemcached", {{"DISTRIBUTION", "CONSISTENT_KETAMA_SPY"}, {"HASH", "MD5"}}, kMd5},
      {"python-memcached", {}, kCrc32, kModula},
      {"pymemcache", {}, kMd5},
      {"uhashring", {{"hash_fn", "ketama"}}, kMd5},
      {"uhashring", {}, kMd5},
      {"cache-memcached", {}, kCrc32, kModula},
      {"cache-memcached-fast", {}, kCrc32, kModula},
      {"cache-memcached-fast", {{"ketama_points", "150"}}, kCrc32a},
      {"dalli", {}, kCrc32a},
      {"node-memcached", {}, kMd5},
      {"node-hashring", {}, kMd5},
      {"memjs", {}, kCrc32a, kModula},
      {"spymemcached", {{"format", "LIBMEMCACHED"}}, kMd5},
      {"spymemcached", {{"format", "LIBMEMCACHED"}, {"weights", "true"}}, kMd5},
      {"spymemcached", {}, kMd5},
      {"spymemcached", {{"locator", "ARRAY_MOD"}, {"hashAlg", "CRC_HASH"}}, kCrc32, kModula},
      {"spymemcached",
       {{"locator", "ARRAY_MOD"}, {"hashAlg", "FNV1A_64_HASH"}},
       kFnv1a_64,
       kModula},
      {"xmemcached", {}, kMd5},
      {"gomemcache", {}, kCrc32a, kModula},
      {"libketama", {}, kMd5},
      {"memcached-proxy", {}, kMd5},
      {"mcrouter-crc32", {}, kCrc32a, kModula},
      {"mcrouter-ch3", {}, kCrc32a, kModula},
      {"envoy-ring-hash", {}, kMurmur},
      {"envoy-maglev", {}, kMurmur, kModula},
  };
  return rows;
}

// Servers of the ports 11211 and 11212; `weights` repeats over them.
std::vector<Server> MakeServers(int count, const std::vector<std::uint32_t>& weights) {
  std::vector<Server> servers;
  for (int i = 0; i < count; ++i) {
    const std::uint32_t weight = weights[static_cast<std::size_t>(i) % weights.size()];
    servers.push_back(*ParseServer("10.0.0." + std::to_string(i + 1) + ":" +
                                   (i % 2 == 0 ? "11211" : "11212") + ":" +
                                   std::to_string(weight)));
  }
  return servers;
}

// For the clients whose node names are the user's choice, and libketama, whose names always have
// the port, the proxy gets names with ports too.
bool NamesHavePorts(const Row& row) {
  return row.client == "uhashring" || row.client == "libketama" ||
         (row.client == "spymemcached" &&
          (row.options.empty() || row.options[0].value != "LIBMEMCACHED"));
}

std::string Percent(double part) {
  char text[32];
  std::snprintf(text, sizeof text, part > 0.99 ? "%.7g %%" : "%.3g %%", 100 * part);
  return text;
}

std::string Cell(const Row& row, std::vector<Server> servers) {
  if (NamesHavePorts(row)) {
    for (Server& server : servers) {
      server.name = server.address();
      server.named = true;
    }
  }
  PoolConfig pool;
  pool.name = "p";
  pool.hash = row.hash;
  pool.distribution = row.distribution;
  pool.servers = servers;
  const Placement proxy = *Placement::Create(pool);
  // The client adds servers as the proxy sorts them.
  servers.assign(proxy.servers().begin(), proxy.servers().end());
  const Result<ClientModel> client =
      ModelClient({row.client, servers, row.options, CharSign::kSigned});
  if (!client.ok()) return client.error().message;
  Comparer comparer(proxy, client->placement);
  if (const auto exact = comparer.Exact()) {
    return exact->disagreements == 0 ? "all" : Percent(1 - exact->fraction);
  }
  std::mt19937_64 random(3);
  std::vector<std::string> keys;
  for (int i = 0; i < 20000; ++i) keys.push_back("key:" + std::to_string(random()));
  comparer.Add(std::vector<std::string_view>(keys.begin(), keys.end()));
  const Comparison sampled = comparer.Result();
  if (sampled.disagreements == 0) return "all of 20,000";
  return "about " + std::to_string(std::lround(100 * (1 - sampled.fraction))) + " %";
}

std::string Table() {
  std::string table =
      "| client | settings | proxy | 4 servers | 5 servers | 25 servers | weights 1, 3, 7, 10 |\n"
      "|---|---|---|---|---|---|---|\n";
  for (const Row& row : Rows()) {
    std::string settings;
    for (const ClientOption& option : row.options) {
      settings += (settings.empty() ? "" : ", ") + option.name +
                  (option.value.empty() ? "" : "=" + option.value);
    }
    table += "| " + row.client + " | " + settings + " | " +
             std::string(DistributionName(row.distribution)) + ", " +
             std::string(HashName(row.hash));
    for (const auto& servers : {MakeServers(4, {1}), MakeServers(5, {1}), MakeServers(25, {1}),
                                MakeServers(4, {1, 3, 7, 10})}) {
      table += " | " + Cell(row, servers);
    }
    table += " |\n";
  }
  return table;
}

TEST(AgreementTableTest, IsWhatTheDocumentationShows) {
  const std::string table = Table();
  if (std::getenv("SHARDCACHE_WRITE_TABLE") != nullptr) {
    std::ofstream(SHARDCACHE_AGREEMENT_TABLE) << table;
  }
  std::ifstream file(SHARDCACHE_AGREEMENT_TABLE);
  const std::string shown{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(table, shown);
}

}  // namespace
}  // namespace shardcache::testing
