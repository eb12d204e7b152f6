// One setting of a pool: its name, and how its value is read.
#ifndef SHARDCACHE_LIB_POOL_SETTINGS_H_
#define SHARDCACHE_LIB_POOL_SETTINGS_H_

#include <set>
#include <string>
#include <string_view>

#include "shardcache/pool_config.h"
#include "shardcache/result.h"

namespace shardcache::inline v0::internal {

// Sets `key` of `pool` to `value`. `given` holds the settings that the pool already has; all
// but `servers` may be given once. The error's message starts at the setting: the caller puts
// file, line and pool before it.
Result<void> ApplySetting(PoolConfig& pool, std::set<std::string, std::less<>>& given,
                          std::string_view key, std::string_view value);

// What twemproxy checks once a pool is read to its end: `listen` and `servers` are there, and
// the settings fit each other. Duplicate ring names are the caller's, who knows their lines.
Result<void> CheckComplete(const PoolConfig& pool, const std::set<std::string, std::less<>>& given);

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_POOL_SETTINGS_H_
