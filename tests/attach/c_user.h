/* What c_test.cc has C do. */
#ifndef SHARDCACHE_TESTS_ATTACH_C_USER_H_
#define SHARDCACHE_TESTS_ATTACH_C_USER_H_

#include "shardcache/libmemcached_c.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Sets `key` to `value` by a handle of its own, attached to pool `pool` of `file`. Returns NULL,
 * or a message to be freed. */
char* set_from_c(const char* file, const char* pool, const char* key, const char* value);

#ifdef __cplusplus
}
#endif

#endif /* SHARDCACHE_TESTS_ATTACH_C_USER_H_ */
