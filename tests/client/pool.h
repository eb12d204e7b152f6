// Pools of test servers, as PoolConfig.
#ifndef SHARDCACHE_TESTS_CLIENT_POOL_H_
#define SHARDCACHE_TESTS_CLIENT_POOL_H_

#include <string>
#include <vector>

#include "shardcache/pool_config.h"
#include "tests/harness/nutcracker.h"

namespace shardcache::testing {

// "pool" of servers at these addresses, named s0, s1, ..., with `settings` (see MakePool).
inline PoolConfig PoolOf(const std::vector<std::string>& addresses,
                         const std::vector<std::string>& settings = {},
                         const std::string& listen = "127.0.0.1:1") {
  std::vector<PoolServer> servers;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    servers.push_back({addresses[i], "s" + std::to_string(i)});
  }
  return ParsePools(MakePool("pool", listen, settings, servers), "test.yml")->front();
}

}  // namespace shardcache::testing

#endif  // SHARDCACHE_TESTS_CLIENT_POOL_H_
