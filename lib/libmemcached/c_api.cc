#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "shardcache/libmemcached.h"
#include "shardcache/libmemcached_c.h"
#include "shardcache/pool_config.h"

struct shardcache_router {
  std::shared_ptr<shardcache::Router> router;
};

namespace {

void SetError(char** error, const std::string& message) {
  if (error != nullptr) *error = strdup(message.c_str());
}

shardcache::Result<shardcache::PoolConfig> FindPool(const char* file, const char* name) {
  auto pools = shardcache::LoadPools(file);
  if (!pools.ok()) return pools.error();
  std::string names;
  for (shardcache::PoolConfig& pool : *pools) {
    const bool wanted = name != nullptr ? pool.name == name : pools->size() == 1;
    if (wanted) return std::move(pool);
    names += (names.empty() ? "" : ", ") + pool.name;
  }
  const std::string what = name != nullptr ? "has no pool " + std::string(name)
                                           : std::string("has several pools, and none is named");
  return shardcache::Error{.code = shardcache::ErrorCode::kNotFound,
                           .message = std::string(file) + " " + what + "; it has " + names};
}

}  // namespace

shardcache_router* shardcache_router_open(const char* nutcracker_yml, const char* pool,
                                          char** error) {
  const auto config = FindPool(nutcracker_yml, pool);
  if (!config.ok()) return SetError(error, config.error().message), nullptr;
  if (config->redis) {
    SetError(error, "pool " + config->name + " is a redis pool; libmemcached speaks memcached");
    return nullptr;
  }
  auto router = shardcache::Router::Create(*config);
  if (!router.ok()) return SetError(error, router.error().message), nullptr;
  return new shardcache_router{*std::move(router)};
}

void shardcache_router_close(shardcache_router* router) { delete router; }

bool shardcache_attach(memcached_st* memc, shardcache_router* router, char** error) {
  const auto attached = shardcache::Attach(memc, router->router);
  if (!attached.ok()) SetError(error, attached.error().message);
  return attached.ok();
}

memcached_return_t shardcache_check(memcached_st* memc, memcached_return_t rc) {
  return shardcache::CheckCall(memc, rc);
}

memcached_return_t shardcache_check_get(memcached_st* memc, const char* key, size_t key_length,
                                        memcached_return_t rc) {
  return shardcache::CheckGet(memc, std::string_view(key, key_length), rc);
}
