// The steps of lookup3, of which jenkins.cc has the plain form.
#ifndef SHARDCACHE_LIB_HASH_JENKINS_MIX_H_
#define SHARDCACHE_LIB_HASH_JENKINS_MIX_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/hash/bytes.h"
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

// All of a key but its last 1 to 12 bytes (an empty key's none) is mixed.
struct JenkinsStart {
  std::uint32_t a, b, c;
  const char* p;  // what is left begins here
  std::size_t left;

  explicit SHARDCACHE_INLINE JenkinsStart(std::string_view key) : p(key.data()), left(key.size()) {
    a = b = c = 0xdeadbeef + static_cast<std::uint32_t>(key.size()) + 13;
    for (; left > 12; left -= 12, p += 12) {
      a += Load32(p), b += Load32(p + 4), c += Load32(p + 8);
      JenkinsMix(a, b, c);
    }
  }
};

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_HASH_JENKINS_MIX_H_
