#include "lib/point_index.h"

#include <cassert>

namespace shardcache::inline v0::internal {

PointIndex::PointIndex(std::size_t size, std::size_t owners, std::uint64_t range)
    : words_(size + kWindow), size_(size) {
  // More buckets than points while all of it fits into the nearer caches, fewer beyond.
  constexpr std::size_t kFewPoints = std::size_t{1} << 16;
  const auto bits = [](std::uint64_t value) { return static_cast<int>(std::bit_width(value)); };
  const int value_bits = bits(range - 1);
  const int owner_bits = bits(owners - 1);
  const int wanted_bits = bits(size) - (size < kFewPoints ? 0 : 1);
  const int low_bits = std::max(1, std::min(value_bits - wanted_bits, 32 - owner_bits));
  view_.low_bits = static_cast<unsigned>(low_bits);
  view_.high_bits = static_cast<unsigned>(32 - low_bits);
  view_.owner_mask = (std::uint32_t{1} << owner_bits) - 1;
  first_ = Buffer<std::uint32_t>(view_.Bucket(static_cast<std::uint32_t>(range - 1)) + 2);
  std::fill(first_.begin(), first_.end(), 0);
  view_.words = words_.data();
  view_.first = first_.data();
}

void PointIndex::Finish(std::uint32_t added) {
  assert(added == size_);
  // They have no bucket, and of a look-up nothing but their owner is left: see Find().
  std::fill_n(words_.data() + added, kWindow, words_.data()[0]);
  // A bucket without points begins and ends where the one before it ends.
  std::uint32_t latest = 0;
  for (std::uint32_t& first : first_) first = latest = std::max(latest, first);
}

std::vector<Point> PointIndex::points() const {
  std::vector<Point> points;
  points.reserve(size_);
  for (std::uint32_t bucket = 0; points.size() < size_; ++bucket) {
    while (points.size() < view_.first[bucket + 1]) {
      const std::int32_t word = view_.words[points.size()];
      points.push_back({bucket << view_.low_bits | view_.LowBits(word), view_.Owner(word)});
    }
  }
  return points;
}

void PointIndex::Owners(std::span<const std::uint32_t> values,
                        std::span<ServerIndex> owners) const {
  const View view = view_;
  for (std::size_t i = 0; i < values.size(); ++i) owners[i] = Find(view, values[i]);
}

std::uint32_t PointIndex::FindFrom(const std::int32_t* words, std::uint32_t begin,
                                   std::uint32_t end, std::int32_t wanted) {
  return static_cast<std::uint32_t>(std::lower_bound(words + begin, words + end, wanted) - words);
}

}  // namespace shardcache::inline v0::internal
