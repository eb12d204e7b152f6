// The ketama continuum as twemproxy builds it.
#ifndef SHARDCACHE_LIB_KETAMA_H_
#define SHARDCACHE_LIB_KETAMA_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "shardcache/placement.h"
#include "shardcache/server.h"

namespace shardcache::inline v0::internal {

inline constexpr std::uint32_t kPointsPerGroup = 4;
// twemproxy writes the text that it hashes into a buffer of 273 bytes, terminator included, and
// cuts what is longer.
inline constexpr std::size_t kKetamaMaxText = 272;

// How many groups of four points a live server of `weight` gets, where the live servers weigh
// `total_weight` and are `live_count`. Mostly 40 * weight * live_count / total_weight, but not
// always: it is a chain of roundings in single precision (see the source file).
// REQUIRES: 1 <= weight <= total_weight, live_count >= 1.
std::uint32_t KetamaGroups(std::uint32_t weight, std::uint32_t total_weight,
                           std::uint32_t live_count);

// The sum of the weights of `live`. It fits: Placement::Create sees to it.
std::uint32_t TotalWeight(std::span<const Server> servers, std::span<const ServerIndex> live);

// The groups of each server where those of `live` are live; 0 if it is not.
std::vector<std::uint32_t> KetamaGroupsOf(std::span<const Server> servers,
                                          std::span<const ServerIndex> live);

// The points of one server's first `groups` groups, in the order they are made: group by
// group, not sorted.
void AppendKetamaPoints(std::string_view ring_name, ServerIndex owner, std::uint32_t groups,
                        std::vector<Point>& points);

// The whole continuum of groups[i] groups for each server, sorted by value, equal values by server
// index. This and KetamaOwner() are
// the plain forms; placements are made by the faster ones of ketama_points.h and point_index.h,
// which are tested against these.
std::vector<Point> KetamaRing(std::span<const Server> servers,
                              std::span<const std::uint32_t> groups);

// The owner of the first point at or after `hash`, wrapping to the first point.
// REQUIRES: !ring.empty().
ServerIndex KetamaOwner(std::span<const Point> ring, std::uint32_t hash);

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_KETAMA_H_
