// Two servers that share a point of the continuum.
#ifndef SHARDCACHE_TESTS_UNIT_RING_TIE_H_
#define SHARDCACHE_TESTS_UNIT_RING_TIE_H_

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/ketama.h"

namespace shardcache::testing {

// In a pool of these two, of weight 1 each, both have a point at `value`.
struct RingTie {
  std::uint32_t value = 0;
  std::string first;  // by name, and so by server index
  std::string second;
};

// Some ties, which are always the same: among 1.4 million points of 32 bits many coincide.
inline std::vector<RingTie> FindRingTies() {
  std::vector<RingTie> ties;
  std::unordered_map<std::uint32_t, std::string> seen;
  for (int i = 1000; i < 9999; ++i) {
    const std::string name = "n" + std::to_string(i);
    std::vector<Point> points;
    internal::AppendKetamaPoints(name, 0, 40, points);
    for (const Point& point : points) {
      const auto [at, fresh] = seen.emplace(point.value, name);
      if (!fresh && at->second != name) ties.push_back({point.value, at->second, name});
    }
    if (ties.size() >= 8) break;
  }
  return ties;
}

}  // namespace shardcache::testing

#endif  // SHARDCACHE_TESTS_UNIT_RING_TIE_H_
