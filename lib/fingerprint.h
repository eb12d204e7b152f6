// The 64-bit name of a placement.
#ifndef SHARDCACHE_LIB_FINGERPRINT_H_
#define SHARDCACHE_LIB_FINGERPRINT_H_

#include <cstdint>

#include "lib/placement_state.h"

namespace shardcache::inline v0::internal {

std::uint64_t Fingerprint(const PlacementState& state);

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_FINGERPRINT_H_
