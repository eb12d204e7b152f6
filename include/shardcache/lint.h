// Settings that twemproxy accepts and that hurt.
#ifndef SHARDCACHE_LINT_H_
#define SHARDCACHE_LINT_H_

#include <string>
#include <vector>

#include "shardcache/export.h"
#include "shardcache/pool_config.h"

namespace shardcache::inline v0 {

// One thing about a pool that its owner should know. A plain value.
struct Warning {
  std::string pool;
  std::string setting;  // the setting to look at: "hash", "servers", ...
  std::string message;  // what happens, with figures measured on this pool, and what helps
};

// What is worth a warning in `pool`:
// - hash crc32 or crc16 with ketama, which sends most keys to few servers;
// - a hash that ARM and x86 proxies compute differently for keys that are not ASCII;
// - servers whose weight is too small a part of the whole to get a point;
// - weights so large that twemproxy overruns its tables (Placement::Create fails);
// - a ring name that is empty, or too long to be hashed whole;
// - and, with auto_eject_hosts: no timeout; modula; more server_connections than
//   server_failure_limit; weights, or a number of servers, for which one ejection also moves
//   keys between servers that are alive.
// Cannot fail; an empty result means that none applies. Builds a ring or a few.
SHARDCACHE_EXPORT std::vector<Warning> Lint(const PoolConfig& pool);

}  // namespace shardcache::inline v0

#endif  // SHARDCACHE_LINT_H_
