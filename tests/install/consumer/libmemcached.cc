// Ends with 0 if an attached handle goes where nobody listens, and then nowhere.
#include "shardcache/libmemcached.h"

#include <cstdio>

#include "shardcache/pool_config.h"

int main() {
  const auto pools = shardcache::ParsePools(
      "alpha:\n"
      "  listen: 127.0.0.1:22121\n"
      "  auto_eject_hosts: true\n"
      "  server_failure_limit: 1\n"
      "  servers:\n"
      "  - 127.0.0.1:1:1\n",
      "text");
  memcached_st* memc = memcached_create(nullptr);
  const auto attached = shardcache::Attach(memc, *shardcache::Router::Create(pools->front()));
  if (!attached.ok()) {
    std::fprintf(stderr, "%s\n", attached.error().message.c_str());
    return 1;
  }
  const auto set = [&] { return memcached_set(memc, "key", 3, "value", 5, 0, 0); };
  if (shardcache::CheckCall(memc, set()) != MEMCACHED_CONNECTION_FAILURE) return 2;
  if (shardcache::CheckCall(memc, set()) != MEMCACHED_NO_SERVERS) return 3;
  memcached_free(memc);
}
