#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "bindings/cli/bench_figures.h"

namespace shardcache::cli {
namespace {

using Duration = Histogram::Duration;

TEST(HistogramTest, AnEmptyOneIsAllZero) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.Average(), 0);
  EXPECT_EQ(histogram.Deviation(), 0);
  EXPECT_EQ(histogram.Min(), Duration(0));
  EXPECT_EQ(histogram.Max(), Duration(0));
  EXPECT_EQ(histogram.Percentile(0.5), Duration(0));
}

// Every duration alone, so that each bucket's edges are met: 0 to 2^14 ns, then those at powers
// of two.
TEST(HistogramTest, OneDurationIsItsOwnPercentile) {
  std::vector<std::int64_t> durations;
  for (std::int64_t i = 0; i < (1 << 14); ++i) durations.push_back(i);
  for (int bit = 14; bit < 40; ++bit) {
    for (const std::int64_t off : {-1, 0, 1}) durations.push_back((std::int64_t{1} << bit) + off);
  }
  for (const std::int64_t duration : durations) {
    Histogram histogram;
    histogram.Add(Duration(duration));
    EXPECT_EQ(histogram.Percentile(0.5).count(), duration);
  }
}

TEST(HistogramTest, PercentilesAreWithinOnePercentOfTheSortedOnes) {
  std::mt19937_64 random(20140101);
  std::lognormal_distribution<double> shape(11, 2);  // from some µs to seconds
  std::vector<std::int64_t> all;
  Histogram one;
  Histogram other;
  double sum = 0;
  for (int i = 0; i < 100'000; ++i) {
    all.push_back(static_cast<std::int64_t>(shape(random)));
    (i % 3 == 0 ? one : other).Add(Duration(all.back()));
    sum += static_cast<double>(all.back());
  }
  one.Merge(other);
  std::sort(all.begin(), all.end());
  for (const double share : {0.0, 0.001, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999, 1.0}) {
    const double rank = std::max(std::ceil(share * static_cast<double>(all.size())), 1.0);
    const auto exact = static_cast<double>(all[static_cast<std::size_t>(rank) - 1]);
    EXPECT_NEAR(static_cast<double>(one.Percentile(share).count()), exact, 0.008 * exact) << share;
  }
  EXPECT_EQ(one.count(), all.size());
  EXPECT_EQ(one.Min().count(), all.front());
  EXPECT_EQ(one.Max().count(), all.back());
  EXPECT_NEAR(one.Average(), sum / 1e5, 1e-9 * sum);
}

TEST(HistogramTest, WhatIsTooLongOrNegativeIsStillCounted) {
  Histogram histogram;
  histogram.Add(std::chrono::hours(5));
  histogram.Add(Duration(-3));
  EXPECT_EQ(histogram.count(), 2U);
  EXPECT_EQ(histogram.Max(), std::chrono::hours(5));
  EXPECT_EQ(histogram.Min(), Duration(0));
}

}  // namespace
}  // namespace shardcache::cli
