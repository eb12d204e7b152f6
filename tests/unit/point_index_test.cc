// The look-up in constant time finds what a binary search finds.
#include "lib/point_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <limits>
#include <random>
#include <vector>

#include "lib/ketama.h"
#include "tests/unit/effort.h"

namespace shardcache {
namespace {

using internal::PointIndex;

constexpr std::uint64_t kCircle = std::uint64_t{1} << 32;
constexpr std::uint32_t kMax = std::numeric_limits<std::uint32_t>::max();

PointIndex MakeIndex(const std::vector<Point>& points, std::uint64_t range) {
  ServerIndex last = 0;
  for (const Point& point : points) last = std::max(last, point.owner);
  PointIndex index(points.size(), std::size_t{last} + 1, range);
  PointIndex::Writer writer(index);
  for (const Point& point : points) writer.Add(point);
  writer.Finish();
  return index;
}

void Check(const PointIndex& index, const std::vector<Point>& points, std::uint64_t range,
           std::vector<std::uint32_t> values) {
  std::erase_if(values, [&](std::uint32_t value) { return value >= range; });
  std::vector<ServerIndex> owners(values.size());
  index.Owners(values, owners);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const ServerIndex wanted = internal::KetamaOwner(points, values[i]);
    ASSERT_EQ(index.Owner(values[i]), wanted) << values[i] << ", " << points.size() << " points";
    ASSERT_EQ(owners[i], wanted) << values[i] << ", " << points.size() << " points";
  }
}

// Asks for every point, what is beside it, both ends, and some values more.
void CheckAll(std::vector<Point> points, std::uint64_t range, std::minstd_rand& random) {
  std::stable_sort(points.begin(), points.end(),
                   [](const Point& a, const Point& b) { return a.value < b.value; });
  std::vector<std::uint32_t> values = {0, 1, kMax - 1, kMax};
  for (const Point& point : points) {
    values.insert(values.end(), {point.value - 1, point.value, point.value + 1});
  }
  for (int i = 0; i < 1000; ++i) {
    values.push_back(static_cast<std::uint32_t>(std::uint64_t{random()} * random() % range));
  }
  const PointIndex index = MakeIndex(points, range);
  ASSERT_EQ(index.points(), points);
  Check(index, points, range, values);
}

TEST(PointIndex, EqualsBinarySearchOnRingsWithoutAndWithTies) {
  std::minstd_rand random(1);
  for (std::size_t round = 0; round < 300 * testing::Effort(); ++round) {
    // Values of few bits make ties, and crowds of points in one bucket.
    const unsigned bits = 1 + static_cast<unsigned>(random() % 32);
    const unsigned shift = static_cast<unsigned>(random() % (33 - bits));
    std::vector<Point> points(1 + random() % 3000);
    for (Point& point : points) {
      const auto value = static_cast<std::uint32_t>(std::uint64_t{random()} * random() >> 13);
      point = {(value >> (32 - bits)) << shift, static_cast<ServerIndex>(random() % 100)};
    }
    ASSERT_NO_FATAL_FAILURE(CheckAll(std::move(points), kCircle, random));
  }
}

TEST(PointIndex, EqualsBinarySearchAtEveryPointOfALargeRing) {
  std::minstd_rand random(2);
  std::vector<Point> points(160000);
  for (Point& point : points) {
    point = {static_cast<std::uint32_t>(std::uint64_t{random()} * random() >> 13),
             static_cast<ServerIndex>(random() % 1000)};
  }
  CheckAll(std::move(points), kCircle, random);
}

TEST(PointIndex, TakesPointsAtBothEndsAndOnePoint) {
  std::minstd_rand random(3);
  for (std::vector<Point> points : {std::vector<Point>{{0, 7}},
                                    {{kMax, 7}},
                                    {{0, 1}, {kMax, 2}},
                                    {{kMax, 1}, {kMax, 2}},
                                    {{0, 1}, {0, 2}, {0, 3}, {0, 4}, {0, 5}, {0, 6}, {1, 7}}}) {
    ASSERT_NO_FATAL_FAILURE(CheckAll(points, kCircle, random));
  }
}

// As where nearly all servers of a large pool are ejected: an owner takes many bits of a word.
TEST(PointIndex, TakesFewPointsOfManyOwners) {
  std::minstd_rand random(5);
  for (const ServerIndex owners : {65536U, 65537U, 1000000U}) {
    std::vector<Point> points(200);
    for (Point& point : points) {
      point = {static_cast<std::uint32_t>(std::uint64_t{random()} * random() >> 13),
               static_cast<ServerIndex>(owners - 1 - random() % 100)};
    }
    ASSERT_NO_FATAL_FAILURE(CheckAll(points, kCircle, random));
    for (Point& point : points) point.value %= 1000;
    ASSERT_NO_FATAL_FAILURE(CheckAll(points, 1000, random));
  }
}

TEST(PointIndex, LeavesOutWhatIsNotWanted) {
  std::minstd_rand random(6);
  std::vector<Point> points(5000);
  for (Point& point : points) {
    point = {static_cast<std::uint32_t>(std::uint64_t{random()} * random() >> 13),
             static_cast<ServerIndex>(random() % 50)};
  }
  std::stable_sort(points.begin(), points.end(),
                   [](const Point& a, const Point& b) { return a.value < b.value; });
  for (const ServerIndex unwanted : {0U, 1U, points.front().owner, points.back().owner}) {
    const auto is_wanted = [&](const Point& point) { return point.owner != unwanted; };
    std::vector<Point> wanted;
    std::ranges::copy_if(points, std::back_inserter(wanted), is_wanted);
    PointIndex index(wanted.size(), 50, kCircle);
    PointIndex::Writer writer(index);
    for (const Point& point : points) writer.Add(point, is_wanted(point));
    writer.Finish();
    ASSERT_EQ(index.points(), wanted);
    std::vector<std::uint32_t> values;
    for (const Point& point : points) {
      values.insert(values.end(), {point.value - 1, point.value, point.value + 1});
    }
    ASSERT_NO_FATAL_FAILURE(Check(index, wanted, kCircle, values));
  }
}

TEST(PointIndex, ServesRangesOfAnySize) {
  std::minstd_rand random(4);
  for (std::uint64_t range :
       {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{3}, std::uint64_t{255},
        std::uint64_t{256}, std::uint64_t{257}, std::uint64_t{1000003}, kCircle - 1, kCircle}) {
    for (std::size_t count : {1, 2, 3, 100, 5000}) {
      std::vector<Point> points(count);
      for (Point& point : points) {
        point = {static_cast<std::uint32_t>(std::uint64_t{random()} * random() % range),
                 static_cast<ServerIndex>(random() % 10)};
      }
      ASSERT_NO_FATAL_FAILURE(CheckAll(std::move(points), range, random));
    }
  }
}

}  // namespace
}  // namespace shardcache
