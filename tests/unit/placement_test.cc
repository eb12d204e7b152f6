#include "shardcache/placement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "lib/ketama.h"
#include "tests/unit/pool_of.h"
#include "tests/unit/ring_tie.h"

namespace shardcache {
namespace {

using testing::EqualPool;
using testing::FindRingTies;
using testing::MakePlacement;
using testing::OwnerName;
using testing::PoolOf;
using testing::RingTie;

constexpr std::uint32_t kMax = 0xffffffff;

std::vector<std::string> Names(const Placement& placement) {
  std::vector<std::string> names;
  for (const Server& server : placement.servers()) names.push_back(server.name);
  return names;
}

// The rule of the ring from its definition: the first point at or after `hash`, in order.
ServerIndex FirstAtOrAfter(const std::vector<Point>& points, std::uint32_t hash) {
  for (const Point& point : points) {
    if (point.value >= hash) return point.owner;
  }
  return points.front().owner;
}

TEST(Placement, SortsServersByRingNameShorterFirst) {
  const Placement placement =
      MakePlacement(PoolOf({"h:1:1 zz", "h:2:1 b", "h:3:1 aaa", "h:4:1 a", "h:5:1 Z"}));
  EXPECT_EQ(Names(placement), (std::vector<std::string>{"Z", "a", "b", "zz", "aaa"}));
}

TEST(Ketama, OwnsUpToAndIncludingEachPoint) {
  const Placement placement =
      MakePlacement(PoolOf({"h:1:1 a", "h:2:5 b", "h:3:100 c", "h:4:7 d", "h:5:1 e"}));
  const std::vector<Point> points = placement.points();
  ASSERT_FALSE(points.empty());
  for (const Point& point : points) {
    for (std::uint32_t hash : {point.value - 1, point.value, point.value + 1}) {
      ASSERT_EQ(placement.LocateHash(hash), FirstAtOrAfter(points, hash)) << hash;
    }
  }
}

TEST(Ketama, WrapsFromTheLastPointToTheFirst) {
  const Placement placement = MakePlacement(EqualPool(5));
  const std::vector<Point> points = placement.points();
  EXPECT_EQ(placement.LocateHash(0), points.front().owner);
  EXPECT_EQ(placement.LocateHash(kMax), points.front().owner);
  ASSERT_LT(points.back().value, kMax);
  EXPECT_EQ(placement.LocateHash(points.back().value), points.back().owner);
  EXPECT_EQ(placement.LocateHash(points.back().value + 1), points.front().owner);
}

TEST(Ketama, PointsAreSortedAndCountedByPointCount) {
  for (std::uint32_t size : {2U, 25U, 26U, 50U, 122U}) {
    const Placement placement = MakePlacement(EqualPool(size));
    const std::vector<Point> points = placement.points();
    EXPECT_TRUE(std::is_sorted(points.begin(), points.end(), [](const Point& a, const Point& b) {
      return std::pair(a.value, a.owner) < std::pair(b.value, b.owner);
    }));
    std::map<ServerIndex, std::uint32_t> counts;
    for (const Point& point : points) ++counts[point.owner];
    const bool fewer = size == 25 || size == 50 || size == 122;  // see ketama_groups_test.cc
    for (ServerIndex index = 0; index < size; ++index) {
      EXPECT_EQ(counts[index], fewer ? 156U : 160U);
      EXPECT_EQ(counts[index], placement.PointCount(index));
    }
  }
}

TEST(Ketama, GivesATieToTheLowerServerIndex) {
  const std::vector<RingTie> ties = FindRingTies();
  ASSERT_FALSE(ties.empty());
  for (const RingTie& tie : ties) {
    const std::string first = "h:1:1 " + tie.first;
    const std::string second = "h:2:1 " + tie.second;
    // Whichever line of the file comes first.
    for (const auto& lines : {std::vector{first, second}, std::vector{second, first}}) {
      const Placement placement = MakePlacement(PoolOf(lines));
      EXPECT_EQ(placement.server(placement.LocateHash(tie.value)).name, tie.first);
      const std::vector<Point> points = placement.points();
      const auto at = std::find(points.begin(), points.end(), Point{tie.value, 0});
      ASSERT_NE(at, points.end());
      EXPECT_EQ(*std::next(at), (Point{tie.value, 1}));
      EXPECT_EQ(placement.LocateHash(tie.value + 1), FirstAtOrAfter(points, tie.value + 1));
    }
  }
}

TEST(Ketama, GivesNothingToAServerWithoutPoints) {
  const Placement placement = MakePlacement(PoolOf({"h:1:100000 a", "h:2:1 b"}));
  EXPECT_EQ(placement.PointCount(1), 0U);
  EXPECT_EQ(placement.Shares()[1], 0);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(placement.Locate(std::to_string(i)), 0U);
}

TEST(Ketama, CutsTheTextOfAPointAt272Bytes) {
  const std::string name(271, 'n');  // name and '-' fill the buffer: the number is lost
  std::vector<Point> points;
  internal::AppendKetamaPoints(name, 0, 2, points);
  ASSERT_EQ(points.size(), 8U);
  EXPECT_EQ(std::vector(points.begin(), points.begin() + 4),
            std::vector(points.begin() + 4, points.end()));
}

TEST(OneServer, GetsEveryKeyWhateverItsDistribution) {
  for (Distribution distribution :
       {Distribution::kKetama, Distribution::kModula, Distribution::kRandom}) {
    const Placement placement = MakePlacement(PoolOf({"h:1:3 only"}, distribution));
    for (std::string_view key : {"", "a", "b"}) EXPECT_EQ(placement.Locate(key), 0U);
    for (std::uint32_t hash : {0U, 1U, kMax}) EXPECT_EQ(placement.LocateHash(hash), 0U);
    ASSERT_EQ(placement.Shares().size(), 1U);
    EXPECT_DOUBLE_EQ(placement.Shares()[0], 1);
  }
}

TEST(Modula, CountsThroughATableOfServersRepeatedByWeight) {
  const Placement placement =
      MakePlacement(PoolOf({"h:1:3 c", "h:2:1 a", "h:3:2 b"}, Distribution::kModula));
  const std::vector<ServerIndex> table = {0, 1, 1, 2, 2, 2};
  for (std::uint32_t hash = 0; hash < 60; ++hash) {
    EXPECT_EQ(placement.LocateHash(hash), table[hash % 6]) << hash;
  }
  EXPECT_EQ(placement.LocateHash(kMax), table[kMax % 6]);
  EXPECT_TRUE(placement.points().empty());
  EXPECT_EQ(placement.PointCount(2), 3U);
}

TEST(Modula, TakesHugeWeightsWithoutSpellingTheTableOut) {
  const Placement placement = MakePlacement(
      PoolOf({"h:1:2147483647 a", "h:2:2147483647 b", "h:3:1 c"}, Distribution::kModula));
  // The table has 4294967295 slots: two halves of 2147483647, and the last one.
  EXPECT_EQ(placement.LocateHash(0), 0U);
  EXPECT_EQ(placement.LocateHash(2147483646), 0U);
  EXPECT_EQ(placement.LocateHash(2147483647), 1U);
  EXPECT_EQ(placement.LocateHash(4294967293), 1U);
  EXPECT_EQ(placement.LocateHash(4294967294), 2U);
  EXPECT_EQ(placement.LocateHash(4294967295), 0U);
}

TEST(Random, DrawsALiveServerFromTheInjectedSource) {
  std::uint32_t next = 0;
  const Placement all = MakePlacement(
      PoolOf({"h:1:9 a", "h:2:1 b", "h:3:1 c"}, Distribution::kRandom), [&] { return next++; });
  std::vector<ServerIndex> owners;
  for (int i = 0; i < 6; ++i) owners.push_back(all.Locate("one key"));
  EXPECT_EQ(owners, (std::vector<ServerIndex>{0, 1, 2, 0, 1, 2}));

  const std::vector<ServerIndex> live = {2, 0};
  const Result<Placement> some = all.Restrict(live);
  ASSERT_TRUE(some.ok());
  owners.clear();
  for (int i = 0; i < 4; ++i) owners.push_back(some->Locate("one key"));
  EXPECT_EQ(owners, (std::vector<ServerIndex>{0, 2, 0, 2}));
  EXPECT_EQ(some->Shares(), (std::vector<double>{0.5, 0, 0.5}));
}

TEST(Random, IsEvenWithTheGeneratorOfItsOwnOnEveryThread) {
  const Placement placement = MakePlacement(EqualPool(4, Distribution::kRandom));
  std::vector<std::map<ServerIndex, int>> counts(2);
  std::vector<std::thread> threads;
  for (auto& mine : counts) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20000; ++i) ++mine[placement.Locate("key")];
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& mine : counts) {
    EXPECT_EQ(mine.size(), 4U);
    // 5,000 expected with a deviation of 61: a wrong alarm is rarer than one in 10^15.
    for (const auto& [server, count] : mine) EXPECT_NEAR(count, 5000, 500) << server;
  }
}

TEST(EmptyKey, HashesToZeroWhateverTheHash) {
  for (HashFunction hash : kHashFunctions) {
    for (Distribution distribution : {Distribution::kKetama, Distribution::kModula}) {
      PoolConfig pool = PoolOf({"h:1:1 a", "h:2:1 b", "h:3:1 c"}, distribution, hash);
      EXPECT_EQ(MakePlacement(pool).Locate(""), MakePlacement(pool).LocateHash(0));
      pool.hash_tag = HashTag{'{', '}'};
      // The tag is empty, so the whole key counts, and it is not an empty key.
      EXPECT_EQ(MakePlacement(pool).HashedPart("{}"), "{}");
    }
  }
}

TEST(HashTag, LeavesWhatStandsBetweenItsTwoBytes) {
  PoolConfig pool = EqualPool(3);
  pool.hash_tag = HashTag{'{', '}'};
  const Placement placement = MakePlacement(pool);
  const std::vector<std::pair<std::string_view, std::string_view>> cases = {
      {"user:{42}:name", "42"},
      {"{42}", "42"},
      {"{42", "{42"},
      {"42}", "42}"},
      {"}42{", "}42{"},
      {"{}42", "{}42"},
      {"a{}b{c}", "a{}b{c}"},
      {"a{b{c}d}", "b{c"},
      {"a}b{c}d", "c"},
      {"{a}{b}", "a"},
      {"", ""},
      {"{", "{"},
      {"plain", "plain"},
  };
  for (const auto& [key, part] : cases) EXPECT_EQ(placement.HashedPart(key), part) << key;
  EXPECT_EQ(placement.Locate("user:{42}:name"), placement.Locate("42"));
  EXPECT_EQ(placement.Locate("other:{42}"), placement.Locate("42"));
}

TEST(HashTag, MayBeOneByteTwice) {
  PoolConfig pool = EqualPool(3);
  pool.hash_tag = HashTag{'$', '$'};
  const Placement placement = MakePlacement(pool);
  EXPECT_EQ(placement.HashedPart("a$b$c$d"), "b");
  EXPECT_EQ(placement.HashedPart("a$$b$"), "a$$b$");
  EXPECT_EQ(placement.HashedPart("a$b"), "a$b");
}

TEST(HashTag, MayBeBytesAbove127) {
  PoolConfig pool = EqualPool(3);
  pool.hash_tag = HashTag{'\xc3', '\xa9'};
  EXPECT_EQ(MakePlacement(pool).HashedPart("a\xc3z\xa9"), "z");
  EXPECT_EQ(MakePlacement(pool).HashedPart("caf\xc3\xa9"), "caf\xc3\xa9");
}

TEST(CharSign, DecidesWhereKeysWithHighBytesGo) {
  PoolConfig pool = EqualPool(10);
  const Placement x86 = MakePlacement(pool);
  pool.char_sign = CharSign::kUnsigned;
  const Placement arm = MakePlacement(pool);
  int differ = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string ascii = "key:" + std::to_string(i);
    EXPECT_EQ(x86.Locate(ascii), arm.Locate(ascii));
    differ += x86.Locate("cl\xc3\xa9" + ascii) != arm.Locate("cl\xc3\xa9" + ascii);
  }
  EXPECT_GT(differ, 800);
}

TEST(Locate, OfManyKeysIsTheSameAsOfEach) {
  std::mt19937 random(7);
  std::vector<std::string> keys = {"", "{}", "{a}"};
  for (int i = 0; i < 3000; ++i) {
    std::string key(random() % 60, '\0');
    for (char& byte : key) byte = static_cast<char>(random());
    keys.push_back(key + (i % 2 == 0 ? "{tag" + std::to_string(i) + "}" : ""));
  }
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  for (HashFunction hash : kHashFunctions) {
    for (Distribution distribution : {Distribution::kKetama, Distribution::kModula}) {
      for (bool tagged : {false, true}) {
        for (CharSign sign : {CharSign::kSigned, CharSign::kUnsigned}) {
          PoolConfig pool = PoolOf({"h:1:1 a", "h:2:2 b", "h:3:3 c"}, distribution, hash);
          pool.char_sign = sign;
          if (tagged) pool.hash_tag = HashTag{};
          const Placement placement = MakePlacement(pool);
          std::vector<ServerIndex> owners(views.size());
          placement.Locate(views, owners);
          for (std::size_t i = 0; i < keys.size(); ++i) {
            ASSERT_EQ(owners[i], placement.Locate(keys[i])) << HashName(hash) << " key " << i;
          }
        }
      }
    }
  }
}

TEST(Restrict, IsThePlacementOfTheLiveServersAlone) {
  const std::vector<std::string> lines = {"h:1:1 a", "h:2:5 b", "h:3:2 c", "h:4:1 d", "h:5:9 e"};
  for (Distribution distribution : {Distribution::kKetama, Distribution::kModula}) {
    const Placement all = MakePlacement(PoolOf(lines, distribution));
    for (unsigned mask = 1; mask < 32; ++mask) {
      std::vector<ServerIndex> live;
      std::vector<std::string> rest;
      for (ServerIndex i = 0; i < 5; ++i) {
        if ((mask >> i & 1) == 0) continue;
        live.push_back(i);
        rest.push_back(lines[i]);
      }
      const Result<Placement> restricted = all.Restrict(live);
      ASSERT_TRUE(restricted.ok());
      EXPECT_TRUE(std::equal(live.begin(), live.end(), restricted->live().begin(),
                             restricted->live().end()));
      const Placement alone = MakePlacement(PoolOf(rest, distribution));
      for (int i = 0; i < 200; ++i) {
        const std::string key = "key:" + std::to_string(i);
        ASSERT_EQ(OwnerName(*restricted, key), OwnerName(alone, key));
      }
      for (ServerIndex i = 0; i < 5; ++i) {
        const bool is_live = (mask >> i & 1) != 0;
        EXPECT_EQ(restricted->is_live(i), is_live);
        EXPECT_EQ(restricted->PointCount(i) > 0, is_live);
        EXPECT_EQ(restricted->Shares()[i] > 0, is_live);
      }
    }
  }
}

TEST(Restrict, StartsFromTheWholePoolWhoeverIsLive) {
  const Placement all = MakePlacement(EqualPool(5));
  const Result<Placement> one = all.Restrict(std::vector<ServerIndex>{3});
  ASSERT_TRUE(one.ok());
  EXPECT_EQ(one->Locate("any"), 3U);
  const Result<Placement> again = one->Restrict(std::vector<ServerIndex>{4, 1, 1, 0, 2, 3, 4});
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->fingerprint(), all.fingerprint());
  EXPECT_EQ(again->points(), all.points());
}

TEST(Restrict, RefusesNoServersAndUnknownOnes) {
  const Placement all = MakePlacement(EqualPool(3));
  const Result<Placement> none = all.Restrict({});
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, ErrorCode::kInvalidArgument);
  const Result<Placement> unknown = all.Restrict(std::vector<ServerIndex>{0, 3});
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(unknown.error().message.find("no server 3"), std::string::npos);
}

// Spec: when a pool goes from 26 live servers to 25, each survivor loses 4 points.
TEST(Restrict, From26EqualServersTo25TakesFourPointsOfEachSurvivor) {
  const Placement before = MakePlacement(EqualPool(26));
  std::vector<ServerIndex> live(25);
  std::iota(live.begin(), live.end(), 0);
  const Result<Placement> after = before.Restrict(live);
  ASSERT_TRUE(after.ok());
  for (ServerIndex index : live) {
    EXPECT_EQ(before.PointCount(index), 160U);
    EXPECT_EQ(after->PointCount(index), 156U);
  }
}

TEST(Shares, OfKetamaAreTheArcsOfThePoints) {
  const Placement placement = MakePlacement(PoolOf({"h:1:1 a", "h:2:2 b", "h:3:3 c"}));
  const std::vector<double> shares = placement.Shares();
  EXPECT_NEAR(std::accumulate(shares.begin(), shares.end(), 0.0), 1, 1e-12);
  std::vector<std::uint64_t> hashes(3);
  const std::vector<Point> points = placement.points();
  std::uint64_t before = points.back().value;
  for (const Point& point : points) {
    hashes[point.owner] += static_cast<std::uint32_t>(point.value - before);
    before = point.value;
  }
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(shares[i], static_cast<double>(hashes[i]) / 4294967296.0, 1e-12);
  }
}

TEST(Shares, OfModulaAreTheWeights) {
  const Placement placement =
      MakePlacement(PoolOf({"h:1:1 a", "h:2:2 b", "h:3:1 c"}, Distribution::kModula));
  EXPECT_EQ(placement.Shares(), (std::vector<double>{0.25, 0.5, 0.25}));
}

TEST(Create, RefusesWhatCannotBePlaced) {
  const auto refusal = [](const PoolConfig& pool) {
    const Result<Placement> placement = Placement::Create(pool);
    EXPECT_FALSE(placement.ok());
    if (placement.ok()) return Error{};
    EXPECT_EQ(placement.error().code, ErrorCode::kInvalidConfig);
    EXPECT_NE(placement.error().message.find("'alpha'"), std::string::npos);
    return placement.error();
  };
  EXPECT_NE(refusal(PoolOf({})).message.find("no servers"), std::string::npos);
  EXPECT_EQ(refusal(PoolOf({"h:1:1 same", "h:2:1 same"})).server, "same");
  PoolConfig pool = PoolOf({"h:1:1 a", "h:2:1 b"});
  pool.servers[1].weight = 0;
  EXPECT_EQ(refusal(pool).server, "b");
  pool.servers[1].weight = 2147483648;
  EXPECT_EQ(refusal(pool).server, "b");
  EXPECT_NE(refusal(PoolOf({"h:1:2147483647 a", "h:2:2147483647 b", "h:3:2 c"}))
                .message.find("4294967296"),
            std::string::npos);
}

}  // namespace
}  // namespace shardcache
