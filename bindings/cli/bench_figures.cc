#include "bindings/cli/bench_figures.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace shardcache::cli {

// Values below 2^kBits have buckets of their own; above, a bucket is named by the position of the
// leading one and the kBits bits behind it: 1000 = 1 111101 000b is in bucket (4 << 6) + 61.
std::size_t Histogram::BucketOf(std::uint64_t value) {
  if (value < std::uint64_t{1} << kBits) return value;
  const int shift = static_cast<int>(std::bit_width(value)) - 1 - kBits;
  const std::uint64_t below = (value >> shift) - (std::uint64_t{1} << kBits);
  return std::min(((static_cast<std::size_t>(shift) + 1) << kBits) + below, kBuckets - 1);
}

std::uint64_t Histogram::MiddleOf(std::size_t bucket) {
  const std::size_t row = bucket >> kBits;
  if (row == 0) return bucket;
  const std::size_t shift = row - 1;
  const std::uint64_t low = ((std::uint64_t{1} << kBits) + (bucket & ((1 << kBits) - 1))) << shift;
  return low + ((std::uint64_t{1} << shift) - 1) / 2;
}

void Histogram::Add(Duration duration) {
  duration = std::max(duration, Duration(0));
  ++buckets_[BucketOf(static_cast<std::uint64_t>(duration.count()))];
  ++count_;
  const auto value = static_cast<double>(duration.count());
  sum_ += value;
  squares_ += value * value;
  min_ = std::min(min_, duration);
  max_ = std::max(max_, duration);
}

void Histogram::Merge(const Histogram& other) {
  for (std::size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  squares_ += other.squares_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

double Histogram::Average() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

double Histogram::Deviation() const {
  if (count_ == 0) return 0;
  const double average = Average();
  return std::sqrt(std::max(squares_ / static_cast<double>(count_) - average * average, 0.0));
}

Histogram::Duration Histogram::Percentile(double share) const {
  if (count_ == 0) return Duration(0);
  const double exact = std::ceil(share * static_cast<double>(count_));
  const auto rank = std::clamp(static_cast<std::uint64_t>(exact), std::uint64_t{1}, count_);
  std::uint64_t passed = 0;
  std::size_t bucket = 0;
  while ((passed += buckets_[bucket]) < rank) ++bucket;
  return std::clamp(Duration(MiddleOf(bucket)), min_, max_);
}

std::string_view EndingName(Ending ending) {
  static constexpr std::array<std::string_view, kEndings> kNames = {
      "stored",   "hit",          "miss",  "timeout",        "refused", "lost",
      "protocol", "server_error", "wrong", "no_live_server", "other"};
  return kNames[static_cast<std::size_t>(ending)];
}

void Tally::AddError(Ending ending, const std::string& words) {
  Add(ending);
  if (first_error.empty()) first_error = words;
}

std::uint64_t Tally::requests() const {
  return std::accumulate(endings.begin(), endings.end(), std::uint64_t{0});
}

std::uint64_t Tally::errors() const {
  return requests() - Count(Ending::kStored) - Count(Ending::kHit) - Count(Ending::kMiss);
}

void Tally::Merge(const Tally& other) {
  for (std::size_t i = 0; i < kEndings; ++i) endings[i] += other.endings[i];
  response.Merge(other.response);
  connect.Merge(other.connect);
  bytes_sent += other.bytes_sent;
  bytes_received += other.bytes_received;
  seconds += other.seconds;
  cpu_seconds += other.cpu_seconds;
  if (first_error.empty()) first_error = other.first_error;
}

}  // namespace shardcache::cli
