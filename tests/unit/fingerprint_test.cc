#include <gtest/gtest.h>
#include <xxhash.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "shardcache/placement.h"
#include "tests/unit/pool_of.h"

namespace shardcache {
namespace {

using namespace std::string_view_literals;
using testing::MakePlacement;
using testing::PoolOf;

PoolConfig Pool(Distribution distribution = Distribution::kKetama) {
  return PoolOf({"10.0.0.1:11311:1", "10.0.0.2:11311:1", "10.0.0.3:11311:1"}, distribution);
}

std::uint64_t Of(const PoolConfig& pool) { return MakePlacement(pool).fingerprint(); }

template <typename Change>
PoolConfig Changed(Change change, Distribution distribution = Distribution::kKetama) {
  PoolConfig pool = Pool(distribution);
  change(pool);
  return pool;
}

TEST(Fingerprint, IsTheSameForWhatPlacesAlike) {
  const std::uint64_t same = Of(Pool());
  EXPECT_EQ(Of(Pool()), same);
  EXPECT_EQ(Of(Changed([](PoolConfig& pool) { std::swap(pool.servers[0], pool.servers[2]); })),
            same);
  EXPECT_EQ(Of(Changed([](PoolConfig& pool) { pool.name = "other"; })), same);
  EXPECT_EQ(Of(Changed([](PoolConfig& pool) { pool.timeout = std::chrono::milliseconds(1); })),
            same);
  EXPECT_EQ(Of(Changed([](PoolConfig& pool) { pool.servers[0].named = true; })), same);
}

TEST(Fingerprint, ChangesWithAnythingThatMovesAKey) {
  const std::uint64_t same = Of(Pool());
  EXPECT_NE(Of(Pool(Distribution::kModula)), same);
  EXPECT_NE(Of(Changed([](PoolConfig& pool) { pool.hash = HashFunction::kMd5; })), same);
  EXPECT_NE(Of(Changed([](PoolConfig& pool) { pool.char_sign = CharSign::kUnsigned; })), same);
  EXPECT_NE(Of(Changed([](PoolConfig& pool) { pool.hash_tag = HashTag{}; })), same);
  EXPECT_NE(Of(Changed([](PoolConfig& pool) { pool.servers[0].name = "a"; })), same);
  EXPECT_NE(Of(Changed([](PoolConfig& pool) { pool.servers[0].host = "10.0.0.9"; })), same);
  EXPECT_NE(Of(Changed([](PoolConfig& pool) { pool.servers[0].port = 1; })), same);
  EXPECT_NE(Of(Changed([](PoolConfig& pool) { pool.servers[0].weight = 2; })), same);
  EXPECT_NE(Of(Changed([](PoolConfig& pool) { pool.servers.pop_back(); })), same);
  const auto with_tag = [](char open, char close) {
    return Of(Changed([=](PoolConfig& pool) { pool.hash_tag = HashTag{open, close}; }));
  };
  EXPECT_NE(with_tag('{', '}'), with_tag('}', '{'));
}

TEST(Fingerprint, ChangesWithWhoIsLive) {
  for (Distribution distribution :
       {Distribution::kKetama, Distribution::kModula, Distribution::kRandom}) {
    const Placement all = MakePlacement(Pool(distribution));
    const auto live = [&](const std::vector<ServerIndex>& indexes) {
      return all.Restrict(indexes)->fingerprint();
    };
    EXPECT_EQ(live({0, 1, 2}), all.fingerprint());
    EXPECT_NE(live({0, 1}), all.fingerprint());
    EXPECT_NE(live({0, 1}), live({0, 2}));
  }
}

// Stated once more, byte by byte: processes of any version and machine compare fingerprints,
// so the bytes that are hashed may never change.
TEST(Fingerprint, IsXxh3OfTheDocumentedParts) {
  const PoolConfig pool = PoolOf({"h:11211:2 b", "h:11212:1 a"}, Distribution::kModula);
  const std::string_view bytes =
      "\x06\0\0\0modula"
      "\x08\0\0\0fnv1a_64"
      "\x01\0\0\0"  // char is signed
      "\0\0\0\0"    // no hash tag
      "\x02\0\0\0"  // servers: name, address, weight
      "\x01\0\0\0a\x07\0\0\0h:11212\x01\0\0\0"
      "\x01\0\0\0b\x07\0\0\0h:11211\x02\0\0\0"
      "\x02\0\0\0\0\0\0\0\x01\0\0\0"  // live: 0 and 1
      "\0\0\0\0"sv;                   // points
  EXPECT_EQ(Of(pool), XXH3_64bits(bytes.data(), bytes.size()));
}

}  // namespace
}  // namespace shardcache
