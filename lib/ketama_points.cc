#include "lib/ketama_points.h"

#include <algorithm>
#include <array>
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

struct GroupedPoint {
  std::uint32_t value;
  ServerIndex owner;
  std::uint32_t group;
};

std::size_t Sum(const GroupCounts& groups) {
  return std::accumulate(groups.begin(), groups.end(), std::size_t{0});
}

// Hashes the texts of groups, as many at a time as are worth hashing at once.
class PointMaker {
 public:
  explicit PointMaker(std::vector<GroupedPoint>& points) : points_(points) {}

  void Add(std::string_view ring_name, ServerIndex owner, std::uint32_t group) {
    // "NAME-7", cut as in AppendKetamaPoints().
    char* const text = texts_[count_].data();
    const std::size_t name = std::min(ring_name.size(), kKetamaMaxText);
    std::memcpy(text, ring_name.data(), name);
    text[name] = '-';
    const char* const end = std::to_chars(text + name + 1, text + kBuffer, group).ptr;
    const auto size = std::min(static_cast<std::size_t>(end - text), kKetamaMaxText);
    views_[count_] = {text, size};
    origin_[count_] = {0, owner, group};
    if (++count_ == kBatch) Flush();
  }

  void Flush() {
    std::array<Digest, kBatch> digests;
    Md5(std::span(views_).first(count_), std::span(digests).first(count_));
    for (std::size_t i = 0; i < count_; ++i) {
      for (std::uint32_t value : digests[i]) {
        points_.push_back({value, origin_[i].owner, origin_[i].group});
      }
    }
    count_ = 0;
  }

 private:
  static constexpr std::size_t kBatch = 256;
  static constexpr std::size_t kBuffer = kKetamaMaxText + 16;  // and a dash and digits

  std::vector<GroupedPoint>& points_;
  std::size_t count_ = 0;
  std::array<std::array<char, kBuffer>, kBatch> texts_;
  std::array<std::string_view, kBatch> views_;
  std::array<GroupedPoint, kBatch> origin_;
};

// The points of the groups that `groups` has and `known` has not, server by server.
std::vector<GroupedPoint> MissingPoints(std::span<const Server> servers, const GroupCounts& known,
                                        const GroupCounts& groups) {
  std::vector<GroupedPoint> points;
  const auto known_of = [&](std::size_t i) { return i < known.size() ? known[i] : 0; };
  std::size_t count = 0;
  for (std::size_t i = 0; i < groups.size(); ++i)
    count += groups[i] - std::min(groups[i], known_of(i));
  points.reserve(kPointsPerGroup * count);
  PointMaker maker(points);
  for (ServerIndex i = 0; i < servers.size(); ++i) {
    for (std::uint32_t g = known_of(i); g < groups[i]; ++g) maker.Add(servers[i].name, i, g);
  }
  maker.Flush();
  return points;
}

bool ByValue(const GroupedPoint& a, const GroupedPoint& b) { return a.value < b.value; }

// Sorts by value, equal values in the order that they had, like any radix sort from the lowest
// digit up.
void SortByValue(std::vector<GroupedPoint>& points) {
  constexpr unsigned kDigitBits = 11;
  constexpr std::size_t kDigits = std::size_t{1} << kDigitBits;
  if (points.size() < kDigits / 4) return std::stable_sort(points.begin(), points.end(), ByValue);
  std::vector<GroupedPoint> other(points.size());
  for (unsigned shift = 0; shift < 32; shift += kDigitBits) {
    std::array<std::uint32_t, kDigits> next{};
    for (const GroupedPoint& point : points) ++next[point.value >> shift & (kDigits - 1)];
    std::exclusive_scan(next.begin(), next.end(), next.begin(), std::uint32_t{0});
    for (const GroupedPoint& point : points) {
      other[next[point.value >> shift & (kDigits - 1)]++] = point;
    }
    points.swap(other);
  }
}

bool IsBefore(const Point& a, const GroupedPoint& b) {
  return a.value != b.value ? a.value < b.value : a.owner <= b.owner;
}

}  // namespace

KetamaPoints MakeKetamaPoints(std::span<const Server> servers, const GroupCounts& groups) {
  return ExtendKetamaPoints({}, servers, groups);
}

KetamaPoints ExtendKetamaPoints(const KetamaPoints& known, std::span<const Server> servers,
                                const GroupCounts& groups) {
  std::vector<GroupedPoint> added = MissingPoints(servers, known.groups, groups);
  SortByValue(added);
  KetamaPoints all;
  all.points.reserve(known.points.size() + added.size());
  all.group.reserve(known.points.size() + added.size());
  std::size_t next = 0;
  const auto copy_known = [&] {
    all.points.push_back(known.points[next]);
    all.group.push_back(known.group[next++]);
  };
  for (const GroupedPoint& point : added) {
    while (next < known.points.size() && IsBefore(known.points[next], point)) copy_known();
    all.points.push_back({point.value, point.owner});
    all.group.push_back(point.group);
  }
  while (next < known.points.size()) copy_known();

  all.groups = groups;
  for (std::size_t i = 0; i < known.groups.size(); ++i) {
    all.groups[i] = std::max(all.groups[i], known.groups[i]);
  }
  return all;
}

std::vector<Point> ChooseKetamaPoints(const KetamaPoints& all, const GroupCounts& groups,
                                      std::size_t spare) {
  const std::size_t count = kPointsPerGroup * Sum(groups);
  std::vector<Point> chosen;
  chosen.reserve(count + std::max<std::size_t>(spare, 1));
  // Every point is written, and then kept or not: without a branch, which would be mispredicted
  // wherever a server is missing. After the last there must be room for one that is not kept.
  chosen.resize(count + 1);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < all.points.size(); ++i) {
    const Point point = all.points[i];
    chosen[kept] = point;
    kept += all.group[i] < groups[point.owner] ? 1 : 0;
  }
  chosen.resize(count);
  return chosen;
}

std::shared_ptr<const KetamaPoints> KetamaPointCache::Get(std::span<const Server> servers,
                                                          const GroupCounts& groups) {
  const std::lock_guard lock(mutex_);
  const auto lacks = [&](const KetamaPoints& points) {
    return !std::equal(groups.begin(), groups.end(), points.groups.begin(), std::less_equal());
  };
  if (points_ == nullptr) {
    points_ = std::make_shared<const KetamaPoints>(MakeKetamaPoints(servers, groups));
  } else if (lacks(*points_)) {
    GroupCounts both = points_->groups;
    std::transform(both.begin(), both.end(), groups.begin(), both.begin(),
                   [](auto a, auto b) { return std::max(a, b); });
    points_ = std::make_shared<const KetamaPoints>(
        Sum(both) <= kMaxFactor * Sum(groups) ? ExtendKetamaPoints(*points_, servers, groups)
                                              : MakeKetamaPoints(servers, groups));
  }
  return points_;
}

}  // namespace shardcache::inline v0::internal
