// A row of steps, one for each byte of a key.
#ifndef SHARDCACHE_LIB_HASH_EACH_BYTE_H_
#define SHARDCACHE_LIB_HASH_EACH_BYTE_H_

#include <cstddef>
#include <string_view>

#include "lib/hash/wide.h"

namespace shardcache::inline v0::internal {

// `step` for every byte. One jump into a row of 64 steps, since the end of a loop is a branch that
// is mispredicted for nearly every key, and more of them are made by any other unrolling. The first
// eight come before it: they are carried out while the jump's true target is found and fetched.
template <class Step>
SHARDCACHE_INLINE void ForEachByte(std::string_view key, Step step) {
#define SHARDCACHE_STEP(n) \
  case n:                  \
    step(end[-(n)]);       \
    [[fallthrough]];
#define SHARDCACHE_STEPS_4(n) \
  SHARDCACHE_STEP((n) + 4)    \
  SHARDCACHE_STEP((n) + 3) SHARDCACHE_STEP((n) + 2) SHARDCACHE_STEP((n) + 1)
#define SHARDCACHE_STEPS_16(n) \
  SHARDCACHE_STEPS_4((n) + 12) \
  SHARDCACHE_STEPS_4((n) + 8) SHARDCACHE_STEPS_4((n) + 4) SHARDCACHE_STEPS_4(n)
  const char* const end = key.data() + key.size();
  std::size_t left = key.size();
  if (left >= 8) [[likely]] {
    const char* const p = key.data();
    step(p[0]), step(p[1]), step(p[2]), step(p[3]);
    step(p[4]), step(p[5]), step(p[6]), step(p[7]);
    left -= 8;
  }
  for (; left > 64; --left) step(end[-static_cast<std::ptrdiff_t>(left)]);
  switch (left) {
    SHARDCACHE_STEPS_16(48)
    SHARDCACHE_STEPS_16(32)
    SHARDCACHE_STEPS_16(16)
    SHARDCACHE_STEPS_16(0)
    default:
      break;
  }
#undef SHARDCACHE_STEPS_16
#undef SHARDCACHE_STEPS_4
#undef SHARDCACHE_STEP
}

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_HASH_EACH_BYTE_H_
