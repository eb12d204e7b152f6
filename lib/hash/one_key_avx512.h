// Hashes of one key that AVX-512 helps with, where x86 has it.
#ifndef SHARDCACHE_LIB_HASH_ONE_KEY_AVX512_H_
#define SHARDCACHE_LIB_HASH_ONE_KEY_AVX512_H_

#include <cstdint>
#include <string_view>

namespace shardcache::inline v0::internal {

#if defined(__x86_64__)
// REQUIRES: the processor has AVX-512 F, BW, DQ and VL.
// The same in two ways, for processors whose vectors are as quick as words, and for others.
std::uint32_t Md5Avx512(std::string_view key);
std::uint32_t Md5Avx512InWords(std::string_view key);
std::uint32_t JenkinsAvx512(std::string_view key);
#endif

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_HASH_ONE_KEY_AVX512_H_
