// Pools from server lines, for tests.
#ifndef SHARDCACHE_TESTS_UNIT_POOL_OF_H_
#define SHARDCACHE_TESTS_UNIT_POOL_OF_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shardcache/placement.h"

namespace shardcache::testing {

inline PoolConfig PoolOf(const std::vector<std::string>& servers,
                         Distribution distribution = Distribution::kKetama,
                         HashFunction hash = HashFunction::kFnv1a_64) {
  PoolConfig pool;
  pool.name = "alpha";
  pool.distribution = distribution;
  pool.hash = hash;
  for (const std::string& line : servers) {
    Result<Server> server = ParseServer(line);
    if (!server.ok()) ADD_FAILURE() << server.error().message;
    if (server.ok()) pool.servers.push_back(*server);
  }
  return pool;
}

// `count` servers of weight 1 named s0, s1, ...
inline PoolConfig EqualPool(std::uint32_t count,
                            Distribution distribution = Distribution::kKetama) {
  std::vector<std::string> servers;
  for (std::uint32_t i = 0; i < count; ++i) {
    servers.push_back("10.0.0.1:" + std::to_string(20000 + i) + ":1 s" + std::to_string(i));
  }
  return PoolOf(servers, distribution);
}

// REQUIRES: `pool` is valid.
inline Placement MakePlacement(const PoolConfig& pool, Placement::RandomSource random = {}) {
  Result<Placement> placement = Placement::Create(pool, std::move(random));
  return *std::move(placement);
}

inline std::string_view OwnerName(const Placement& placement, std::string_view key) {
  return placement.server(placement.Locate(key)).name;
}

}  // namespace shardcache::testing

#endif  // SHARDCACHE_TESTS_UNIT_POOL_OF_H_
