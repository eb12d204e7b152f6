// twemproxy's algorithm as twemproxy runs it, for the benchmarks to be measured against: the key's
// bytes are hashed one after another, the continuum is searched by halving, and any change of it
// hashes and sorts all points anew. Source: twemproxy 0.5.0, src/hashkit and src/nc_server.c.
#ifndef SHARDCACHE_TESTS_BENCH_STRAIGHTFORWARD_H_
#define SHARDCACHE_TESTS_BENCH_STRAIGHTFORWARD_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "shardcache/hash.h"
#include "shardcache/placement.h"

namespace straightforward {

using HashPointer = std::uint32_t (*)(const char* key, std::size_t length);

// REQUIRES: `function` is one of those that the benchmarks compare.
HashPointer HashOf(shardcache::HashFunction function);

std::vector<shardcache::Point> BuildContinuum(std::span<const shardcache::Server> servers,
                                              std::span<const shardcache::ServerIndex> live);

shardcache::ServerIndex Dispatch(std::span<const shardcache::Point> continuum, std::uint32_t hash);

// Route as twemproxy does (server_pool_idx): hash tag, hash, continuum.
struct Pool {
  HashPointer hash;
  std::string_view hash_tag;  // two bytes, or none
  std::vector<shardcache::Point> continuum;

  shardcache::ServerIndex Route(std::string_view key) const;
};

}  // namespace straightforward

#endif  // SHARDCACHE_TESTS_BENCH_STRAIGHTFORWARD_H_
