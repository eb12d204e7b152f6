// Marks what the shared library exports; everything else is hidden.
#ifndef SHARDCACHE_EXPORT_H_
#define SHARDCACHE_EXPORT_H_

#define SHARDCACHE_EXPORT __attribute__((visibility("default")))

#endif  // SHARDCACHE_EXPORT_H_
