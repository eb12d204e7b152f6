// MurmurHash2 (Austin Appleby) with a seed made of the length. twemproxy:
// src/hashkit/nc_murmur.c.
#include "lib/hash/bytes.h"
#include "lib/hash/reference.h"

namespace shardcache::inline v0::internal {

std::uint32_t Murmur(std::string_view key) {
  constexpr std::uint32_t kMultiplier = 0x5bd1e995;
  const auto length = static_cast<std::uint32_t>(key.size());
  std::uint32_t hash = (0xdeadbeef * length) ^ length;
  const char* p = key.data();
  for (std::size_t quads = key.size() / 4; quads > 0; --quads, p += 4) {
    std::uint32_t block = Load32(p) * kMultiplier;
    block = (block ^ block >> 24) * kMultiplier;
    hash = (hash * kMultiplier) ^ block;
  }
  if (const std::size_t rest = key.size() % 4; rest > 0) {
    if (rest == 3) hash ^= Byte(p + 2) << 16;
    if (rest >= 2) hash ^= Byte(p + 1) << 8;
    hash = (hash ^ Byte(p)) * kMultiplier;
  }
  hash = (hash ^ hash >> 13) * kMultiplier;
  return hash ^ hash >> 15;
}

}  // namespace shardcache::inline v0::internal
