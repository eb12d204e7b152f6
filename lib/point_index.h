// Sorted points, and which of them a number leads to, in constant time.
#ifndef SHARDCACHE_LIB_POINT_INDEX_H_
#define SHARDCACHE_LIB_POINT_INDEX_H_

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "lib/buffer.h"
#include "shardcache/placement.h"

namespace shardcache::inline v0::internal {

// An immutable list of points, ascending by value, that answers "who owns the first point at or
// after this value, or else the first point?". It serves the continuum and, with the ends of the
// servers' slots as points, the table of modula.
//
// The range of values is cut into equal buckets, about as many as there are points, and for each
// bucket it is known which point is the first at or after its beginning. From there the wanted
// point is mostly less than kWindow points away, which are compared without a branch.
//
// The high bits of a value are the number of its bucket, so a point need hold only the low ones.
// There are buckets enough for these and the owner to fit into one word; and words compare as the
// values do, where they are of one bucket.
//
// Memory: 4 bytes a point, and 4 for each of at most two buckets a point (at least one a server):
// for a ketama server of 160 points at most 2 KB. Look-up: O(1) where values are spread evenly, as
// hashes are; O(log(points)) if they are not.
class PointIndex {
 public:
  // Fills an index.
  class Writer;

  PointIndex() = default;
  // For `size` points of owners below `owners`, which a Writer adds. All values, these and those
  // asked for, are below `range`.
  // REQUIRES: 1 <= size < 2^32, 1 <= owners < 2^31, 1 <= range <= 2^32.
  PointIndex(std::size_t size, std::size_t owners, std::uint64_t range);

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  std::vector<Point> points() const;

  // REQUIRES: !empty(), value < range.
  ServerIndex Owner(std::uint32_t value) const { return Find(view_, value); }

  // owners[i] becomes Owner(values[i]). REQUIRES: as above, and equal sizes.
  void Owners(std::span<const std::uint32_t> values, std::span<ServerIndex> owners) const;

 private:
  static constexpr std::size_t kWindow = 4;

  // What a look-up needs.
  struct View {
    const std::int32_t* words = nullptr;   // of the points: see Word()
    const std::uint32_t* first = nullptr;  // points before each bucket, and all of them
    unsigned low_bits = 1;                 // of a value, below those that number its bucket
    unsigned high_bits = 31;               // 32 - low_bits, which is room for an owner
    std::uint32_t owner_mask = 0;

    std::uint32_t Bucket(std::uint32_t value) const { return value >> low_bits; }
    // The low bits of the value, and below them the owner. Signed, since vectors can compare no
    // other words; so the highest bit is turned round to keep their order.
    std::int32_t Word(std::uint32_t value, ServerIndex owner) const {
      return static_cast<std::int32_t>((value << high_bits | owner) ^ kHighestBit);
    }
    std::uint32_t LowBits(std::int32_t word) const {
      return (static_cast<std::uint32_t>(word) ^ kHighestBit) >> high_bits;
    }
    ServerIndex Owner(std::int32_t word) const {
      return static_cast<std::uint32_t>(word) & owner_mask;
    }
  };
  static constexpr std::uint32_t kHighestBit = 0x80000000;

  // Owner(). Static, so that a loop may keep the view in registers.
  static ServerIndex Find(const View& view, std::uint32_t value) {
    const std::uint32_t* const bounds = view.first + view.Bucket(value);
    const std::uint32_t begin = bounds[0];
    const std::uint32_t end = bounds[1];
    const std::int32_t wanted = view.Word(value, 0);
    const std::uint32_t below = CountBelow(view.words + begin, wanted);
    std::uint32_t at = begin + below;
    // In this order: buckets of many points are rare, while words of later buckets are often below.
    if (end - begin > kWindow) [[unlikely]]
      if (below == kWindow) at = FindFrom(view.words, at, end, wanted);
    // The words of later buckets, which say nothing, may have been compared as well. If none of
    // this one is wanted, the first after it is.
    return view.Owner(view.words[std::min(at, end)]);
  }

  // How many of the kWindow words there are before the first that is not below `wanted`.
  static std::uint32_t CountBelow(const std::int32_t* words, std::int32_t wanted) {
#if defined(__SSE2__)
    const __m128i window = _mm_loadu_si128(reinterpret_cast<const __m128i*>(words));
    const __m128i below = _mm_cmplt_epi32(window, _mm_set1_epi32(wanted));
    const int bits = _mm_movemask_ps(_mm_castsi128_ps(below));
    return static_cast<std::uint32_t>(__builtin_ctz(~static_cast<unsigned>(bits)));
#else
    std::uint32_t all_below = 1;
    std::uint32_t count = 0;
    for (std::size_t i = 0; i < kWindow; ++i) {
      all_below &= words[i] < wanted ? 1U : 0U;
      count += all_below;
    }
    return count;
#endif
  }

  // The first of the words `begin` to `end` that is not below `wanted`, or else `end`.
  static std::uint32_t FindFrom(const std::int32_t* words, std::uint32_t begin, std::uint32_t end,
                                std::int32_t wanted);
  // Once `added` points are there.
  void Finish(std::uint32_t added);

  Buffer<std::int32_t> words_;   // kWindow more than points, which lead round to the first point
  Buffer<std::uint32_t> first_;  // by bucket, and one more
  View view_;
  std::size_t size_ = 0;
};

// All of it is in the header so that what Add() changes may be kept in registers.
class PointIndex::Writer {
 public:
  // REQUIRES: `index` is new, and stays where it is until Finish().
  explicit Writer(PointIndex& index)
      : index_(&index),
        view_(index.view_),
        words_(index.words_.data()),
        first_(index.first_.data()) {}

  // Adds the next point if it is wanted; no value is below the one before. Those that are not
  // wanted cost a store and no branch, which would be mispredicted.
  void Add(Point point, bool wanted = true) {
    words_[added_] = view_.Word(point.value, point.owner);
    added_ += wanted ? 1 : 0;
    first_[view_.Bucket(point.value) + 1] = added_;
  }

  // REQUIRES: as many points have been added as the index is for.
  void Finish() { index_->Finish(added_); }

 private:
  PointIndex* index_;
  View view_;
  std::int32_t* words_;
  std::uint32_t* first_;
  std::uint32_t added_ = 0;
};

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_POINT_INDEX_H_
