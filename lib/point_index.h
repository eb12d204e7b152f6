// Sorted points, and which of them a number leads to, in constant time.
#ifndef SHARDCACHE_LIB_POINT_INDEX_H_
#define SHARDCACHE_LIB_POINT_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "shardcache/placement.h"

namespace shardcache::inline v0::internal {

// An immutable list of points, ascending by value, that answers "who owns the first point at or
// after this value, or else the first point?". It serves the continuum and, with the ends of the
// servers' slots as points, the table of modula.
//
// The range of values is cut into equal buckets, one to two for each point, and for each bucket
// it is known which point is the first at or after its beginning. From there the wanted point is
// mostly less than kWindow points away, which are compared without a branch.
//
// Memory: 8 bytes for each point and 4 for each bucket, so at most 16 bytes a point (and 100 or
// so besides): for a ketama server of 160 points 2 to 2.5 KB. Look-up: O(1) where values are
// spread evenly, as hashes are; O(log(points)) if they are not.
class PointIndex {
 public:
  // How many points more than it is given an index needs room for: a vector with that capacity is
  // not copied.
  static constexpr std::size_t kSpare = 4;

  PointIndex() = default;
  // `points` are sorted by value, and all values, these and those asked for, are below `range`,
  // which is at most 2^32. O(points).
  PointIndex(std::vector<Point> points, std::uint64_t range);

  bool empty() const { return size_ == 0; }
  std::span<const Point> points() const { return std::span(points_).first(size_); }

  // REQUIRES: !empty(), value < range.
  ServerIndex Owner(std::uint32_t value) const {
    return Find(points_.data(), first_.data(), shift_, value);
  }

  // owners[i] becomes Owner(values[i]). REQUIRES: as above, and equal sizes.
  void Owners(std::span<const std::uint32_t> values, std::span<ServerIndex> owners) const;

 private:
  static constexpr std::size_t kWindow = kSpare;

  // Owner(). A static function, so that a loop may keep the members in registers.
  static ServerIndex Find(const Point* points, const std::uint32_t* first, unsigned shift,
                          std::uint32_t value) {
    const Point* const window = points + first[value >> shift];
    std::size_t before = 0;
    for (std::size_t i = 0; i < kWindow; ++i) before += window[i].value < value ? 1 : 0;
    if (before < kWindow) [[likely]]
      return window[before].owner;
    return FindFrom(window + kWindow, points + first[(value >> shift) + 1], value);
  }
  // The same, where the wanted point is one of `begin` to `end` inclusive.
  static ServerIndex FindFrom(const Point* begin, const Point* end, std::uint32_t value);

  // The points, and kWindow more of the largest value, which lead round to the first point.
  std::vector<Point> points_;
  std::vector<std::uint32_t> first_;  // by bucket, and one more
  std::size_t size_ = 0;
  unsigned shift_ = 0;
};

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_POINT_INDEX_H_
