// The hashes of reference.h for one key at a time, faster where that takes another form.
#ifndef SHARDCACHE_LIB_HASH_ONE_KEY_H_
#define SHARDCACHE_LIB_HASH_ONE_KEY_H_

#include <cstdint>
#include <string_view>

#include "shardcache/hash.h"

namespace shardcache::inline v0::internal {

using OneKeyHash = std::uint32_t (*)(std::string_view key);

// The fastest form on this processor: it gives Hash(function, key, sign).
OneKeyHash FastestHash(HashFunction function, CharSign sign);

std::uint32_t FastCrc16(std::string_view key);

// What FastestHash() gives for md5, crc32a, murmur and jenkins on a processor that has not the
// instructions that help with them.
std::uint32_t WordwiseMd5(std::string_view key);
std::uint32_t SlicedCrc32a(std::string_view key);
std::uint32_t WordwiseMurmur(std::string_view key);
std::uint32_t WordwiseJenkins(std::string_view key);

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_HASH_ONE_KEY_H_
