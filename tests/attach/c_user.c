#include "tests/attach/c_user.h"

#include <stdlib.h>
#include <string.h>

static char* copy(const char* text) {
  char* result = malloc(strlen(text) + 1);
  return result == NULL ? NULL : strcpy(result, text);
}

static char* set(memcached_st* memc, const char* key, const char* value) {
  memcached_return_t rc = memcached_set(memc, key, strlen(key), value, strlen(value), 0, 0);
  rc = shardcache_check(memc, rc);
  return rc == MEMCACHED_SUCCESS ? NULL : copy(memcached_strerror(memc, rc));
}

char* set_from_c(const char* file, const char* pool, const char* key, const char* value) {
  char* error = NULL;
  shardcache_router* router = shardcache_router_open(file, pool, &error);
  if (router == NULL) return error;
  memcached_st memc;
  memcached_create(&memc);
  if (shardcache_attach(&memc, router, &error)) {
    shardcache_router_close(router); /* the handle keeps what it needs */
    error = set(&memc, key, value);
  } else {
    shardcache_router_close(router);
  }
  memcached_free(&memc);
  return error;
}
