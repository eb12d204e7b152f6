// The AVX2 kernel. Compiled for processors that have it (lib/CMakeLists.txt).
#if defined(__x86_64__)
#include <immintrin.h>

#include "lib/hash/lane_kernel.h"

namespace shardcache::inline v0::internal {
namespace {

struct Avx2 {
  static constexpr int kLanes = 8;
  static constexpr int kVectors = 4;

  static SHARDCACHE_INLINE Vector<8> LoadRow(const char* key, std::int32_t at,
                                             std::int32_t length) {
    // A masked load of the whole words touches no other; and the key's last one to three bytes,
    // read with the bytes before them, go after these. Without branches, which would be
    // mispredicted where lengths are mixed.
    const __m256i position = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i words = _mm256_set1_epi32((length - at) >> 2);
    const __m256i row = _mm256_maskload_epi32(reinterpret_cast<const int*>(key + at),
                                              _mm256_cmpgt_epi32(words, position));
    const __m256i rest = _mm256_set1_epi32(static_cast<int>(Rest(key, length)));
    return reinterpret_cast<Vector<8>>(
        _mm256_or_si256(row, _mm256_and_si256(rest, _mm256_cmpeq_epi32(words, position))));
  }

 private:
  // The bytes after the key's last whole word, as a word.
  static SHARDCACHE_INLINE std::uint32_t Rest(const char* key, std::int32_t length) {
    const int count = length & 3;
    if (length >= 4) {
      std::uint32_t last;
      __builtin_memcpy(&last, key + length - 4, 4);
      return static_cast<std::uint32_t>(std::uint64_t{last} >> (32 - 8 * count));
    }
    std::uint32_t word = 0;
    for (int i = 0; i < count; ++i)
      word |= std::uint32_t{static_cast<std::uint8_t>(key[i])} << 8 * i;
    return word;
  }
};

}  // namespace

constinit const KernelFunctions kAvx2Kernel = LaneKernel<Avx2>::kFunctions;

}  // namespace shardcache::inline v0::internal
#endif
