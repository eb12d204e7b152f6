// Key hashes: bytes in, 32 bits out, the same as twemproxy computes.
//
// Every function here is pure: it cannot fail, allocates nothing, and may be called from any
// thread. Keys are raw bytes of any length, embedded NUL and bytes >= 0x80 included, at any
// alignment; no byte outside the key is read.
//
// Source of the algorithms: twemproxy 0.5.0, src/hashkit. They are not the textbook
// functions: several have quirks that place keys, and those are kept bit for bit.
#ifndef SHARDCACHE_HASH_H_
#define SHARDCACHE_HASH_H_

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "shardcache/export.h"

namespace shardcache::inline v0 {

// The values of twemproxy's `hash:` setting.
enum class HashFunction : std::uint8_t {
  kOneAtATime,  // Jenkins one-at-a-time
  kMd5,         // the first four bytes of the MD5 digest, little-endian
  kCrc16,       // CRC-16/XMODEM in a 32-bit register that is never cut to 16 bits
  kCrc32,       // bits 16..30 of CRC-32: only 32,768 different values
  kCrc32a,      // CRC-32 as in zlib
  kFnv1_64,     // the low 32 bits of 64-bit FNV-1
  kFnv1a_64,    // FNV-1a in 32 bits with the 64-bit constants cut short; twemproxy's default
  kFnv1_32,     // 32-bit FNV-1
  kFnv1a_32,    // 32-bit FNV-1a
  kHsieh,       // Hsieh's SuperFastHash
  kMurmur,      // MurmurHash2, seeded by the key's length
  kJenkins,     // Jenkins' lookup3, initial value 13
};

// All of them, in the order of the enumeration.
inline constexpr std::array<HashFunction, 12> kHashFunctions = {
    HashFunction::kOneAtATime, HashFunction::kMd5,     HashFunction::kCrc16,
    HashFunction::kCrc32,      HashFunction::kCrc32a,  HashFunction::kFnv1_64,
    HashFunction::kFnv1a_64,   HashFunction::kFnv1_32, HashFunction::kFnv1a_32,
    HashFunction::kHsieh,      HashFunction::kMurmur,  HashFunction::kJenkins,
};

// How C's `char` behaves on the machine whose hash is wanted. twemproxy's one_at_a_time, fnv*
// and hsieh read keys through `char`, so a byte >= 0x80 enters them sign-extended where `char`
// is signed (x86-64) and not where it is unsigned (ARM Linux): such proxies disagree on every
// key with such a byte. It says nothing of the machine that this code runs on.
enum class CharSign : std::uint8_t { kSigned, kUnsigned };

// The name that twemproxy's configuration has for `function`: "fnv1a_64", ...
SHARDCACHE_EXPORT std::string_view HashName(HashFunction function);

// The hash of that exact name (case matters, as for twemproxy), or nothing.
SHARDCACHE_EXPORT std::optional<HashFunction> ParseHashName(std::string_view name);

// Whether CharSign changes what `function` makes of keys with bytes >= 0x80.
SHARDCACHE_EXPORT bool DependsOnCharSign(HashFunction function);

// The hash of `key`. O(key.size()).
//
//   Hash(HashFunction::kFnv1a_64, "apple") == 1488911807
SHARDCACHE_EXPORT std::uint32_t Hash(HashFunction function, std::string_view key,
                                     CharSign sign = CharSign::kSigned);

// hashes[i] becomes the hash of keys[i]. Several times faster than one key after another, for
// keys are hashed side by side as the processor allows; best in batches of 64 or more.
// REQUIRES: hashes.size() == keys.size(). O(the keys' bytes); allocates nothing.
SHARDCACHE_EXPORT void Hash(HashFunction function, std::span<const std::string_view> keys,
                            std::span<std::uint32_t> hashes, CharSign sign = CharSign::kSigned);

}  // namespace shardcache::inline v0

#endif  // SHARDCACHE_HASH_H_
