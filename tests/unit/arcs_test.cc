#include "lib/arcs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "lib/ketama.h"

namespace shardcache {
namespace {

using Arcs = std::map<std::pair<ServerIndex, ServerIndex>, std::uint64_t>;

constexpr std::uint64_t kCircle = std::uint64_t{1} << 32;
constexpr std::uint32_t kMax = 0xffffffff;

Arcs Visit(const std::vector<Point>& a, const std::vector<Point>& b) {
  Arcs arcs;
  internal::ForEachArc(a, b, [&](ServerIndex from, ServerIndex to, std::uint64_t hashes) {
    EXPECT_GT(hashes, 0U);
    arcs[{from, to}] += hashes;
  });
  return arcs;
}

// The same from the definition: between two neighbouring boundaries nothing changes, so one
// look-up stands for the whole stretch.
Arcs ByLookUp(const std::vector<Point>& a, const std::vector<Point>& b) {
  std::vector<std::uint32_t> ends = {kMax};
  for (const Point& point : a) ends.push_back(point.value);
  for (const Point& point : b) ends.push_back(point.value);
  std::sort(ends.begin(), ends.end());
  Arcs arcs;
  std::uint64_t begin = 0;
  for (std::uint32_t end : ends) {
    if (begin > end) continue;
    arcs[{internal::KetamaOwner(a, end), internal::KetamaOwner(b, end)}] +=
        std::uint64_t{end} + 1 - begin;
    begin = std::uint64_t{end} + 1;
  }
  return arcs;
}

TEST(ForEachArc, OfOnePointEachIsTheWholeCircle) {
  EXPECT_EQ(Visit({{7, 1}}, {{7, 2}}), (Arcs{{{1, 2}, kCircle}}));
  EXPECT_EQ(Visit({{0, 1}}, {{kMax, 2}}), (Arcs{{{1, 2}, kCircle}}));
}

TEST(ForEachArc, EndsAnArcAtItsPoint) {
  EXPECT_EQ(Visit({{9, 0}, {19, 1}}, {{9, 0}, {19, 1}}),
            (Arcs{{{0, 0}, 10 + kCircle - 20}, {{1, 1}, 10}}));
  EXPECT_EQ(Visit({{0, 0}, {kMax, 1}}, {{0, 0}, {kMax, 1}}),
            (Arcs{{{0, 0}, 1}, {{1, 1}, kCircle - 1}}));
}

TEST(ForEachArc, GivesTheFirstOfEqualPointsTheirArc) {
  EXPECT_EQ(Visit({{9, 0}, {9, 1}, {99, 2}}, {{9, 5}}),
            (Arcs{{{0, 5}, 10 + kCircle - 100}, {{2, 5}, 90}}));
}

TEST(ForEachArc, AgreesWithLookUpsOnRandomRings) {
  std::mt19937 random(6);
  for (int round = 0; round < 2000; ++round) {
    // Few different values on some rounds, so that points coincide.
    const std::uint32_t range = round % 2 == 0 ? 20 : kMax;
    const auto make = [&] {
      std::vector<Point> ring(1 + random() % 30);
      for (Point& point : ring)
        point = {static_cast<std::uint32_t>(random() % range),
                 static_cast<ServerIndex>(random() % 5)};
      std::stable_sort(ring.begin(), ring.end(),
                       [](const Point& p, const Point& q) { return p.value < q.value; });
      return ring;
    };
    const std::vector<Point> a = make();
    const std::vector<Point> b = make();
    ASSERT_EQ(Visit(a, b), ByLookUp(a, b));
  }
}

}  // namespace
}  // namespace shardcache
