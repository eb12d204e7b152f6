// A placement as a function of the key's hash, in pieces: constant, or a table's turn.
#ifndef SHARDCACHE_LIB_PIECES_H_
#define SHARDCACHE_LIB_PIECES_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "shardcache/placement.h"

namespace shardcache::inline v0::internal {

// The hashes from where the piece before it ends (or 0) up to but not including `end`.
struct Piece {
  std::uint64_t end = 0;
  ServerIndex owner = 0;  // of all of them, if `slots` is empty;
  // else hash h belongs to slots[(h + shift) % slots.size()].
  std::span<const ServerIndex> slots = {};
  std::uint64_t shift = 0;
};

struct Pieces {
  std::vector<Piece> pieces;  // ascending; the last ends at the hash's range
  std::unique_ptr<const std::vector<ServerIndex>> table;  // what `slots` may look into
};

// Nothing for placements that do not look a 32-bit hash up, and for tables too large to count.
std::optional<Pieces> PiecesOf(const Placement& placement, std::uint64_t range);

// Calls `visit(owner in a, owner in b, number of hashes)`, often more than once for a pair, so
// that the numbers sum to the range. False, perhaps after some calls, if it would take too long.
// REQUIRES: both end at the same range.
bool ForEachOverlap(const Pieces& a, const Pieces& b,
                    const std::function<void(ServerIndex, ServerIndex, std::uint64_t)>& visit);

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_PIECES_H_
