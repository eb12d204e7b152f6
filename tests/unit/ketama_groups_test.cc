#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <set>

#include "lib/ketama.h"

namespace shardcache {
namespace {

using internal::KetamaGroups;

// A positive number m * 2^e with m of 24 bits: what a single-precision float holds. Computed
// with integers alone, so that no flag of a compiler can change it.
class ExactFloat {
 public:
  // numerator / denominator * 2^exponent, rounded to nearest, ties to even.
  // REQUIRES: 0 < numerator, denominator < 2^60.
  ExactFloat(std::uint64_t numerator, std::uint64_t denominator, int exponent = 0) {
    constexpr int kScale = 64;
    auto quotient = Wide{numerator} << kScale;
    const bool inexact = quotient % denominator != 0;
    quotient /= denominator;
    int dropped = 0;
    while (quotient >> (dropped + 24) != 0) ++dropped;
    const Wide half = Wide{1} << (dropped - 1);
    const Wide rest = quotient & ((Wide{1} << dropped) - 1);
    mantissa_ = static_cast<std::uint64_t>(quotient >> dropped);
    if (rest > half || (rest == half && (inexact || mantissa_ % 2 == 1))) ++mantissa_;
    exponent_ = exponent - kScale + dropped;
  }

  ExactFloat Times(const ExactFloat& other) const {
    return {mantissa_ * other.mantissa_, 1, exponent_ + other.exponent_};
  }
  ExactFloat Over(const ExactFloat& other) const {
    return {mantissa_, other.mantissa_, exponent_ - other.exponent_};
  }
  std::uint32_t Floor() const {
    if (exponent_ >= 0) return static_cast<std::uint32_t>(mantissa_ << exponent_);
    return exponent_ <= -64 ? 0 : static_cast<std::uint32_t>(mantissa_ >> -exponent_);
  }

 private:
  __extension__ using Wide = unsigned __int128;

  std::uint64_t mantissa_;
  int exponent_;
};

// twemproxy's arithmetic, each step rounded to single precision. Its last step, adding 1e-10
// and rounding again, is left out: above 0.5 floats are more than 2e-10 apart, so it changes
// nothing, and below 0.5 the result is 0 either way.
std::uint32_t ExactGroups(std::uint32_t weight, std::uint32_t total, std::uint32_t live) {
  return ExactFloat(weight, 1)
      .Over(ExactFloat(total, 1))
      .Times(ExactFloat(160, 1))
      .Over(ExactFloat(4, 1))
      .Times(ExactFloat(live, 1))
      .Floor();
}

// Measured on nutcracker 0.5.0: pools of these sizes give each server 156 points, not 160.
TEST(KetamaGroups, AreOneFewerAtThePoolSizesMeasuredOnNutcracker) {
  const std::set<std::uint32_t> measured = {25,  47,  50,  55,  61,  71, 94,
                                            100, 107, 109, 110, 115, 122};
  for (std::uint32_t size = 1; size <= 122; ++size) {
    EXPECT_EQ(KetamaGroups(1, size, size), measured.contains(size) ? 39U : 40U) << size;
  }
}

TEST(KetamaGroups, AreOneFewerAt207OfTheFirst2000PoolSizes) {
  int fewer = 0;
  for (std::uint32_t size = 1; size <= 2000; ++size) {
    const std::uint32_t groups = KetamaGroups(1, size, size);
    EXPECT_TRUE(groups == 39 || groups == 40) << size << ": " << groups;
    fewer += groups == 39;
  }
  EXPECT_EQ(fewer, 207);
}

TEST(KetamaGroups, DoNotDependOnTheSizeOfEqualWeightsThatArePowersOfTwo) {
  for (std::uint32_t size = 1; size <= 2000; ++size) {
    EXPECT_EQ(KetamaGroups(1024, 1024 * size, size), KetamaGroups(1, size, size)) << size;
  }
}

TEST(KetamaGroups, RoundEveryStepToSinglePrecision) {
  for (std::uint32_t size = 1; size <= 2000; ++size) {
    ASSERT_EQ(KetamaGroups(1, size, size), ExactGroups(1, size, size)) << size;
  }
  std::mt19937_64 random(5);
  for (int i = 0; i < 300000; ++i) {
    const auto live = static_cast<std::uint32_t>(1 + random() % 500);
    const auto weight = static_cast<std::uint32_t>(1 + (random() >> (33 + random() % 31)));
    const std::uint64_t rest = random() >> (32 + random() % 32);
    const auto total = static_cast<std::uint32_t>(std::min<std::uint64_t>(
        weight + rest + live - 1, std::numeric_limits<std::uint32_t>::max()));
    ASSERT_EQ(KetamaGroups(weight, total, live), ExactGroups(weight, total, live))
        << weight << " of " << total << ", " << live << " live";
  }
}

TEST(KetamaGroups, AreNoneForAWeightThatIsTooSmallAPart) {
  EXPECT_EQ(KetamaGroups(1, 100001, 2), 0U);
  EXPECT_EQ(KetamaGroups(100000, 100001, 2), 79U);
  EXPECT_EQ(KetamaGroups(1, 4294967295U, 2), 0U);
}

TEST(KetamaGroups, OfTheOnlyServerAreForty) {
  for (std::uint32_t weight : {1U, 2U, 3U, 7U, 1000003U, 16777217U, 2147483647U}) {
    EXPECT_EQ(KetamaGroups(weight, weight, 1), 40U) << weight;
  }
}

}  // namespace
}  // namespace shardcache
