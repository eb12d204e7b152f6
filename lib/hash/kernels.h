// The ways in which many keys are hashed at once. All give the answers of reference.h; which is
// the fastest depends on the processor. Programs never choose (Hash() of hash.h does): the
// choice is here for the tests, which run every kernel that the machine supports.
#ifndef SHARDCACHE_LIB_HASH_KERNELS_H_
#define SHARDCACHE_LIB_HASH_KERNELS_H_

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "shardcache/hash.h"

namespace shardcache::inline v0::internal {

enum class Kernel : std::uint8_t {
  kPortable,  // 128-bit vectors: SSE2, NEON, or what the compiler makes of them
  kAvx2,      // 256-bit vectors; x86 with AVX2, BMI2, PCLMULQDQ
  kAvx512,    // 512-bit vectors; x86 with AVX-512 F, BW, DQ and VL besides
};

// The kernels that this processor supports, slowest first; never empty.
std::span<const Kernel> SupportedKernels();
std::string_view KernelName(Kernel kernel);

// hashes[i] becomes Hash(function, keys[i], sign).
// REQUIRES: `kernel` is supported; hashes.size() == keys.size().
void HashWith(Kernel kernel, HashFunction function, std::span<const std::string_view> keys,
              std::span<std::uint32_t> hashes, CharSign sign);

using Digest = std::array<std::uint32_t, 4>;  // of MD5, as four little-endian words

// digests[i] becomes Md5Words(texts[i]).
// REQUIRES: `kernel` is supported; digests.size() == texts.size().
void Md5With(Kernel kernel, std::span<const std::string_view> texts, std::span<Digest> digests);
// The same by the fastest kernel.
void Md5(std::span<const std::string_view> texts, std::span<Digest> digests);

// What the file of a kernel provides. Keys come in whole groups of `group` (at most 64), `count`
// in all, as pointers, never null, and lengths below 2^30.
struct KernelFunctions {
  std::size_t group;
  // Keys up to this long are loaded at one go, so that there it hardly matters that the keys of a
  // group differ in length.
  std::int32_t row_bytes;
  // Every hash but crc16.
  void (*hash)(HashFunction function, CharSign sign, const char* const* data,
               const std::int32_t* length, std::size_t count, std::uint32_t* hashes);
  void (*md5)(const char* const* data, const std::int32_t* length, std::size_t count,
              Digest* digests);
};
extern const KernelFunctions kPortableKernel;
#if defined(__x86_64__)
extern const KernelFunctions kAvx2Kernel;
extern const KernelFunctions kAvx512Kernel;
#endif

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_HASH_KERNELS_H_
