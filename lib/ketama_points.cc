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

struct Group {
  ServerIndex owner;
  std::uint32_t number;  // among its owner's
};

// Points on the way to be sorted: the value above, below it the number of the point, of which
// groups[number / 4] is the group. In the order in which they are made they are sorted by owner,
// so that sorted by value, stably, equal values are so too.
struct NewPoints {
  std::vector<Group> groups;
  std::vector<std::uint64_t> points;

  std::uint32_t value(std::size_t i) const { return static_cast<std::uint32_t>(points[i] >> 32); }
  const Group& group(std::size_t i) const {
    return groups[static_cast<std::uint32_t>(points[i]) / kPointsPerGroup];
  }
};

std::size_t Sum(const GroupCounts& groups) {
  return std::accumulate(groups.begin(), groups.end(), std::size_t{0});
}

// Hashes the texts of groups, as many at a time as are worth hashing at once.
class PointMaker {
 public:
  explicit PointMaker(NewPoints& made) : made_(made) {}

  void Add(std::string_view ring_name, Group group) {
    // "NAME-7", cut as in AppendKetamaPoints().
    char* const text = texts_[count_].data();
    const std::size_t name = std::min(ring_name.size(), kKetamaMaxText);
    std::memcpy(text, ring_name.data(), name);
    text[name] = '-';
    const char* const end = std::to_chars(text + name + 1, text + kBuffer, group.number).ptr;
    views_[count_] = {text, std::min(static_cast<std::size_t>(end - text), kKetamaMaxText)};
    made_.groups.push_back(group);
    if (++count_ == kBatch) Flush();
  }

  void Flush() {
    std::array<Digest, kBatch> digests;
    Md5(std::span(views_).first(count_), std::span(digests).first(count_));
    for (std::size_t i = 0; i < count_; ++i) {
      for (std::uint32_t value : digests[i]) {
        made_.points[points_] = std::uint64_t{value} << 32 | points_;
        ++points_;
      }
    }
    count_ = 0;
  }

 private:
  static constexpr std::size_t kBatch = 256;
  static constexpr std::size_t kBuffer = kKetamaMaxText + 16;  // and a dash and digits

  NewPoints& made_;
  std::size_t points_ = 0;  // that are made
  std::size_t count_ = 0;   // of texts that wait
  std::array<std::array<char, kBuffer>, kBatch> texts_;
  std::array<std::string_view, kBatch> views_;
};

// The points of the groups that `groups` has and `known` has not.
NewPoints MissingPoints(std::span<const Server> servers, const GroupCounts& known,
                        const GroupCounts& groups) {
  NewPoints made;
  const auto known_of = [&](std::size_t i) { return i < known.size() ? known[i] : 0; };
  std::size_t count = 0;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    count += groups[i] - std::min(groups[i], known_of(i));
  }
  made.groups.reserve(count);
  made.points.resize(kPointsPerGroup * count);
  PointMaker maker(made);
  for (ServerIndex i = 0; i < servers.size(); ++i) {
    for (std::uint32_t g = known_of(i); g < groups[i]; ++g) maker.Add(servers[i].name, {i, g});
  }
  maker.Flush();
  return made;
}

// Moves the points of `from` to `to`, ordered by `bits` bits of theirs from `shift` on, and those
// that are alike in these in the order that they had. begins[d] becomes the place of the first
// with digit d or higher.
void MoveByDigit(std::span<const std::uint64_t> from, std::span<std::uint64_t> to, unsigned shift,
                 unsigned bits, std::vector<std::uint32_t>& begins) {
  const std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
  // Counted two places up, summed to begins one place up, counted on while moving.
  begins.assign((std::size_t{1} << bits) + 2, 0);
  for (std::uint64_t point : from) ++begins[(point >> shift & mask) + 2];
  std::partial_sum(begins.begin(), begins.end(), begins.begin());
  for (std::uint64_t point : from) to[begins[(point >> shift & mask) + 1]++] = point;
}

// A radix sort: by the highest bits into parts that fit into the nearest cache, then each part from
// its lowest digit up.
void SortByValue(std::vector<std::uint64_t>& points) {
  if (points.size() < 512) return std::sort(points.begin(), points.end());
  constexpr unsigned kDigits = 3;
  constexpr std::size_t kPartSize = 2048;
  const auto part_bits = static_cast<unsigned>(std::bit_width(points.size() / kPartSize));
  const unsigned digit_bits = (32 - part_bits + kDigits - 1) / kDigits;
  std::vector<std::uint64_t> other(points.size());
  std::vector<std::uint32_t> parts;
  std::vector<std::uint32_t> begins;
  MoveByDigit(points, other, 64 - std::max(part_bits, 1U), part_bits, parts);
  for (std::size_t part = 0; part + 2 < parts.size(); ++part) {
    const std::size_t size = parts[part + 1] - parts[part];
    std::span from = std::span(other).subspan(parts[part], size);
    std::span to = std::span(points).subspan(parts[part], size);
    for (unsigned digit = 0; digit < kDigits; ++digit) {  // an odd number: it ends in `points`
      MoveByDigit(from, to, 32 + digit * digit_bits, digit_bits, begins);
      std::swap(from, to);
    }
  }
}

bool IsBefore(const Point& a, const Point& b) {
  return a.value != b.value ? a.value < b.value : a.owner <= b.owner;
}

}  // namespace

KetamaPoints MakeKetamaPoints(std::span<const Server> servers, const GroupCounts& groups) {
  return ExtendKetamaPoints({}, servers, groups);
}

KetamaPoints ExtendKetamaPoints(const KetamaPoints& known, std::span<const Server> servers,
                                const GroupCounts& groups) {
  NewPoints added = MissingPoints(servers, known.groups, groups);
  SortByValue(added.points);
  const std::size_t count = known.points.size() + added.points.size();
  KetamaPoints all;
  all.points.resize(count);
  all.group.resize(count);
  std::size_t next_known = 0;
  std::size_t next_added = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (next_added < added.points.size()) {
      const Group& group = added.group(next_added);
      const Point point{added.value(next_added), group.owner};
      if (next_known == known.points.size() || !IsBefore(known.points[next_known], point)) {
        all.points[i] = point;
        all.group[i] = group.number;
        ++next_added;
        continue;
      }
    }
    all.points[i] = known.points[next_known];
    all.group[i] = known.group[next_known];
    ++next_known;
  }

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
