// CRC-32 by carry-less multiplication, where x86 has it.
#ifndef SHARDCACHE_LIB_HASH_CRC_CLMUL_H_
#define SHARDCACHE_LIB_HASH_CRC_CLMUL_H_

#include <cstdint>
#include <span>
#include <string_view>

namespace shardcache::inline v0::internal {

#if defined(__x86_64__)
// Crc32a() of one key, and of many. REQUIRES: the processor has PCLMULQDQ and SSE4.1.
std::uint32_t Crc32aClmul(std::string_view key);
// REQUIRES: hashes.size() == keys.size().
void Crc32aClmul(std::span<const std::string_view> keys, std::span<std::uint32_t> hashes);

// The same, faster, where the processor multiplies in all of a 512-bit vector at once.
bool HasWideClmul();
// REQUIRES: HasWideClmul().
std::uint32_t Crc32aWideClmul(std::string_view key);
void Crc32aWideClmul(std::span<const std::string_view> keys, std::span<std::uint32_t> hashes);
#endif

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_HASH_CRC_CLMUL_H_
