// Other settings that a client or a pool could have.
#ifndef SHARDCACHE_LIB_INTEROP_VARIANTS_H_
#define SHARDCACHE_LIB_INTEROP_VARIANTS_H_

#include <span>
#include <vector>

#include "lib/scheme.h"
#include "shardcache/interop.h"
#include "shardcache/pool_config.h"

namespace shardcache::inline v0::internal {

// Setups of the same client, today's first, then with each ring or table that twemproxy could
// have, with each key hash; with today's servers, and with those of `pool` (sorted as the proxy
// sorts them, with their weights there).
std::vector<ClientSetup> ClientVariants(const ClientSetup& today, std::span<const Server> pool);

// Settings of the pool, today's first, that might do what `client` does: its key hash, its
// structure, its names or order, its weights. REQUIRES: `client` is a client's placement.
std::vector<PoolConfig> PoolVariants(const PoolConfig& today, const Placement& client);

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_INTEROP_VARIANTS_H_
