/* libmemcached.h for C (C11): routes an application's memcached_st as twemproxy would. What the
 * calls do and how libmemcached behaves under them is said in shardcache/libmemcached.h.
 *
 *   shardcache_router *router = shardcache_router_open("nutcracker.yml", "alpha", &error);
 *   memcached_st *memc = memcached_create(NULL);
 *   if (!shardcache_attach(memc, router, &error)) ...
 *   rc = shardcache_check(memc, memcached_set(memc, key, ...));
 */
#ifndef SHARDCACHE_LIBMEMCACHED_C_H_
#define SHARDCACHE_LIBMEMCACHED_C_H_

#include <libmemcached/memcached.h>
#include <stdbool.h>
#include <stddef.h>

#include "shardcache/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Who is live in one pool: shardcache::Router with its default options. One for each pool and
 * process, shared by all handles and threads. */
/* NOLINTNEXTLINE(modernize-use-using): this is C, which has no other way */
typedef struct shardcache_router shardcache_router;

/* The router of `pool` in the file `nutcracker_yml`; NULL is the only pool of it. On failure
 * returns NULL and stores a message in *error, to be released by free(), unless `error` is NULL. */
SHARDCACHE_EXPORT shardcache_router* shardcache_router_open(const char* nutcracker_yml,
                                                            const char* pool, char** error);

/* Ends the use of `router` by the caller. Handles that are attached keep what they need of it. */
SHARDCACHE_EXPORT void shardcache_router_close(shardcache_router* router);

/* shardcache::Attach(): false, and a message as above, if `memc` is refused. */
SHARDCACHE_EXPORT bool shardcache_attach(memcached_st* memc, shardcache_router* router,
                                         char** error);

/* shardcache::CheckCall() and CheckGet(). */
SHARDCACHE_EXPORT memcached_return_t shardcache_check(memcached_st* memc, memcached_return_t rc);
SHARDCACHE_EXPORT memcached_return_t shardcache_check_get(memcached_st* memc, const char* key,
                                                          size_t key_length, memcached_return_t rc);

#ifdef __cplusplus
}
#endif

#endif /* SHARDCACHE_LIBMEMCACHED_C_H_ */
