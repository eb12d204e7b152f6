// Envoy's two consistent balancers, apart from the keys, so that they can be tested by hash.
#ifndef SHARDCACHE_LIB_INTEROP_ENVOY_H_
#define SHARDCACHE_LIB_INTEROP_ENVOY_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "shardcache/server.h"

namespace shardcache::inline v0::internal {

// A host as Envoy hashes it, in Envoy's order.
struct EnvoyHost {
  std::string key;
  std::uint32_t weight = 1;
};

enum class EnvoyHash { kXxHash, kMurmurHash2 };

// xxHash64, or MurmurHash2 as std::hash of libstdc++ has it.
std::uint64_t EnvoyHashOf(EnvoyHash hash, std::string_view text);

// Source: source/extensions/load_balancing_policies/ring_hash/ring_hash_lb.cc.
class EnvoyRing {
 public:
  // REQUIRES: hosts of weights of at least 1, 1 <= minimum_size <= maximum_size.
  EnvoyRing(std::span<const EnvoyHost> hosts, std::uint64_t minimum_size,
            std::uint64_t maximum_size, EnvoyHash hash);

  ServerIndex Locate(std::uint64_t hash) const;

 private:
  struct Entry {
    std::uint64_t hash;
    ServerIndex owner;
  };
  std::vector<Entry> ring_;
};

// The owners of a Maglev table, which are looked up by hash modulo its size.
// REQUIRES: hosts of weights of at least 1; a prime size.
// Source: source/extensions/load_balancing_policies/maglev/maglev_lb.cc.
std::vector<ServerIndex> EnvoyMaglevTable(std::span<const EnvoyHost> hosts, std::uint64_t size);

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_INTEROP_ENVOY_H_
