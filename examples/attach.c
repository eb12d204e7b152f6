/* Your libmemcached code, routed as the proxy would: attach FILE KEY VALUE */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shardcache/libmemcached_c.h"

int main(int argc, char** argv) {
  if (argc != 4) return fprintf(stderr, "usage: attach FILE KEY VALUE\n"), 2;
  const char *key = argv[2], *value = argv[3];
  char* error = NULL;

  shardcache_router* router = shardcache_router_open(argv[1], NULL, &error);
  memcached_st* memc = memcached_create(NULL);
  if (router == NULL || !shardcache_attach(memc, router, &error)) {
    fprintf(stderr, "%s\n", error);
    return 1;
  }

  /* From here on as ever; the checks count failures at once and tell misses from errors. */
  memcached_return_t rc =
      shardcache_check(memc, memcached_set(memc, key, strlen(key), value, strlen(value), 0, 0));
  if (rc == MEMCACHED_SUCCESS) {
    size_t length = 0;
    uint32_t flags = 0;
    char* found = memcached_get(memc, key, strlen(key), &length, &flags, &rc);
    rc = shardcache_check_get(memc, key, strlen(key), rc);
    if (rc == MEMCACHED_SUCCESS) printf("%s is %.*s\n", key, (int)length, found);
    free(found);
  }
  if (rc != MEMCACHED_SUCCESS) fprintf(stderr, "%s: %s\n", key, memcached_strerror(memc, rc));

  memcached_free(memc);
  shardcache_router_close(router);
  return rc == MEMCACHED_SUCCESS ? 0 : 1;
}
