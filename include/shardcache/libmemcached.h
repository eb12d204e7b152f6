// An application's own libmemcached handles, routed as twemproxy would.
#ifndef SHARDCACHE_LIBMEMCACHED_H_
#define SHARDCACHE_LIBMEMCACHED_H_

#include <libmemcached/memcached.h>

#include <memory>

#include "shardcache/export.h"
#include "shardcache/result.h"
#include "shardcache/router.h"

namespace shardcache::inline v0 {

SHARDCACHE_EXPORT [[nodiscard]] Result<void> Attach(memcached_st* memc,
                                                    std::shared_ptr<Router> router);
SHARDCACHE_EXPORT bool IsAttached(const memcached_st* memc);
SHARDCACHE_EXPORT memcached_return_t CheckCall(memcached_st* memc, memcached_return_t rc);

}  // namespace shardcache::inline v0

#endif  // SHARDCACHE_LIBMEMCACHED_H_
