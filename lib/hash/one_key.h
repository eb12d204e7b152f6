// The hashes of reference.h for one key at a time, faster where that takes another form. Those
// that are missing here are as fast in their plain form.
#ifndef SHARDCACHE_LIB_HASH_ONE_KEY_H_
#define SHARDCACHE_LIB_HASH_ONE_KEY_H_

#include <cstdint>
#include <string_view>

#include "shardcache/hash.h"

namespace shardcache::inline v0::internal {

std::uint32_t FastMd5(std::string_view key);
std::uint32_t FastCrc16(std::string_view key);
std::uint32_t FastCrc32a(std::string_view key);
std::uint32_t FastMurmur(std::string_view key);
std::uint32_t FastJenkins(std::string_view key);
std::uint32_t FastFnv1_64(std::string_view key, CharSign sign);
std::uint32_t FastFnv1a_64(std::string_view key, CharSign sign);
std::uint32_t FastFnv1_32(std::string_view key, CharSign sign);
std::uint32_t FastFnv1a_32(std::string_view key, CharSign sign);
std::uint32_t FastOneAtATime(std::string_view key, CharSign sign);

// FastCrc32a on a processor without carry-less multiplication, FastMurmur on one without AVX2.
std::uint32_t SlicedCrc32a(std::string_view key);
std::uint32_t WordwiseMurmur(std::string_view key);

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_HASH_ONE_KEY_H_
