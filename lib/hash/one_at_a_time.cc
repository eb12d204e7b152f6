// Bob Jenkins' one-at-a-time hash, seed 0. twemproxy: src/hashkit/nc_one_at_a_time.c.
#include "lib/hash/reference.h"

namespace shardcache::inline v0::internal {

std::uint32_t OneAtATime(std::string_view key, CharSign sign) {
  std::uint32_t hash = 0;
  for (char byte : key) {
    hash += Widen(byte, sign);
    hash += hash << 10;
    hash ^= hash >> 6;
  }
  hash += hash << 3;
  hash ^= hash >> 11;
  hash += hash << 15;
  return hash;
}

}  // namespace shardcache::inline v0::internal
