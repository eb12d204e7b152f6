// What a Placement is made of.
#ifndef SHARDCACHE_LIB_PLACEMENT_STATE_H_
#define SHARDCACHE_LIB_PLACEMENT_STATE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "lib/hash/one_key.h"
#include "lib/ketama_points.h"
#include "lib/point_index.h"
#include "lib/scheme.h"
#include "shardcache/placement.h"

namespace shardcache::inline v0::internal {

// Which rule places a key.
enum class Way : std::uint8_t { kOneServer, kRing, kTable, kRandom, kScheme };

// What all placements of one pool share, whoever is live.
struct PlacementPool {
  Way way = Way::kOneServer;
  OneKeyHash one_key_hash = nullptr;  // Hash() with `hash` and `char_sign`; not for a scheme
  std::vector<Server> servers;        // sorted
  Distribution distribution = Distribution::kKetama;
  HashFunction hash = HashFunction::kFnv1a_64;
  CharSign char_sign = CharSign::kSigned;
  std::optional<HashTag> hash_tag;
  Placement::RandomSource random;
  mutable KetamaPointCache ketama_points;
  // Not null: the placement is another client's, made by this and nothing above but `servers`.
  std::shared_ptr<const Scheme> scheme;
};

struct PlacementState {
  std::shared_ptr<const PlacementPool> pool;
  std::vector<ServerIndex> live;   // ascending
  std::vector<bool> is_live;       // by server index
  std::uint32_t total_weight = 0;  // of the live servers
  PointIndex ring;                 // ketama
  // modula: the last slot of each live server is a point. So the table, which can have 2^32 slots,
  // need not be spelled out.
  PointIndex table;
};

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_PLACEMENT_STATE_H_
