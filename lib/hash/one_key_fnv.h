// The FNV hashes of one key at a time.
#ifndef SHARDCACHE_LIB_HASH_ONE_KEY_FNV_H_
#define SHARDCACHE_LIB_HASH_ONE_KEY_FNV_H_

#include "lib/hash/one_key.h"
#include "shardcache/hash.h"

namespace shardcache::inline v0::internal {

// On any processor. Null for a hash that is none of FNV's, as below.
OneKeyHash FnvByteByByte(HashFunction function, CharSign sign);

#if defined(__x86_64__)
// Faster. For signed bytes it needs AVX-512 (F, BW, DQ, VL) with BMI2.
OneKeyHash FnvInAssembly(HashFunction function, CharSign sign);
#endif

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_HASH_ONE_KEY_FNV_H_
