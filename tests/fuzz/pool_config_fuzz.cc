// Any bytes as a configuration: refused with the file's name, or a pool that is fit for use.
#include <cstdlib>
#include <string_view>

#include "shardcache/lint.h"
#include "shardcache/placement.h"
#include "shardcache/pool_config.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void CheckPool(const shardcache::PoolConfig& pool) {
  Require(!pool.name.empty());
  Require(!pool.listen.text.empty());
  Require(!pool.servers.empty());
  Require(pool.server_connections >= 1);
  Require(pool.backlog >= 0 && pool.redis_db >= 0 && pool.server_failure_limit >= 0);
  Require(pool.server_retry_timeout.count() >= 0);
  Require(pool.redis || !pool.redis_auth);
  const auto placement = shardcache::Placement::Create(pool);
  if (!placement.ok()) {  // for one reason only: see Placement::Create
    Require(placement.error().message.find("the weights sum to") != std::string::npos);
    return;
  }
  Require(placement->servers().size() == pool.servers.size());
  Require(placement->Locate("key") < pool.servers.size());
  shardcache::Lint(pool);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto pools = shardcache::ParsePools(text, "fuzzed.yml");
  if (pools.ok()) {
    Require(!pools->empty());
    for (const shardcache::PoolConfig& pool : *pools) CheckPool(pool);
  } else {
    Require(pools.error().message.starts_with("fuzzed.yml:"));
    Require(pools.error().code == shardcache::ErrorCode::kInvalidConfig);
  }
  return 0;
}
