// Why two placements differ, in words.
#ifndef SHARDCACHE_LIB_INTEROP_REASONS_H_
#define SHARDCACHE_LIB_INTEROP_REASONS_H_

#include <string>
#include <vector>

#include "shardcache/placement.h"

namespace shardcache::inline v0::internal {

// A sentence for each thing that makes the client's placement another than twemproxy's: servers,
// key bytes, key hash, ring or table, points, ring names, order, weights. Each is a difference,
// but not each moves keys; none where the two are built alike.
// REQUIRES: `proxy` is twemproxy's and `client` another's.
std::vector<std::string> Reasons(const Placement& proxy, const Placement& client);

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_INTEROP_REASONS_H_
