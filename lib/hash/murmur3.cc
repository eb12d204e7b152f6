// MurmurHash3 x86_32, by Austin Appleby, in the public domain.
#include <bit>

#include "lib/hash/bytes.h"
#include "lib/hash/foreign.h"

namespace shardcache::inline v0::internal {
namespace {

std::uint32_t Scramble(std::uint32_t k) { return std::rotl(k * 0xcc9e2d51U, 15) * 0x1b873593U; }

}  // namespace

std::uint32_t Murmur3_32(std::string_view bytes, std::uint32_t seed) {
  std::uint32_t hash = seed;
  const std::size_t whole = bytes.size() / 4 * 4;
  for (std::size_t at = 0; at < whole; at += 4) {
    hash = std::rotl(hash ^ Scramble(Load32(bytes.data() + at)), 13) * 5 + 0xe6546b64U;
  }
  std::uint32_t tail = 0;
  for (std::size_t at = bytes.size(); at > whole; --at) {
    tail = tail << 8 | static_cast<std::uint8_t>(bytes[at - 1]);
  }
  if (whole < bytes.size()) hash ^= Scramble(tail);
  hash ^= static_cast<std::uint32_t>(bytes.size());
  hash = (hash ^ hash >> 16) * 0x85ebca6bU;
  hash = (hash ^ hash >> 13) * 0xc2b2ae35U;
  return hash ^ hash >> 16;
}

}  // namespace shardcache::inline v0::internal
