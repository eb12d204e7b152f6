// Little-endian words read from bytes at any alignment, on any machine.
#ifndef SHARDCACHE_LIB_HASH_BYTES_H_
#define SHARDCACHE_LIB_HASH_BYTES_H_

#include <bit>
#include <cstdint>
#include <cstring>

namespace shardcache::inline v0::internal {

constexpr std::uint32_t Byte(const char* p) { return static_cast<std::uint8_t>(*p); }
constexpr std::uint32_t Load16(const char* p) { return Byte(p) | Byte(p + 1) << 8; }
// GCC 12 does not always see that four bytes are one word.
inline std::uint32_t Load32(const char* p) {
  if constexpr (std::endian::native == std::endian::little) {
    std::uint32_t word;
    std::memcpy(&word, p, sizeof word);
    return word;
  }
  return Load16(p) | Load16(p + 2) << 16;
}

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_HASH_BYTES_H_
