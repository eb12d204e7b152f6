#include "lib/ketama_points.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <functional>
#include <numeric>
#include <string_view>
#include <utility>

#include "lib/hash/kernels.h"
#include "lib/ketama.h"

namespace shardcache::inline v0::internal {
namespace {

constexpr std::uint64_t kCircle = std::uint64_t{1} << 32;

std::size_t Sum(const GroupCounts& groups) {
  return std::accumulate(groups.begin(), groups.end(), std::size_t{0});
}

GroupCounts Max(const GroupCounts& a, const GroupCounts& b) {
  GroupCounts both(a.size());
  std::transform(a.begin(), a.end(), b.begin(), both.begin(),
                 [](std::uint32_t x, std::uint32_t y) { return std::max(x, y); });
  return both;
}

// Hashes the texts of groups, as many at a time as are worth hashing at once.
class PointMaker {
 public:
  PointMaker(PointPacking packing, std::uint64_t* points) : packing_(packing), points_(points) {}

  // Of the server `owner`, groups `begin` to `end` - 1.
  void Add(std::string_view ring_name, ServerIndex owner, std::uint32_t begin, std::uint32_t end) {
    // "NAME-7", cut as in AppendKetamaPoints().
    const std::size_t name = std::min(ring_name.size(), kKetamaMaxText);
    char name_and_dash[kBuffer] = {};
    std::memcpy(name_and_dash, ring_name.data(), name);
    name_and_dash[name] = '-';
    for (std::uint32_t group = begin; group < end; ++group) {
      // Mostly one copy of a size that is known here. What is too much of it is overwritten.
      std::memcpy(next_, name_and_dash, kShort);
      if (name >= kShort) std::memcpy(next_ + kShort, name_and_dash + kShort, kBuffer - kShort);
      const char* const text_end = std::to_chars(next_ + name + 1, next_ + kBuffer, group).ptr;
      const std::size_t size = std::min(static_cast<std::size_t>(text_end - next_), kKetamaMaxText);
      views_[count_] = {next_, size};
      next_ += size;
      packed_[count_] = packing_.Pack(0, owner, group);
      if (++count_ == kBatch) Flush();
    }
  }

  void Flush() {
    std::array<Digest, kBatch> digests;
    Md5(std::span(views_).first(count_), std::span(digests).first(count_));
    for (std::size_t i = 0; i < count_; ++i) {
      for (std::uint32_t value : digests[i]) *points_++ = std::uint64_t{value} << 32 | packed_[i];
    }
    count_ = 0;
    next_ = texts_.data();
  }

 private:
  static constexpr std::size_t kBatch = 256;
  static constexpr std::size_t kBuffer = kKetamaMaxText + 16;  // and a dash and digits
  static constexpr std::size_t kShort = 64;

  const PointPacking packing_;
  std::uint64_t* points_;  // where the next goes
  std::size_t count_ = 0;  // of texts that wait
  std::array<char, kBatch * kKetamaMaxText + kBuffer> texts_;
  char* next_ = texts_.data();  // where the next text goes
  std::array<std::string_view, kBatch> views_;
  std::array<std::uint64_t, kBatch> packed_;  // owner and group
};

// The points of the groups that `groups` has and `known` has not.
Buffer<std::uint64_t> MissingPoints(std::span<const Server> servers, const GroupCounts& known,
                                    const GroupCounts& groups) {
  const auto known_of = [&](std::size_t i) { return i < known.size() ? known[i] : 0; };
  std::size_t count = 0;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    count += groups[i] - std::min(groups[i], known_of(i));
  }
  Buffer<std::uint64_t> points(kPointsPerGroup * count);
  PointMaker maker(PointPacking(servers.size()), points.data());
  for (ServerIndex i = 0; i < servers.size(); ++i) {
    maker.Add(servers[i].name, i, known_of(i), groups[i]);
  }
  maker.Flush();
  return points;
}

// Some bits of a point, and how many points there are with each value of them.
class Digit {
 public:
  Digit(unsigned shift, unsigned bits)
      : shift_(shift), mask_((std::uint64_t{1} << bits) - 1), begins_(mask_ + 3) {
    std::fill(begins_.begin(), begins_.end(), 0);
  }

  // Counted two places up, summed to begins one place up, which Place() moves on.
  void Count(std::uint64_t point) { ++begins_.data()[Of(point) + 2]; }
  void Sum() { std::partial_sum(begins_.begin(), begins_.end(), begins_.begin()); }
  // Where the next point with this digit goes. REQUIRES: Sum() was called.
  std::uint32_t Place(std::uint64_t point) { return begins_.data()[Of(point) + 1]++; }
  // Once all points were placed: the place after the last with digit `digit` - 1 or lower.
  std::uint32_t begin(std::size_t digit) const { return begins_.data()[digit]; }

  std::size_t size() const { return mask_ + 1; }
  void Reset() { std::fill(begins_.begin(), begins_.end(), 0); }

 private:
  std::size_t Of(std::uint64_t point) const { return point >> shift_ & mask_; }

  unsigned shift_;
  std::uint64_t mask_;
  Buffer<std::uint32_t> begins_;
};

// Orders the points of `from` by `digit`, those that are alike in it as they were.
void Move(std::span<const std::uint64_t> from, std::uint64_t* to, Digit& digit) {
  digit.Sum();
  for (std::uint64_t point : from) to[digit.Place(point)] = point;
}

// Sorts points that are nearly in order.
void InsertionSort(std::span<std::uint64_t> points) {
  for (std::size_t i = 1; i < points.size(); ++i) {
    const std::uint64_t point = points[i];
    if (points[i - 1] <= point) continue;
    std::size_t at = i;
    for (; at > 0 && points[at - 1] > point; --at) points[at] = points[at - 1];
    points[at] = point;
  }
}

// Sorts points whose values are spread evenly, as digests are: by their highest bits into parts
// that fit into the nearest cache, then each part by the next 16 bits, the lower half of them
// first, which leaves few of its points out of order.
Buffer<std::uint64_t> Sorted(Buffer<std::uint64_t> points) {
  constexpr unsigned kDigitBits = 8;
  constexpr std::size_t kPartSize = 2048;
  if (points.size() < 512) {
    std::sort(points.begin(), points.end());
    return points;
  }
  const auto parts = std::bit_width(points.size() / kPartSize);  // as a power of two
  const auto part_bits = std::clamp(static_cast<unsigned>(parts), 1U, 16U);
  const unsigned part_shift = 64 - part_bits;
  Digit part(part_shift, part_bits);
  Digit high(part_shift - kDigitBits, kDigitBits);
  Digit low(part_shift - 2 * kDigitBits, kDigitBits);
  Buffer<std::uint64_t> sorted(points.size());
  for (std::uint64_t point : points) part.Count(point);
  Move(points, sorted.data(), part);
  for (std::size_t i = 0; i < part.size(); ++i) {
    const std::size_t size = part.begin(i + 1) - part.begin(i);
    const std::span to = std::span(sorted).subspan(part.begin(i), size);
    const std::span other = std::span(points).first(size);
    high.Reset();
    low.Reset();
    for (std::uint64_t point : to) high.Count(point), low.Count(point);
    Move(to, other.data(), low);
    Move(other, to.data(), high);
    InsertionSort(to);
  }
  return sorted;
}

}  // namespace

PointPacking::PointPacking(std::size_t servers)
    : group_bits_(32 - static_cast<unsigned>(std::bit_width(servers - 1))) {}

KetamaPoints ExtendKetamaPoints(const KetamaPoints& known, std::span<const Server> servers,
                                const GroupCounts& groups) {
  Buffer<std::uint64_t> added = Sorted(MissingPoints(servers, known.groups, groups));
  if (known.points.size() == 0) return {std::move(added), groups};
  Buffer<std::uint64_t> points(known.points.size() + added.size());
  std::merge(known.points.begin(), known.points.end(), added.begin(), added.end(), points.begin());
  return {std::move(points), Max(known.groups, groups)};
}

KetamaPoints TransferKetamaPoints(const KetamaPoints& known, std::span<const Server> old_servers,
                                  std::span<const Server> servers) {
  const PointPacking from(old_servers.size());
  const PointPacking to(servers.size());
  GroupCounts groups(servers.size(), 0);
  std::vector<ServerIndex> index(old_servers.size(), 0);  // of each old server, where `groups`...
  GroupCounts wanted(old_servers.size(), 0);              // ...are wanted of it
  for (std::size_t old = 0, i = 0; old < old_servers.size() && i < servers.size();) {
    const std::string& old_name = old_servers[old].name;
    const std::string& name = servers[i].name;
    if (old_name == name) {
      index[old] = static_cast<ServerIndex>(i);
      groups[i] = wanted[old] =
          static_cast<std::uint32_t>(std::min<std::uint64_t>(known.groups[old], to.max_groups()));
    }
    // Past whichever comes first, or both.
    const bool old_first = RingNameLess(old_name, name);
    const bool new_first = RingNameLess(name, old_name);
    old += new_first ? 0 : 1;
    i += old_first ? 0 : 1;
  }
  // Servers that are in both pools are in the same order in both. So are their points.
  Buffer<std::uint64_t> points(kPointsPerGroup * Sum(groups) + 1);
  std::size_t kept = 0;
  for (std::uint64_t packed : known.points) {
    const Point point = from.Unpack(packed);
    const std::uint32_t group = from.Group(packed);
    points.data()[kept] = to.Pack(point.value, index[point.owner], group);
    kept += group < wanted[point.owner] ? 1 : 0;
  }
  points.Shorten(kept);
  return {std::move(points), std::move(groups)};
}

PointIndex ChooseKetamaPoints(const KetamaPoints& all, const GroupCounts& groups) {
  const PointPacking packing(groups.size());
  PointIndex ring(kPointsPerGroup * Sum(groups), groups.size(), kCircle);
  PointIndex::Writer writer(ring);
  for (std::uint64_t packed : all.points) {
    const Point point = packing.Unpack(packed);
    writer.Add(point, packing.Group(packed) < groups[point.owner]);
  }
  writer.Finish();
  return ring;
}

PointIndex KetamaPointCache::Ring(std::span<const Server> servers, const GroupCounts& groups) {
  const std::uint64_t most = *std::max_element(groups.begin(), groups.end());
  if (most <= PointPacking(servers.size()).max_groups()) {
    return ChooseKetamaPoints(*Get(servers, groups), groups);
  }
  // A giant among ten thousand servers or more. There the plain form must do.
  const std::vector<Point> points = KetamaRing(servers, groups);
  PointIndex ring(points.size(), servers.size(), kCircle);
  PointIndex::Writer writer(ring);
  for (const Point& point : points) writer.Add(point);
  writer.Finish();
  return ring;
}

std::shared_ptr<const KetamaPoints> KetamaPointCache::Get(std::span<const Server> servers,
                                                          const GroupCounts& groups) {
  constexpr std::size_t kEqualGroups = 40;
  const std::lock_guard lock(mutex_);
  if (points_ == nullptr) points_ = std::make_shared<const KetamaPoints>();
  const GroupCounts& known = points_->groups;
  const bool is_enough = known.size() == groups.size() &&
                         std::equal(groups.begin(), groups.end(), known.begin(), std::less_equal());
  if (is_enough) return points_;
  const std::size_t most = kMaxFactor * std::max(Sum(groups), kEqualGroups * groups.size());
  const bool is_kept = !known.empty() && Sum(Max(known, groups)) <= most;
  if (!is_kept) points_ = std::make_shared<const KetamaPoints>();
  points_ = std::make_shared<const KetamaPoints>(ExtendKetamaPoints(*points_, servers, groups));
  return points_;
}

void KetamaPointCache::Inherit(KetamaPointCache& other, std::span<const Server> other_servers,
                               std::span<const Server> servers) {
  std::shared_ptr<const KetamaPoints> known;
  {
    const std::lock_guard lock(other.mutex_);
    known = other.points_;
  }
  if (known == nullptr) return;
  points_ =
      std::make_shared<const KetamaPoints>(TransferKetamaPoints(*known, other_servers, servers));
}

std::size_t KetamaPointCache::size() {
  const std::lock_guard lock(mutex_);
  return points_ == nullptr ? 0 : points_->points.size();
}

}  // namespace shardcache::inline v0::internal
