// How long the random tests go on.
#ifndef SHARDCACHE_TESTS_UNIT_EFFORT_H_
#define SHARDCACHE_TESTS_UNIT_EFFORT_H_

#include <cstddef>
#include <cstdlib>

namespace shardcache::testing {

// How many times longer than in an ordinary run: SHARDCACHE_TEST_EFFORT of the environment, or 1.
// With 40, hash_kernels_test and point_index_test make more than 100 million comparisons.
inline std::size_t Effort() {
  const char* effort = std::getenv("SHARDCACHE_TEST_EFFORT");
  return effort == nullptr ? 1 : std::strtoul(effort, nullptr, 10);
}

}  // namespace shardcache::testing

#endif  // SHARDCACHE_TESTS_UNIT_EFFORT_H_
