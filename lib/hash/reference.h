// twemproxy's key hashes, one byte at a time: the plain form that a reader can hold against
// the specification. Every faster form is tested against these.
#ifndef SHARDCACHE_LIB_HASH_REFERENCE_H_
#define SHARDCACHE_LIB_HASH_REFERENCE_H_

#include <array>
#include <cstdint>
#include <string_view>

#include "shardcache/hash.h"

namespace shardcache::inline v0::internal {

// What C makes of `byte` when it is read through a `char` of that sign and widened.
constexpr std::uint32_t Widen(char byte, CharSign sign) {
  return sign == CharSign::kSigned
             ? static_cast<std::uint32_t>(static_cast<std::int32_t>(static_cast<std::int8_t>(byte)))
             : static_cast<std::uint32_t>(static_cast<std::uint8_t>(byte));
}

std::uint32_t OneAtATime(std::string_view key, CharSign sign);
std::uint32_t Md5(std::string_view key);
std::uint32_t Crc16(std::string_view key);
std::uint32_t Crc32(std::string_view key);
std::uint32_t Crc32a(std::string_view key);
std::uint32_t Fnv1_64(std::string_view key, CharSign sign);
std::uint32_t Fnv1a_64(std::string_view key, CharSign sign);
std::uint32_t Fnv1_32(std::string_view key, CharSign sign);
std::uint32_t Fnv1a_32(std::string_view key, CharSign sign);
std::uint32_t Hsieh(std::string_view key, CharSign sign);
std::uint32_t Murmur(std::string_view key);
std::uint32_t Jenkins(std::string_view key);

// The MD5 digest (RFC 1321) as four little-endian words, which is how twemproxy uses it.
std::array<std::uint32_t, 4> Md5Words(std::string_view text);

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_HASH_REFERENCE_H_
