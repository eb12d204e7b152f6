// Models of programs that no test can run, beside what the programs' own tests expect of them.
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <numeric>

#include "lib/hash/foreign.h"
#include "lib/interop/envoy.h"
#include "shardcache/interop.h"

namespace shardcache::testing {
namespace {

using internal::EnvoyHash;
using internal::EnvoyHost;
using internal::EnvoyMaglevTable;
using internal::EnvoyRing;

// folly/test/SpookyHashV2Test.cpp, TestResults: of the bytes 128, 129... (modulo 256), so many.
TEST(SpookyHashTest, IsThatOfFolly) {
  std::string bytes;
  for (int i = 0; i < 512; ++i) bytes += static_cast<char>(i + 128);
  const std::vector<std::pair<std::size_t, std::uint32_t>> expected = {
      {0, 0x6bf50919},   {1, 0x70de1d26},   {2, 0xa2b37298},   {3, 0x35bc5fbf},   {4, 0x8223b279},
      {7, 0xf9f1a233},   {8, 0xee193982},   {9, 0x54f86f29},   {12, 0x5f23d1da},  {15, 0x83ec01f9},
      {16, 0xf274736c},  {17, 0x7e9ac0df},  {31, 0x027bca7c},  {32, 0xe5cfc8b6},  {33, 0xce01d9d7},
      {63, 0x09c1afb4},  {64, 0x069c8bb7},  {127, 0x82356bf2}, {128, 0x94e948ec}, {191, 0xe13d9e19},
      {192, 0x77e012bd}, {193, 0x2d05114c}, {255, 0x2f40ee0b}, {256, 0x38cebf03}, {319, 0xf3a1526c},
      {383, 0x4827f45c}, {447, 0xf04af50f}, {511, 0xcc1c8250}};
  for (const auto& [size, hash] : expected) {
    EXPECT_EQ(internal::SpookyV2_32(std::string_view(bytes).substr(0, size), 0), hash) << size;
  }
}

std::vector<Server> Servers(std::size_t count) {
  std::vector<Server> servers(count);
  for (std::size_t i = 0; i < count; ++i) {
    servers[i].host = "10." + std::to_string(i >> 16) + "." + std::to_string(i >> 8 & 255) + "." +
                      std::to_string(i & 255);
    servers[i].name = servers[i].host;
    servers[i].port = 11211;
  }
  return servers;
}

Placement Mcrouter(const std::string& function, std::size_t servers,
                   const std::vector<ClientOption>& options = {}) {
  Result<ClientModel> model =
      ModelClient({"mcrouter-" + function, Servers(servers), options, CharSign::kSigned});
  EXPECT_TRUE(model.ok()) << (model.ok() ? "" : model.error().message);
  return model->placement;
}

std::string Repeated(const std::string& text, std::size_t count) {
  std::string all = text;
  for (std::size_t i = 1; i < count; ++i) all += "," + text;
  return all;
}

// How many of `count` keys, made of their numbers, each server has.
std::vector<std::size_t> Counts(const Placement& placement, int count, const std::string& prefix) {
  std::vector<std::size_t> counts(placement.servers().size());
  for (int i = 0; i < count; ++i) ++counts[placement.Locate(prefix + std::to_string(i))];
  return counts;
}

// The sum that mcrouter's tests make of the servers of k0, k1...
std::uint32_t Sum(const Placement& placement, int count) {
  std::uint32_t sum = 0;
  for (int i = 0; i < count; ++i) sum = sum * 31 + placement.Locate("k" + std::to_string(i));
  return sum;
}

// mcrouter/lib/test/WeightedCh3HashFuncTest.cpp, which expects the same of Ch3.
TEST(McrouterTest, Ch3IsThatOfItsTests) {
  EXPECT_EQ(Mcrouter("ch3", 100).Locate("sample"), 97U);
  EXPECT_EQ(Mcrouter("ch3", 100).Locate(""), 72U);
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i - 128);
  // Without the part of the key that mcrouter would cut off before it hashes.
  ASSERT_EQ(bytes.find("|#|"), std::string::npos);
  EXPECT_EQ(Mcrouter("ch3", 99999).Locate(bytes), 31015U);
  EXPECT_EQ(Mcrouter("ch3", 99999).Locate(std::string(bytes.rbegin(), bytes.rend())), 67101U);
  EXPECT_EQ(Counts(Mcrouter("ch3", 3), 1000, ""), (std::vector<std::size_t>{307, 342, 351}));
  EXPECT_EQ(Sum(Mcrouter("ch3", 2), 100000), 1346413954U);
  EXPECT_EQ(Sum(Mcrouter("ch3", 3), 100000), 914505363U);
  EXPECT_EQ(Sum(Mcrouter("ch3", 7), 100000), 4252552508U);
  EXPECT_EQ(Sum(Mcrouter("ch3", 16), 100000), 2995729350U);
  EXPECT_EQ(Sum(Mcrouter("ch3", 1000), 100000), 2251851331U);
}

TEST(McrouterTest, WeightedCh3IsThatOfItsTests) {
  const auto weighted = [](std::size_t servers, const std::string& weights) {
    return Mcrouter("weighted-ch3", servers, {{"weights", weights}});
  };
  EXPECT_EQ(weighted(100, Repeated("1.0", 100)).Locate("sample"), 97U);
  EXPECT_EQ(weighted(100, Repeated("0", 100)).Locate("sample"), 59U);
  EXPECT_EQ(weighted(100, Repeated("0", 100)).Locate(""), 45U);
  EXPECT_EQ(Counts(weighted(3, "1.0,1.0,0.7"), 1000, ""),
            (std::vector<std::size_t>{341, 371, 288}));
  EXPECT_EQ(Counts(weighted(10, "0.429,0.541,0.117,0.998,0.283,0.065,0.109,0.042,0.676,0.943"),
                   10000, ""),
            (std::vector<std::size_t>{1016, 1252, 288, 2354, 661, 195, 247, 122, 1668, 2197}));
  const std::vector<std::pair<std::size_t, std::uint32_t>> half = {
      {2, 2395690262}, {10, 547444706}, {100, 2951198297}, {1000, 1336857622}};
  for (const auto& [servers, sum] : half) {
    EXPECT_EQ(Sum(weighted(servers, Repeated("0.5", servers)), 10000), sum);
  }
  const std::vector<std::pair<std::size_t, std::uint32_t>> zero = {
      {2, 3431444300}, {10, 1290067504}, {100, 2604325093}, {1000, 337394182}};
  for (const auto& [servers, sum] : zero) {
    EXPECT_EQ(Sum(weighted(servers, Repeated("0", servers)), 10000), sum);
  }
  // Missing weights are 0.5.
  EXPECT_EQ(Sum(weighted(10, "0.5"), 10000), 547444706U);
}

// mcrouter/lib/test/RendezvousHashTest.cpp.
TEST(McrouterTest, RendezvousIsThatOfItsTests) {
  const auto rendezvous = [](std::size_t servers) {
    std::string tags;
    for (std::size_t i = 0; i < servers; ++i) {
      tags += (i == 0 ? "xxx." : ",xxx.") + std::to_string(i) + ".yy";
    }
    return Mcrouter("rendezvous", servers, {{"tags", tags}});
  };
  for (const char* key : {"sample", "", "mykey"}) EXPECT_EQ(rendezvous(3).Locate(key), 1U);
  EXPECT_EQ(rendezvous(343).Locate("sample"), 45U);
  EXPECT_EQ(rendezvous(343).Locate(""), 291U);
  EXPECT_EQ(rendezvous(343).Locate("mykey"), 132U);
  EXPECT_EQ(Counts(rendezvous(3), 1000, "mykey:"), (std::vector<std::size_t>{337, 353, 310}));
  EXPECT_EQ(Counts(rendezvous(10), 10000, "mykey:"),
            (std::vector<std::size_t>{947, 1026, 1028, 981, 1016, 970, 1013, 939, 1023, 1057}));
}

TEST(McrouterTest, ASaltIsHashedBehindTheKey) {
  const Placement plain = Mcrouter("ch3", 50);
  const Placement salted = Mcrouter("ch3", 50, {{"salt", "s"}});
  EXPECT_EQ(salted.Locate("key"), plain.Locate("keys"));
  EXPECT_EQ(salted.Locate("/region/cluster/key|#|rest"), plain.Locate("keys"));
  EXPECT_EQ(salted.SentKey("key"), "key");
}

TEST(McrouterTest, RefusesWhatMcrouterRefuses) {
  const auto refused = [](const std::string& client, const std::vector<ClientOption>& options) {
    return !ModelClient({client, Servers(3), options, CharSign::kSigned}).ok();
  };
  EXPECT_TRUE(refused("mcrouter-weighted-ch3", {}));
  EXPECT_TRUE(refused("mcrouter-weighted-ch3", {{"weights", "1,2,1"}}));
  EXPECT_TRUE(refused("mcrouter-weighted-ch3", {{"weights", "1,x,1"}}));
  EXPECT_TRUE(refused("mcrouter-rendezvous", {}));
  EXPECT_TRUE(refused("mcrouter-rendezvous", {{"tags", "a,b"}}));
}

std::vector<EnvoyHost> Hosts(int first, const std::vector<std::uint32_t>& weights) {
  std::vector<EnvoyHost> hosts;
  for (const std::uint32_t weight : weights) {
    hosts.push_back({"127.0.0.1:" + std::to_string(first++), weight});
  }
  return hosts;
}

constexpr std::uint64_t kNoMaximum = 8388608;
constexpr std::uint64_t kLast = std::numeric_limits<std::uint64_t>::max();

// test/extensions/load_balancing_policies/ring_hash/ring_hash_lb_test.cc: Basic.
TEST(EnvoyRingTest, HasThePointsOfItsTests) {
  const EnvoyRing ring(Hosts(90, {1, 1, 1, 1, 1, 1}), 12, kNoMaximum, EnvoyHash::kXxHash);
  const std::vector<std::pair<std::uint64_t, ServerIndex>> points = {
      {833437586790550860, 4},    {928266305478181108, 2},    {1033482794131418490, 0},
      {3551244743356806947, 5},   {3851675632748031481, 3},   {5583722120771150861, 1},
      {6311230543546372928, 1},   {7700377290971790572, 3},   {13144177310400110813U, 5},
      {13444792449719432967U, 2}, {15516499411664133160U, 4}, {16117243373044804889U, 0}};
  for (std::size_t i = 0; i < points.size(); ++i) {
    EXPECT_EQ(ring.Locate(points[i].first), points[i].second);
    EXPECT_EQ(ring.Locate(points[i].first + 1), points[(i + 1) % points.size()].second);
  }
  EXPECT_EQ(ring.Locate(0), 4U);
  EXPECT_EQ(ring.Locate(kLast), 4U);
}

// BasicWithMurmur2.
TEST(EnvoyRingTest, HasTheMurmurPointsOfItsTests) {
  const EnvoyRing ring(Hosts(80, {1, 1, 1, 1, 1, 1}), 12, kNoMaximum, EnvoyHash::kMurmurHash2);
  const std::vector<std::pair<std::uint64_t, ServerIndex>> points = {
      {1358027074129602068, 5},   {4361834613929391114, 3},   {7224494972555149682, 4},
      {7701421856454313576, 1},   {8649315368077433379, 2},   {8739448859063030639, 4},
      {9887544217113020895U, 1},  {10150910876324007731U, 2}, {15168472011420622455U, 3},
      {15427156902705414897U, 0}, {16375050414328759093U, 5}, {17613279263364193813U, 0}};
  for (std::size_t i = 0; i < points.size(); ++i) {
    EXPECT_EQ(ring.Locate(points[i].first), points[i].second);
    EXPECT_EQ(ring.Locate(points[i].first + 1), points[(i + 1) % points.size()].second);
  }
}

// HostWeightedTinyRing.
TEST(EnvoyRingTest, IsCutToItsMaximum) {
  const EnvoyRing ring(Hosts(90, {1, 2, 3}), 6, 6, EnvoyHash::kXxHash);
  const std::vector<std::pair<std::uint64_t, ServerIndex>> points = {
      {928266305478181108, 2},  {4443673547860492590, 2},   {5583722120771150861, 1},
      {6311230543546372928, 1}, {13444792449719432967U, 2}, {16117243373044804889U, 0}};
  for (const auto& [hash, owner] : points) EXPECT_EQ(ring.Locate(hash), owner);
}

std::vector<int> Spread(const EnvoyRing& ring, int hosts, std::uint64_t hashes) {
  std::vector<int> counts(static_cast<std::size_t>(hosts));
  for (std::uint64_t i = 0; i < hashes; ++i) ++counts[ring.Locate(i * (kLast / hashes))];
  return counts;
}

// HostWeightedLargeRing, LargeFractionalScale.
TEST(EnvoyRingTest, SpreadsAsInItsTests) {
  EXPECT_EQ(Spread({Hosts(90, {1, 2, 3}), 6144, kNoMaximum, EnvoyHash::kXxHash}, 3, 6000),
            (std::vector<int>{987, 1932, 3081}));
  EXPECT_EQ(Spread({Hosts(90, {1, 1}), 1023, 1023, EnvoyHash::kXxHash}, 2, 1023),
            (std::vector<int>{526, 497}));
}

// test/extensions/load_balancing_policies/maglev/maglev_lb_test.cc: Basic, BasicWithHostName,
// Weighted.
TEST(EnvoyMaglevTest, HasTheTablesOfItsTests) {
  EXPECT_EQ(EnvoyMaglevTable(Hosts(90, {1, 1, 1, 1, 1, 1}), 7),
            (std::vector<ServerIndex>{2, 4, 0, 1, 5, 0, 3}));
  std::vector<EnvoyHost> named;
  for (const char* name : {"90", "91", "92", "93", "94", "95"}) named.push_back({name});
  EXPECT_EQ(EnvoyMaglevTable(named, 7), (std::vector<ServerIndex>{2, 5, 0, 3, 4, 1, 0}));
  EXPECT_EQ(EnvoyMaglevTable(Hosts(90, {1, 2}), 17),
            (std::vector<ServerIndex>{1, 0, 0, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 0, 1, 0, 1}));
}

// redis_proxy hashes keys by MurmurHash2 with the seed of std::hash of libstdc++.
TEST(EnvoyTest, HashesKeysAsLibstdcxxDoes) {
#ifdef __GLIBCXX__
  for (const std::string key : {"", "a", "user:42", "12345678", "123456789", "h\xc3\xb6he"}) {
    EXPECT_EQ(internal::EnvoyHashOf(EnvoyHash::kMurmurHash2, key), std::hash<std::string>()(key));
  }
#endif
  const auto locate = [](const std::vector<ClientOption>& options, std::string_view key) {
    return ModelClient({"envoy-maglev", Servers(40), options, CharSign::kSigned})
        ->placement.Locate(key);
  };
  EXPECT_EQ(locate({{"enable_hashtagging", "true"}}, "a{user:42}b"), locate({}, "user:42"));
  EXPECT_EQ(locate({{"enable_hashtagging", "true"}}, "a{}b"), locate({}, "a{}b"));
  EXPECT_EQ(locate({{"enable_hashtagging", "true"}}, "{a"), locate({}, "{a"));
  EXPECT_FALSE(
      ModelClient({"envoy-maglev", Servers(2), {{"table_size", "8"}}, CharSign::kSigned}).ok());
}

}  // namespace
}  // namespace shardcache::testing
