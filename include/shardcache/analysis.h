// What placements do to keys: how they move, and how evenly they lie.
#ifndef SHARDCACHE_ANALYSIS_H_
#define SHARDCACHE_ANALYSIS_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shardcache/export.h"
#include "shardcache/placement.h"
#include "shardcache/result.h"

namespace shardcache::inline v0 {

// The part of all 2^32 hashes, 0 to 1, that two placements of one pool send to different
// servers. Exact for ketama; for modula measured on 65,536 hashes spread evenly; 0 for random.
// O(points). REQUIRES: both come from one Placement::Create(), by Restrict().
SHARDCACHE_EXPORT double RoutingChange(const Placement& from, const Placement& to);

// What the ejection of one server does while the others of a placement stay live.
struct EjectionEffect {
  ServerIndex server = 0;
  // The next three count keys if hashes of keys were given, else parts of all 2^32 hashes.
  double own = 0;              // its own, which must move
  double survivors = 0;        // all that the other servers have
  double survivors_moved = 0;  // of those, what goes to another server all the same
  // How many points (ketama) the others lose and gain together, and how many of them change.
  std::uint64_t points_lost = 0;
  std::uint64_t points_gained = 0;
  std::size_t servers_changed = 0;
  // Why survivors' keys move, in words; empty if none does.
  std::string why;
};

// The effect of each single ejection among the live servers of `placement`, in server order.
// Without `hashes`, over all of them: exact for ketama, on 65,536 hashes for modula. With the
// hashes of keys, from Placement::HashKey(), the counts of those keys.
// O(live * (points + hashes)).
//
// Errors: kInvalidArgument if only one server is live, or for `random`, where no key has a
// server to move from.
[[nodiscard]] SHARDCACHE_EXPORT Result<std::vector<EjectionEffect>> EjectionEffects(
    const Placement& placement);
[[nodiscard]] SHARDCACHE_EXPORT Result<std::vector<EjectionEffect>> EjectionEffects(
    const Placement& placement, std::span<const std::uint32_t> hashes);

// The effect of one of them, over all hashes. Errors: also kInvalidArgument if `server` is not
// live.
[[nodiscard]] SHARDCACHE_EXPORT Result<EjectionEffect> EjectionEffectOf(const Placement& placement,
                                                                        ServerIndex server);

}  // namespace shardcache::inline v0

#endif  // SHARDCACHE_ANALYSIS_H_
