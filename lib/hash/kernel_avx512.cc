// The AVX-512 kernel. Compiled for processors that have it (lib/CMakeLists.txt).
#if defined(__x86_64__)
#include <immintrin.h>

#include "lib/hash/lane_kernel.h"

namespace shardcache::inline v0::internal {
namespace {

struct Avx512 {
  static constexpr int kLanes = 16;
  static constexpr int kVectors = 4;

  static SHARDCACHE_INLINE Vector<16> LoadRow(const char* key, std::int32_t at,
                                              std::int32_t length) {
    // A masked load touches no byte whose bit in the mask is clear.
    const std::int32_t left = length - at;
    const auto bytes = static_cast<unsigned>(left < 0 ? 0 : left < 64 ? left : 64);
    return reinterpret_cast<Vector<16>>(
        _mm512_maskz_loadu_epi8(_bzhi_u64(~std::uint64_t{0}, bytes), key + at));
  }
};

}  // namespace

constinit const KernelFunctions kAvx512Kernel = LaneKernel<Avx512>::kFunctions;

}  // namespace shardcache::inline v0::internal
#endif
