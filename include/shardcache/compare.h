// Two placements side by side: which keys they send to different servers.
#ifndef SHARDCACHE_COMPARE_H_
#define SHARDCACHE_COMPARE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shardcache/export.h"
#include "shardcache/placement.h"

namespace shardcache::inline v0 {

// An interval of parts, 0 to 1.
struct Interval {
  double low = 0;
  double high = 1;
};

// The 95 % interval of the part of which a random sample of `trials` had `successes` (Wilson's
// score interval). {0, 1} if there were no trials.
SHARDCACHE_EXPORT Interval WilsonInterval(std::uint64_t successes, std::uint64_t trials);

// Keys, or hashes, that one placement has at `from` and the other at `to`.
struct Flow {
  ServerIndex from = 0;  // in the first placement
  ServerIndex to = 0;    // in the second
  std::uint64_t amount = 0;
};

// A key that two placements send to different servers.
struct Difference {
  std::string key;
  ServerIndex first = 0;   // in the first placement
  ServerIndex second = 0;  // in the second
};

// What two placements make of some keys. Servers are the same if their addresses are, whatever
// their indexes and ring names.
struct Comparison {
  std::uint64_t keys = 0;
  std::uint64_t disagreements = 0;
  double fraction = 0;  // of the keys, that disagree; 0 if there are none
  // In which that fraction lies for all keys of which these are a random sample, 95 times of 100.
  Interval interval;
  std::vector<Flow> flows;           // between different servers; the largest first
  std::vector<Difference> examples;  // the first few that disagree
};

// The same for all hashes there can be.
struct ExactComparison {
  std::uint64_t hashes = 0;  // 2^32; 2^15 for crc32
  std::uint64_t disagreements = 0;
  double fraction = 0;
  std::vector<Flow> flows;  // between different servers; the largest first
};

// Compares two placements over keys that come in portions. A key is what the application gives;
// each placement gets it as it would meet it there: a proxy, as the client sends it (with its
// prefix, say). Copies the placements; for one thread at a time.
class SHARDCACHE_EXPORT Comparer {
 public:
  Comparer(const Placement& first, const Placement& second, std::size_t most_examples = 10);

  void Add(std::span<const std::string_view> keys);
  // Where the two send a key.
  std::pair<ServerIndex, ServerIndex> Locate(std::string_view key) const;
  // Whether the two indexes are the same server.
  bool SameServer(ServerIndex first, ServerIndex second) const;
  Comparison Result() const;

  // Over all hashes, by the arcs of the rings and the slots of the tables, without sampling.
  // Nothing where the two do not hash the same bytes by the same function, where one of them
  // does not look a hash up but computes, and for tables too large. O(points), but for tables
  // O(points * slots).
  std::optional<ExactComparison> Exact() const;

 private:
  bool SameHash() const;

  Placement first_;
  Placement second_;
  std::size_t most_examples_;
  // Equal numbers are the same address.
  std::vector<std::size_t> first_ids_;
  std::vector<std::size_t> second_ids_;
  std::uint64_t keys_ = 0;
  std::uint64_t disagreements_ = 0;
  std::map<std::pair<ServerIndex, ServerIndex>, std::uint64_t> flows_;
  std::vector<Difference> examples_;
};

// The comparison of two placements over `keys`.
SHARDCACHE_EXPORT Comparison Compare(const Placement& first, const Placement& second,
                                     std::span<const std::string_view> keys);

}  // namespace shardcache::inline v0

#endif  // SHARDCACHE_COMPARE_H_
