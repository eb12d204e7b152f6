// Hashes of other clients that twemproxy does not have.
#ifndef SHARDCACHE_LIB_HASH_FOREIGN_H_
#define SHARDCACHE_LIB_HASH_FOREIGN_H_

#include <cstdint>
#include <string_view>

namespace shardcache::inline v0::internal {

// MurmurHash3, the 32-bit form for x86.
std::uint32_t Murmur3_32(std::string_view bytes, std::uint32_t seed);

// MurmurHash64A.
std::uint64_t Murmur64A(std::string_view bytes, std::uint64_t seed);

// SpookyHash V2, the low 32 bits of its 128.
std::uint32_t SpookyV2_32(std::string_view bytes, std::uint32_t seed);

// The first four bytes of the SHA-1 digest, big-endian.
std::uint32_t Sha1FirstWord(std::string_view text);

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_HASH_FOREIGN_H_
