// All the points that a pool's servers may need, kept sorted, so that a continuum is chosen from
// them instead of being hashed and sorted anew.
#ifndef SHARDCACHE_LIB_KETAMA_POINTS_H_
#define SHARDCACHE_LIB_KETAMA_POINTS_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "shardcache/placement.h"
#include "shardcache/server.h"

namespace shardcache::inline v0::internal {

// How many groups of points (see ketama.h) each server has, by server index; 0 if it is not live.
using GroupCounts = std::vector<std::uint32_t>;

// The points of each server's first groups[server] groups. A value.
//
// A continuum is a part of it: of each server the groups below a number that depends on who is
// live. Since the part keeps its order, no continuum need be sorted that can be chosen.
//
// Memory: 12 bytes a point, so about 1.9 KB a server.
struct KetamaPoints {
  std::vector<Point> points;         // ascending by value, equal values by server index
  std::vector<std::uint32_t> group;  // of points[i], among its owner's
  GroupCounts groups;
};

// The points of `servers`, `groups[i]` groups of each. O(points).
KetamaPoints MakeKetamaPoints(std::span<const Server> servers, const GroupCounts& groups);

// `known` and the groups that it lacks; nothing of it is lost. O(points).
KetamaPoints ExtendKetamaPoints(const KetamaPoints& known, std::span<const Server> servers,
                                const GroupCounts& groups);

// The continuum of `groups`, with room for `spare` more points in its capacity. O(points).
// REQUIRES: groups[i] <= all.groups[i] for every server.
std::vector<Point> ChooseKetamaPoints(const KetamaPoints& all, const GroupCounts& groups,
                                      std::size_t spare);

// The points of a pool, extended as they are asked for. Thread-safe.
class KetamaPointCache {
 public:
  // Points of which a continuum of `groups` can be chosen, immutable. Unequal weights make the
  // groups of a server many where few others are live, so where all that was ever asked for comes
  // to more than kMaxFactor times what is asked for now, only the latter is kept.
  std::shared_ptr<const KetamaPoints> Get(std::span<const Server> servers,
                                          const GroupCounts& groups);

 private:
  static constexpr std::size_t kMaxFactor = 4;

  std::mutex mutex_;
  std::shared_ptr<const KetamaPoints> points_;
};

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_KETAMA_POINTS_H_
