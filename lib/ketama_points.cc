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

  void Add(std::string_view ring_name, ServerIndex owner, std::uint32_t group) {
    // "NAME-7", cut as in AppendKetamaPoints().
    char* const text = texts_[count_].data();
    const std::size_t name = std::min(ring_name.size(), kKetamaMaxText);
    std::memcpy(text, ring_name.data(), name);
    text[name] = '-';
    const char* const end = std::to_chars(text + name + 1, text + kBuffer, group).ptr;
    views_[count_] = {text, std::min(static_cast<std::size_t>(end - text), kKetamaMaxText)};
    packed_[count_] = packing_.Pack(0, owner, group);
    if (++count_ == kBatch) Flush();
  }

  void Flush() {
    std::array<Digest, kBatch> digests;
    Md5(std::span(views_).first(count_), std::span(digests).first(count_));
    for (std::size_t i = 0; i < count_; ++i) {
      for (std::uint32_t value : digests[i]) *points_++ = std::uint64_t{value} << 32 | packed_[i];
    }
    count_ = 0;
  }

 private:
  static constexpr std::size_t kBatch = 256;
  static constexpr std::size_t kBuffer = kKetamaMaxText + 16;  // and a dash and digits

  const PointPacking packing_;
  std::uint64_t* points_;  // where the next goes
  std::size_t count_ = 0;  // of texts that wait
  std::array<std::array<char, kBuffer>, kBatch> texts_;
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
    for (std::uint32_t g = known_of(i); g < groups[i]; ++g) maker.Add(servers[i].name, i, g);
  }
  maker.Flush();
  return points;
}

// Moves the points of `from` to `to`, ordered by `bits` bits of theirs from `shift` on, and those
// that are alike in these in the order that they had. begins[d + 1] becomes the place after the
// last with digit d or lower.
void MoveByDigit(std::span<const std::uint64_t> from, std::uint64_t* to, unsigned shift,
                 unsigned bits, std::uint32_t* begins) {
  const std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
  // Counted two places up, summed to begins one place up, counted on while moving.
  std::fill_n(begins, (std::size_t{1} << bits) + 2, 0);
  for (std::uint64_t point : from) ++begins[(point >> shift & mask) + 2];
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < (std::size_t{1} << bits) + 2; ++i) begins[i] = sum += begins[i];
  for (std::uint64_t point : from) to[begins[(point >> shift & mask) + 1]++] = point;
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
// that fit into the nearest cache, then each part by the next 16 bits, in two steps, which leaves
// few of its points out of order.
Buffer<std::uint64_t> Sorted(Buffer<std::uint64_t> points) {
  constexpr unsigned kDigitBits = 8;
  constexpr std::size_t kPartSize = 1024;
  if (points.size() < kPartSize) {
    std::sort(points.begin(), points.end());
    return points;
  }
  const auto part_bits =
      std::min(16U, static_cast<unsigned>(std::bit_width(points.size() / kPartSize)));
  Buffer<std::uint64_t> sorted(points.size());
  Buffer<std::uint32_t> parts((std::size_t{1} << part_bits) + 2);
  Buffer<std::uint32_t> digits((std::size_t{1} << kDigitBits) + 2);
  MoveByDigit(points, sorted.data(), 64 - part_bits, part_bits, parts.data());
  for (std::size_t part = 0; part < std::size_t{1} << part_bits; ++part) {
    const std::size_t size = parts.data()[part + 1] - parts.data()[part];
    const std::span to = std::span(sorted).subspan(parts.data()[part], size);
    const std::span other = std::span(points).first(size);
    const unsigned shift = 64 - part_bits - 2 * kDigitBits;
    MoveByDigit(to, other.data(), shift, kDigitBits, digits.data());
    MoveByDigit(other, to.data(), shift + kDigitBits, kDigitBits, digits.data());
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
