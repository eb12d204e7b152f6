// The kernel for any processor.
#include "lib/hash/lane_kernel.h"

namespace shardcache::inline v0::internal {
namespace {

struct Portable {
  static constexpr int kLanes = 4;
  static constexpr int kVectors = 2;

  static SHARDCACHE_INLINE Vector<4> LoadRow(const char* key, std::int32_t at,
                                             std::int32_t length) {
    const std::int32_t left = length - at;
    Vector<4> row = {};
    if (left >= 16) {
      __builtin_memcpy(&row, key + at, 16);
    } else if (left > 0 && length >= 16) {
      // The key's last 16 bytes with zeros after them, read from the first one that is wanted.
      char last[32] = {};
      __builtin_memcpy(last, key + length - 16, 16);
      __builtin_memcpy(&row, last + 16 - left, 16);
    } else {
      for (std::int32_t i = 0; i < left; ++i) {
        row[i / 4] |= std::uint32_t{static_cast<std::uint8_t>(key[at + i])} << 8 * (i % 4);
      }
    }
    return row;
  }
};

}  // namespace

constinit const KernelFunctions kPortableKernel = LaneKernel<Portable>::kFunctions;

}  // namespace shardcache::inline v0::internal
