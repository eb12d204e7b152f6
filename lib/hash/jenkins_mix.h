// The two mixing steps of lookup3, of which jenkins.cc has the plain form.
#ifndef SHARDCACHE_LIB_HASH_JENKINS_MIX_H_
#define SHARDCACHE_LIB_HASH_JENKINS_MIX_H_

#include <bit>
#include <cstdint>

#include "lib/hash/wide.h"

namespace shardcache::inline v0::internal {

SHARDCACHE_INLINE void JenkinsMix(std::uint32_t& a, std::uint32_t& b, std::uint32_t& c) {
  a -= c, a ^= std::rotl(c, 4), c += b;
  b -= a, b ^= std::rotl(a, 6), a += c;
  c -= b, c ^= std::rotl(b, 8), b += a;
  a -= c, a ^= std::rotl(c, 16), c += b;
  b -= a, b ^= std::rotl(a, 19), a += c;
  c -= b, c ^= std::rotl(b, 4), b += a;
}

SHARDCACHE_INLINE std::uint32_t JenkinsFinal(std::uint32_t a, std::uint32_t b, std::uint32_t c) {
  c ^= b, c -= std::rotl(b, 14);
  a ^= c, a -= std::rotl(c, 11);
  b ^= a, b -= std::rotl(a, 25);
  c ^= b, c -= std::rotl(b, 16);
  a ^= c, a -= std::rotl(c, 4);
  b ^= a, b -= std::rotl(a, 14);
  return (c ^ b) - std::rotl(b, 24);
}

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_HASH_JENKINS_MIX_H_
