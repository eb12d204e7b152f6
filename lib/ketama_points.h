// All the points that a pool's servers may need, kept sorted, so that a continuum is chosen from
// them instead of being hashed and sorted anew.
#ifndef SHARDCACHE_LIB_KETAMA_POINTS_H_
#define SHARDCACHE_LIB_KETAMA_POINTS_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "lib/buffer.h"
#include "lib/point_index.h"
#include "shardcache/server.h"

namespace shardcache::inline v0::internal {

// How many groups of points (see ketama.h) each server has, by server index; 0 if it is not live.
using GroupCounts = std::vector<std::uint32_t>;

// A point in one word, so that points are in order where these words are: the value above, and
// below it the owner and then the number of the point's group among its owner's. How many bits the
// latter has is up to the number of servers.
class PointPacking {
 public:
  // REQUIRES: 1 <= servers < 2^31.
  explicit PointPacking(std::size_t servers);

  // How many groups of one server have a number here: 2^26 in a pool of 60 servers, 2^19 in one of
  // 5,000.
  std::uint64_t max_groups() const { return std::uint64_t{1} << group_bits_; }

  // REQUIRES: group < max_groups().
  std::uint64_t Pack(std::uint32_t value, ServerIndex owner, std::uint32_t group) const {
    return std::uint64_t{value} << 32 | std::uint64_t{owner} << group_bits_ | group;
  }
  Point Unpack(std::uint64_t point) const {
    return {static_cast<std::uint32_t>(point >> 32),
            static_cast<ServerIndex>((point & 0xffffffff) >> group_bits_)};
  }
  std::uint32_t Group(std::uint64_t point) const {
    return static_cast<std::uint32_t>(point & (max_groups() - 1));
  }

 private:
  unsigned group_bits_;  // 1 to 32
};

// The points of each server's first groups[server] groups. A value.
//
// A continuum is a part of it: of each server the groups below a number that depends on who is
// live. Since the part keeps its order, no continuum need be sorted that can be chosen.
//
// Memory: 8 bytes a point, so about 1.3 KB a server.
struct KetamaPoints {
  Buffer<std::uint64_t> points;  // ascending, as PointPacking(groups.size()) makes them
  GroupCounts groups;
};

// `known` and the groups that it lacks of `groups[i]` groups for each of `servers`; nothing of it
// is lost. `known` may be empty. O(points). REQUIRES: groups[i] <= max_groups() for every server.
KetamaPoints ExtendKetamaPoints(const KetamaPoints& known, std::span<const Server> servers,
                                const GroupCounts& groups);

// What `known`, the points of `old_servers`, says of those of `servers` that have the same ring
// names, all else about them aside; the others get no groups. O(points).
// REQUIRES: both are sorted by ring name.
KetamaPoints TransferKetamaPoints(const KetamaPoints& known, std::span<const Server> old_servers,
                                  std::span<const Server> servers);

// The continuum of `groups`. O(points).
// REQUIRES: groups[i] <= all.groups[i] for every server.
PointIndex ChooseKetamaPoints(const KetamaPoints& all, const GroupCounts& groups);

// The points of a pool, extended as they are asked for. Thread-safe.
class KetamaPointCache {
 public:
  // The continuum of `groups` for `servers`, which are the same for every call. O(points), though
  // several times slower where there are points that were not asked for before.
  PointIndex Ring(std::span<const Server> servers, const GroupCounts& groups);

  // Begins with what the cache of another pool knows. REQUIRES: as for TransferKetamaPoints(), and
  // that nothing has been asked of this one.
  void Inherit(KetamaPointCache& other, std::span<const Server> other_servers,
               std::span<const Server> servers);

  // The number of points that are kept.
  std::size_t size();

 private:
  // Unequal weights make the groups of a server many where few others are live. So where all that
  // was ever asked for comes to more than this many times what is asked for now, or would be if
  // weights were equal, only the latter is kept.
  static constexpr std::size_t kMaxFactor = 4;

  std::shared_ptr<const KetamaPoints> Get(std::span<const Server> servers,
                                          const GroupCounts& groups);

  std::mutex mutex_;
  std::shared_ptr<const KetamaPoints> points_;
};

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_KETAMA_POINTS_H_
