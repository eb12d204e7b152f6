// Hashes of one key that vectors help with, where x86 has them.
#ifndef SHARDCACHE_LIB_HASH_ONE_KEY_AVX2_H_
#define SHARDCACHE_LIB_HASH_ONE_KEY_AVX2_H_

#include <cstdint>
#include <string_view>

namespace shardcache::inline v0::internal {

#if defined(__x86_64__)
// REQUIRES: the processor has AVX2 and BMI2.
std::uint32_t MurmurAvx2(std::string_view key);
std::uint32_t JenkinsAvx2(std::string_view key);
#endif

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_HASH_ONE_KEY_AVX2_H_
