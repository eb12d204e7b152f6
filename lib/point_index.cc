#include "lib/point_index.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

namespace shardcache::inline v0::internal {

PointIndex::PointIndex(std::vector<Point> points, std::uint64_t range)
    : points_(std::move(points)), size_(points_.size()) {
  if (empty()) return;
  const ServerIndex wrap = points_.front().owner;
  points_.insert(points_.end(), kWindow, {std::numeric_limits<std::uint32_t>::max(), wrap});

  const int value_bits = std::bit_width(range - 1);
  const int bucket_bits = std::min<int>(value_bits, std::bit_width(size_));
  shift_ = static_cast<unsigned>(value_bits - bucket_bits);
  // After the last point of bucket b, the first of a later bucket: bucket b + 1 begins there at
  // the earliest. Buckets that follow one without points begin where that one does.
  first_.assign((std::size_t{1} << bucket_bits) + 1, 0);
  for (std::size_t i = 0; i < size_; ++i) {
    first_[(points_[i].value >> shift_) + 1] = static_cast<std::uint32_t>(i + 1);
  }
  for (std::uint32_t latest = 0; std::uint32_t & first : first_) {
    first = latest = std::max(latest, first);
  }
}

void PointIndex::Owners(std::span<const std::uint32_t> values,
                        std::span<ServerIndex> owners) const {
  const Point* const points = points_.data();
  const std::uint32_t* const first = first_.data();
  const unsigned shift = shift_;
  for (std::size_t i = 0; i < values.size(); ++i) {
    owners[i] = Find(points, first, shift, values[i]);
  }
}

ServerIndex PointIndex::FindFrom(const Point* begin, const Point* end, std::uint32_t value) {
  // `end` is the first point of a later bucket: if none before it is wanted, it is.
  return std::lower_bound(begin, end, value,
                          [](const Point& point, std::uint32_t v) { return point.value < v; })
      ->owner;
}

}  // namespace shardcache::inline v0::internal
