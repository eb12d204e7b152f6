// The one place where placement depends on floating point. twemproxy:
// src/hashkit/nc_ketama.c, ketama_update.
//
// Every product must be rounded to single precision, in this order, or servers get other
// numbers of points. That is guaranteed so: this file is compiled with -fno-fast-math and
// -ffp-contract=off whatever the rest of the build uses (lib/CMakeLists.txt puts them last),
// refuses to compile where those had no effect, and refuses targets that evaluate `float` in
// more than single precision, as the x87 does. tests/unit/ketama_groups_test.cc checks the
// result, and tests/unit/fast_math_test.cmake checks it in a build full of such flags.
#include <cfloat>
#include <cmath>

#include "lib/ketama.h"

#ifdef __FAST_MATH__
#error "ketama_groups.cc must be compiled with -fno-fast-math"
#endif
static_assert(FLT_EVAL_METHOD == 0,
              "float must be evaluated in single precision: on 32-bit x86 use -mfpmath=sse -msse2");

namespace shardcache::inline v0::internal {

std::uint32_t KetamaGroups(std::uint32_t weight, std::uint32_t total_weight,
                           std::uint32_t live_count) {
  const float share = static_cast<float>(weight) / static_cast<float>(total_weight);
  const float points = share * 160.0F;
  const float groups = points / 4.0F;
  const float scaled = groups * static_cast<float>(live_count);
  // The epsilon is added in double precision and rounded back to single.
  const auto nudged = static_cast<float>(static_cast<double>(scaled) + 1e-10);
  return static_cast<std::uint32_t>(std::floor(nudged));
}

}  // namespace shardcache::inline v0::internal
