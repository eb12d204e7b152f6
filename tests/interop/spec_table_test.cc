// The table of README.md, who agrees with twemproxy: each of its cells put to `shardcache agree`.
//
// What is expected was measured with the programs themselves before there were models: Debian's
// php-memcached 3.2.0, pecl memcache 4.0.5.2, libmemcached 1.1.4, Cache::Memcached::Fast 0.28, and
// the sources of spymemcached and uhashring run beside nutcracker 0.5.0, over 800 to 20,000 keys.
// A part such as 3921 of 4000 is of other servers than here, so it is met within a few points.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <sstream>

#include "shardcache/compare.h"
#include "shardcache/interop.h"
#include "shardcache/remedy.h"
#include "tests/harness/process.h"

namespace shardcache::testing {
namespace {

using enum HashFunction;
constexpr auto kKetama = Distribution::kKetama;
constexpr auto kModula = Distribution::kModula;

// The rows as README.md has them.
constexpr const char* kLibmemcachedRow =
    "| php-memcached, pylibmc, libmemcached | all keys: weighted ketama, the hash set after it; a "
    "prefix hashed; unix sockets named `/path:0` | all keys: equal weights, sorted order; 9 hashes "
    "|";
constexpr const char* kSpymemcachedRow =
    "| spymemcached | all keys: names `LIBMEMCACHED`, weights given, or none and not at sizes of "
    "156 points | all keys: `ARRAY_MOD` with `CRC_HASH` (crc32); with FNV, ASCII keys |";
constexpr const char* kMd5Row =
    "| uhashring ketama, memcached's proxy (omode twemproxy), xmemcached (cwNginx...), Node's "
    "memcached | all keys: md5, not at sizes of 156 points | never |";
constexpr const char* kLibketamaRow =
    "| libketama | all keys: md5, ring names with the port, not at sizes of 156 points | never |";
constexpr const char* kCrc32Row =
    "| pecl memcache (standard), python-memcached, Cache::Memcached(::Fast) | never | all keys: "
    "crc32; in the first two but one key in 32,768, whose hash is 0 |";
constexpr const char* kGomemcacheRow = "| gomemcache | never | all keys: crc32a, equal weights |";
constexpr const char* kMcrouterRow =
    "| mcrouter Crc32 | never | all keys: crc32a, at powers of two; else half |";
constexpr const char* kNeverRow =
    "| pecl memcache (consistent), PHP sessions but php-memcached's `ketama_weighted`, "
    "libmemcached "
    "CONSISTENT, KETAMA, SPY, Cache::Memcached::Fast ketama_points, dalli, pymemcache, uhashring's "
    "own ring, memjs, Envoy, mcrouter Ch3, WeightedCh3, Rendezvous | never | never |";

enum class Names { kHost, kHostPort, kJava };  // what the proxy's servers are called

struct Cell {
  const char* row;
  std::string client;
  std::vector<ClientOption> options;
  HashFunction hash;
  Distribution distribution;
  int servers = 5;
  std::vector<std::uint32_t> weights = {1};
  Names names = Names::kHost;
  // Of 4000 keys; between these two parts.
  double least = 1;
  double most = 1;
};

using Options = std::vector<ClientOption>;
const std::vector<std::uint32_t> kWeights = {1, 3, 7, 10};

std::vector<Cell> Cells() {
  const ClientOption compatible = {"OPT_LIBKETAMA_COMPATIBLE", "true"};
  const ClientOption prefix = {"OPT_PREFIX_KEY", "app:"};
  const Options libmemcached_names = {{"format", "LIBMEMCACHED"}};
  const Options weighted_names = {{"format", "LIBMEMCACHED"}, {"weights", "true"}};
  const Options uhashring = {{"hash_fn", "ketama"}};
  const auto array_mod = [](const char* hash) {
    return Options{{"locator", "ARRAY_MOD"}, {"hashAlg", hash}};
  };
  std::vector<Cell> cells = {
      // Set before, the hash is lost: only md5 pools agree.
      {kLibmemcachedRow, "php-memcached", {{"OPT_HASH", "HASH_MURMUR"}, compatible}, kMd5, kKetama},
      {kLibmemcachedRow,
       "php-memcached",
       {{"OPT_HASH", "HASH_MURMUR"}, compatible},
       kMurmur,
       kKetama,
       5,
       {1},
       Names::kHost,
       0.15,
       0.25},
      // 1404 of 4000; 817 of 4000; 4000 of 4000.
      {kLibmemcachedRow,
       "php-memcached",
       {compatible, {"OPT_DISTRIBUTION", "DISTRIBUTION_CONSISTENT"}},
       kMd5,
       kKetama,
       5,
       {1},
       Names::kHost,
       0.31,
       0.40},
      {kLibmemcachedRow,
       "php-memcached",
       {compatible, prefix},
       kMd5,
       kKetama,
       5,
       {1},
       Names::kHost,
       0.15,
       0.25},
      {kLibmemcachedRow,
       "php-memcached",
       {compatible, prefix, {"OPT_HASH_WITH_PREFIX_KEY", "true"}},
       kMd5,
       kKetama},
      {kLibmemcachedRow,
       "php-memcached-session",
       {{"memcached.sess_consistent_hash_type", "ketama_weighted"}, {"memcached.sess_prefix", ""}},
       kMd5,
       kKetama},
      {kLibmemcachedRow, "pylibmc", {{"ketama_weighted", "True"}}, kMd5, kKetama, 4, kWeights},
      {kLibmemcachedRow, "pylibmc", {{"hash", "crc"}}, kCrc32, kModula},
      {kLibmemcachedRow, "libmemcached", {{"KETAMA_WEIGHTED", "1"}}, kMd5, kKetama, 25},
      {kLibmemcachedRow, "libmemcached", {{"HASH", "JENKINS"}}, kJenkins, kModula},
      // CONSISTENT becomes the weighted ring when a weight comes, but keys stay one_at_a_time.
      {kLibmemcachedRow,
       "php-memcached",
       {{"OPT_DISTRIBUTION", "DISTRIBUTION_CONSISTENT"}},
       kOneAtATime,
       kKetama,
       4,
       kWeights},
      {kLibmemcachedRow,
       "php-memcached",
       {},
       kOneAtATime,
       kModula,
       4,
       kWeights,
       Names::kHost,
       0.15,
       0.35},
      // 4000 of 4000, but 3921 of 4000 at 25 servers without weights.
      {kSpymemcachedRow, "spymemcached", libmemcached_names, kMd5, kKetama},
      {kSpymemcachedRow, "spymemcached", weighted_names, kMd5, kKetama, 4, kWeights},
      {kSpymemcachedRow,
       "spymemcached",
       libmemcached_names,
       kMd5,
       kKetama,
       25,
       {1},
       Names::kHost,
       0.96,
       0.99},
      {kSpymemcachedRow, "spymemcached", weighted_names, kMd5, kKetama, 25},
      {kSpymemcachedRow, "spymemcached", {}, kMd5, kKetama, 5, {1}, Names::kJava},
      {kSpymemcachedRow, "spymemcached", array_mod("CRC_HASH"), kCrc32, kModula},
      {kSpymemcachedRow, "spymemcached", array_mod("FNV1A_64_HASH"), kFnv1a_64, kModula},
      {kSpymemcachedRow, "spymemcached", array_mod("FNV1_64_HASH"), kFnv1_64, kModula},
      {kSpymemcachedRow, "spymemcached", array_mod("FNV1A_32_HASH"), kFnv1a_32, kModula},
      {kSpymemcachedRow, "spymemcached", array_mod("FNV1_32_HASH"), kFnv1_32, kModula},
      // 4000 of 4000 with and without weights; 3900 of 4000 at 25 servers.
      {kMd5Row, "uhashring", uhashring, kMd5, kKetama, 5, {1}, Names::kHostPort},
      {kMd5Row, "uhashring", uhashring, kMd5, kKetama, 4, kWeights, Names::kHostPort},
      {kMd5Row, "uhashring", uhashring, kMd5, kKetama, 25, {1}, Names::kHostPort, 0.96, 0.99},
      {kMd5Row, "memcached-proxy", {}, kMd5, kKetama},
      {kMd5Row, "memcached-proxy", {}, kMd5, kKetama, 25, {1}, Names::kHost, 0.96, 0.99},
      {kMd5Row, "xmemcached", {}, kMd5, kKetama},
      {kMd5Row, "xmemcached", {}, kMd5, kKetama, 25, {1}, Names::kHost, 0.96, 0.99},
      {kMd5Row, "node-memcached", {}, kMd5, kKetama},
      {kMd5Row, "node-memcached", {}, kMd5, kKetama, 25, {1}, Names::kHost, 0.96, 0.99},
      {kLibketamaRow, "libketama", {}, kMd5, kKetama, 5, {1}, Names::kHostPort},
      {kLibketamaRow, "libketama", {}, kMd5, kKetama, 5, {1}, Names::kHost, 0.15, 0.70},
      // 4000 of 4000 (none of which hashed to 0), 800 of 800.
      {kCrc32Row, "pecl-memcache", {{"memcache.hash_strategy", "standard"}}, kCrc32, kModula},
      {kCrc32Row,
       "pecl-memcache",
       {{"memcache.hash_strategy", "standard"}},
       kCrc32,
       kModula,
       4,
       kWeights},
      {kCrc32Row, "python-memcached", {}, kCrc32, kModula, 4, kWeights},
      {kCrc32Row, "cache-memcached", {}, kCrc32, kModula, 4, kWeights},
      {kCrc32Row, "cache-memcached-fast", {}, kCrc32, kModula, 4, kWeights},
      {kGomemcacheRow, "gomemcache", {}, kCrc32a, kModula},
      {kMcrouterRow, "mcrouter-crc32", {}, kCrc32a, kModula, 4},
      {kMcrouterRow, "mcrouter-crc32", {}, kCrc32a, kModula, 5, {1}, Names::kHost, 0.47, 0.53},
      // 3663 of 20,000; 3979 of 20,000; 782 of 4000.
      {kNeverRow,
       "php-memcached",
       {{"OPT_DISTRIBUTION", "DISTRIBUTION_CONSISTENT"}},
       kOneAtATime,
       kKetama,
       5,
       {1},
       Names::kHost,
       0.15,
       0.25},
      {kNeverRow,
       "libmemcached",
       {{"DISTRIBUTION", "CONSISTENT_KETAMA_SPY"}, {"HASH", "MD5"}},
       kMd5,
       kKetama,
       5,
       {1},
       Names::kHost,
       0.15,
       0.25},
      {kNeverRow, "pecl-memcache", {}, kCrc32a, kKetama, 5, {1}, Names::kHost, 0.15, 0.25},
  };
  // 20,000 of 20,000 each.
  const std::vector<std::pair<const char*, HashFunction>> shared = {
      {"HASH_MD5", kMd5},           {"HASH_DEFAULT", kOneAtATime}, {"HASH_CRC", kCrc32},
      {"HASH_FNV1_64", kFnv1_64},   {"HASH_FNV1A_64", kFnv1a_64},  {"HASH_FNV1_32", kFnv1_32},
      {"HASH_FNV1A_32", kFnv1a_32}, {"HASH_MURMUR", kMurmur},      {"9", kJenkins}};
  for (const auto& [name, hash] : shared) {
    const ClientOption option = {"OPT_HASH", name};
    cells.push_back({kLibmemcachedRow, "php-memcached", {compatible, option}, hash, kKetama});
    cells.push_back(
        {kLibmemcachedRow, "php-memcached", {compatible, option}, hash, kKetama, 4, kWeights});
    cells.push_back({kLibmemcachedRow, "php-memcached", {option}, hash, kModula});
  }
  return cells;
}

PoolConfig Pool(HashFunction hash, Distribution distribution, int count,
                const std::vector<std::uint32_t>& weights, Names names) {
  PoolConfig pool;
  pool.name = "alpha";
  pool.listen.text = "127.0.0.1:22121";
  pool.hash = hash;
  pool.distribution = distribution;
  for (int i = 0; i < count; ++i) {
    Server server;
    server.host = "10.0.0." + std::to_string(i + 1);
    server.port = i % 2 == 0 ? 11211 : 11212;
    server.weight = weights[static_cast<std::size_t>(i) % weights.size()];
    server.name = server.port == 11211 ? server.host : server.address();
    if (names != Names::kHost) {
      server.name =
          (names == Names::kJava ? "cache" + std::to_string(i) + "/" : "") + server.address();
      server.named = true;
    }
    pool.servers.push_back(server);
  }
  return pool;
}

PoolConfig Pool(const Cell& cell) {
  return Pool(cell.hash, cell.distribution, cell.servers, cell.weights, cell.names);
}

std::vector<std::string> Keys() {
  std::mt19937_64 random(4);
  std::vector<std::string> keys(4000);
  for (std::string& key : keys) key = "key:" + std::to_string(random());
  return keys;
}

class SpecTableTest : public ::testing::Test {
 protected:
  // The part of the keys on which the command says that the two agree.
  double Agreement(const Cell& cell) {
    const PoolConfig pool = Pool(cell);
    // The client adds its servers as the proxy sorts them.
    const Placement proxy = *Placement::Create(pool);
    std::string servers;
    for (const Server& server : proxy.servers()) {
      servers += server.address() + ":" + std::to_string(server.weight) +
                 (server.named ? " " + server.name : "") + "\n";
    }
    std::string keys;
    for (const std::string& key : Keys()) keys += key + "\n";
    std::vector<std::string> command = {SHARDCACHE_COMMAND,
                                        "agree",
                                        "-c",
                                        dir_.Write("pool.yml", ToYaml(pool)),
                                        "--client",
                                        cell.client,
                                        "--servers",
                                        dir_.Write("servers", servers),
                                        "--keys",
                                        dir_.Write("keys", keys)};
    for (const ClientOption& option : cell.options) {
      command.insert(command.end(), {"--set", option.name + "=" + option.value});
    }
    const RunResult run = RunToEnd(command, {});
    std::istringstream row(run.out);
    double all = 0;
    double different = 0;
    EXPECT_TRUE(row >> all >> different) << run.out << run.err;
    EXPECT_EQ(run.exit_code, different == 0 ? 0 : 1) << run.err;
    return 1 - different / all;
  }

  TempDir dir_;
};

TEST_F(SpecTableTest, EachCellIsWhatTheProgramsDid) {
  for (const Cell& cell : Cells()) {
    const double agreement = Agreement(cell);
    std::string text = cell.client;
    for (const ClientOption& option : cell.options) text += " " + option.name + "=" + option.value;
    text += ", " + std::string(HashName(cell.hash)) + ", " + std::to_string(cell.servers) +
            " servers, " + cell.row;
    EXPECT_GE(agreement, cell.least) << text;
    EXPECT_LE(agreement, cell.most) << text;
  }
}

// The cells "never": with no hash of the proxy do more keys agree than by chance (a fifth), but
// where half do for another reason, mcrouter's.
TEST_F(SpecTableTest, NeverIsWithNoHash) {
  struct Never {
    const char* row;
    std::string client;
    Options options;
    bool ketama = true;
    bool modula = true;
  };
  const std::vector<Never> nevers = {
      {kMd5Row, "uhashring", {{"hash_fn", "ketama"}}, false},
      {kMd5Row, "memcached-proxy", {}, false},
      {kMd5Row, "xmemcached", {}, false},
      {kMd5Row, "node-memcached", {}, false},
      {kLibketamaRow, "libketama", {}, false},
      {kCrc32Row, "pecl-memcache", {{"memcache.hash_strategy", "standard"}}, true, false},
      {kCrc32Row, "python-memcached", {}, true, false},
      {kCrc32Row, "cache-memcached", {}, true, false},
      {kCrc32Row, "cache-memcached-fast", {}, true, false},
      {kGomemcacheRow, "gomemcache", {}, true, false},
      {kMcrouterRow, "mcrouter-crc32", {}, true, false},
      {kNeverRow, "pecl-memcache", {}},
      {kNeverRow, "pecl-memcache", {{"memcache.hash_function", "fnv"}}},
      {kNeverRow, "pecl-memcache-session", {{"memcache.hash_strategy", "standard"}}},
      {kNeverRow, "php-memcached-session", {}},
      {kNeverRow, "php-memcached-session", {{"memcached.sess_prefix", ""}}},
      {kNeverRow, "libmemcached", {{"DISTRIBUTION", "CONSISTENT"}}},
      {kNeverRow, "libmemcached", {{"KETAMA", "1"}, {"HASH", "MURMUR"}}},
      {kNeverRow, "libmemcached", {{"DISTRIBUTION", "CONSISTENT_KETAMA_SPY"}}},
      {kNeverRow, "cache-memcached-fast", {{"ketama_points", "150"}}},
      {kNeverRow, "dalli", {}},
      {kNeverRow, "pymemcache", {}},
      {kNeverRow, "pymemcache", {{"key_type", "bytes"}}},
      {kNeverRow, "uhashring", {}},
      {kNeverRow, "memjs", {}},
      {kNeverRow, "envoy-ring-hash", {}},
      {kNeverRow, "envoy-maglev", {}},
      {kNeverRow, "mcrouter-ch3", {}},
      {kNeverRow, "mcrouter-weighted-ch3", {{"weights", "1,1,0.5,1,1"}}},
      {kNeverRow, "mcrouter-rendezvous", {{"tags", "a,b,c,d,e"}}},
  };
  const std::vector<std::string> keys = Keys();
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  for (const Never& never : nevers) {
    for (const HashFunction hash : kHashFunctions) {
      for (const Distribution distribution : {kKetama, kModula}) {
        if (distribution == kKetama ? !never.ketama : !never.modula) continue;
        const PoolConfig pool = Pool(hash, distribution, 5, {1}, Names::kHost);
        const Placement proxy = *Placement::Create(pool);
        const Result<ClientModel> client =
            ModelClient({never.client,
                         {proxy.servers().begin(), proxy.servers().end()},
                         never.options,
                         CharSign::kSigned});
        ASSERT_TRUE(client.ok()) << client.error().message;
        const double agreement = 1 - Compare(proxy, client->placement, views).fraction;
        EXPECT_LT(agreement, 0.4) << never.client << " " << HashName(hash) << " "
                                  << DistributionName(distribution) << " " << never.row;
      }
    }
  }
}

// libmemcached calls a socket "/path:0".
TEST_F(SpecTableTest, SocketsAgreeIfTheyAreNamedSo) {
  for (const bool named : {false, true}) {
    PoolConfig pool = Pool(kMd5, kKetama, 5, {1}, Names::kHost);
    for (Server& server : pool.servers) {
      server.host = "/tmp/" + server.host + ".sock";
      server.port = 0;
      server.name = named ? server.host + ":0" : server.host + ":";
      server.named = named;
    }
    const Placement proxy = *Placement::Create(pool);
    const Result<ClientModel> client = ModelClient(
        {"php-memcached", pool.servers, {{"OPT_LIBKETAMA_COMPATIBLE", "true"}}, CharSign::kSigned});
    ASSERT_TRUE(client.ok()) << client.error().message;
    const std::optional<ExactComparison> exact = Comparer(proxy, client->placement).Exact();
    ASSERT_TRUE(exact);
    EXPECT_EQ(exact->disagreements == 0, named);
  }
}

TEST_F(SpecTableTest, IsInTheReadme) {
  std::ifstream file(SHARDCACHE_README);
  const std::string readme{std::istreambuf_iterator<char>(file), {}};
  std::string table;
  for (const char* row : {kLibmemcachedRow, kSpymemcachedRow, kMd5Row, kLibketamaRow, kCrc32Row,
                          kGomemcacheRow, kMcrouterRow, kNeverRow}) {
    table += std::string(row) + "\n";
  }
  EXPECT_NE(readme.find(table), std::string::npos) << "README.md should have\n" << table;
}

}  // namespace
}  // namespace shardcache::testing
