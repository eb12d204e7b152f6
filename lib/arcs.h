// Two continua compared over the whole circle of hashes.
#ifndef SHARDCACHE_LIB_ARCS_H_
#define SHARDCACHE_LIB_ARCS_H_

#include <cstdint>
#include <span>

#include "shardcache/placement.h"

namespace shardcache::inline v0::internal {

// Calls `visit(owner in a, owner in b, number of hashes)` for each of the arcs into which the
// points of both rings, sorted by value, cut the 2^32 hashes. The numbers sum to 2^32.
// O(a.size() + b.size()). REQUIRES: neither ring is empty.
template <typename Visit>
void ForEachArc(std::span<const Point> a, std::span<const Point> b, Visit visit) {
  std::size_t i = 0;
  std::size_t j = 0;
  std::uint64_t begin = 0;  // the first hash that no arc has covered yet
  while (i < a.size() || j < b.size()) {
    const bool take_a = j == b.size() || (i < a.size() && a[i].value <= b[j].value);
    const std::uint64_t end = std::uint64_t{take_a ? a[i].value : b[j].value} + 1;
    const ServerIndex owner_a = i < a.size() ? a[i].owner : a.front().owner;
    const ServerIndex owner_b = j < b.size() ? b[j].owner : b.front().owner;
    if (end > begin) visit(owner_a, owner_b, end - begin);
    begin = end;
    ++(take_a ? i : j);
  }
  constexpr std::uint64_t kCircle = std::uint64_t{1} << 32;
  if (begin < kCircle) visit(a.front().owner, b.front().owner, kCircle - begin);
}

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_ARCS_H_
