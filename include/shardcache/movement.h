// What a change of a pool moves, beside what it has to move.
#ifndef SHARDCACHE_MOVEMENT_H_
#define SHARDCACHE_MOVEMENT_H_

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shardcache/export.h"
#include "shardcache/placement.h"
#include "shardcache/pool_config.h"
#include "shardcache/result.h"

namespace shardcache::inline v0 {

// A server before and after the change, known by its address. All but the weights are parts of
// all keys, 0 to 1.
struct ServerMovement {
  std::string address;
  std::string name_before;  // ring names; empty if it was not, or is no more
  std::string name_after;
  std::uint32_t weight_before = 0;  // 0 if it was not, or is no more
  std::uint32_t weight_after = 0;
  double before = 0;
  double after = 0;
  double fair = 0;     // what its weight entitles it to after the change
  double left = 0;     // of its keys, that go elsewhere
  double arrived = 0;  // that come to it
};

// Parts of all keys, 0 to 1. A server stays if its address is in both pools, whatever its names.
struct Movement {
  double moved = 0;      // that change server: the sum of the next four
  double left_gone = 0;  // from servers that go
  double came_new = 0;   // from servers that stay to servers that come
  // Between servers that stay, to the one whose weight grew against the other's.
  double reweighted = 0;
  // Between servers that stay whose weights stand to each other as before, or against their change:
  // nothing that the pools are asks for it.
  double needless = 0;
  // The least that any placement would have to move, were each share its weight's before and
  // after.
  double ideal = 0;
  bool exact = false;                   // counted over all hashes, not on keys
  std::vector<ServerMovement> servers;  // those of before in its order, then the new ones
};

// What moves between two twemproxy pools; over `keys`, or over all hashes where there are none
// (and, where those cannot be compared, over 100,000 made-up keys).
//
// Errors: those of Placement::Create; kInvalidArgument if a pool has distribution random.
[[nodiscard]] SHARDCACHE_EXPORT Result<Movement> MovementBetween(
    const PoolConfig& before, const PoolConfig& after, std::span<const std::string_view> keys = {});

// Another way to the same servers and weights.
struct Alternative {
  PoolConfig pool;
  std::vector<std::string> changes;  // what is other than in the pool that was asked about
  Movement movement;
};

// Of those that keep the old hash and distribution, keep ring names where the address stays, and
// hand the ring names of servers that go to servers that come, the one that moves least; nothing
// if none moves less than `after` itself. Errors: as above.
[[nodiscard]] SHARDCACHE_EXPORT Result<std::optional<Alternative>> LeastMovement(
    const PoolConfig& before, const PoolConfig& after, std::span<const std::string_view> keys = {});

// The shares before and after as bars, against the fair ones: an SVG document.
SHARDCACHE_EXPORT std::string MovementSvg(const Movement& movement);

}  // namespace shardcache::inline v0

#endif  // SHARDCACHE_MOVEMENT_H_
