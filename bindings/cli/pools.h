// The pool that a command is about.
#ifndef SHARDCACHE_BINDINGS_CLI_POOLS_H_
#define SHARDCACHE_BINDINGS_CLI_POOLS_H_

#include <string>
#include <vector>

#include "shardcache/placement.h"
#include "shardcache/pool_config.h"

namespace CLI {
class App;
}  // namespace CLI

namespace shardcache::cli {

// The options -c, -p and --down.
struct PoolOptions {
  std::string file;
  std::string pool;
  std::vector<std::string> down;
};

void AddPoolOptions(CLI::App& command, PoolOptions& options);
// The same without --down, for commands about a pool whose servers are all live.
void AddWholePoolOptions(CLI::App& command, PoolOptions& options);

// Each throws Failure with what the user should change.
PoolConfig LoadPool(const PoolOptions& options);
Placement LoadPlacement(const PoolOptions& options);

}  // namespace shardcache::cli

#endif  // SHARDCACHE_BINDINGS_CLI_POOLS_H_
