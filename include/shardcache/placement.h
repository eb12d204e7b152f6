// Which server a key belongs to.
#ifndef SHARDCACHE_PLACEMENT_H_
#define SHARDCACHE_PLACEMENT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shardcache/export.h"
#include "shardcache/hash.h"
#include "shardcache/pool_config.h"
#include "shardcache/result.h"
#include "shardcache/server.h"

namespace shardcache::inline v0 {

namespace internal {
struct PlacementAccess;
struct PlacementState;
}  // namespace internal

// A point of the continuum. It owns the hashes from just above the point before it up to and
// including `value`; the first point also owns those above the last.
struct Point {
  std::uint32_t value = 0;
  ServerIndex owner = 0;

  friend bool operator==(const Point&, const Point&) = default;
};

// The map from keys to servers that twemproxy makes of a pool while a given set of its servers
// is live; or the one that another client makes, see interop.h. An immutable value: built once,
// cheap to copy (copies share), and safe to use from any number of threads at once without a lock.
// The same inputs give the same answers in every process, for ever; `random` alone has no answer to
// keep.
//
//   Result<Placement> placement = Placement::Create(pool);
//   const Server& owner = placement->server(placement->Locate("user:42"));
//
// Source: twemproxy 0.5.0, src/nc_server.c (server_pool_idx) and src/hashkit/nc_ketama.c,
// nc_modula.c, nc_random.c. A key is placed so:
// 1. In a pool of one server: there, whatever the key.
// 2. Of the key, the part in the hash tag if it has one (see HashTag), else all of it is
//    hashed; an empty key hashes to 0.
// 3. ketama: the owner of the first point whose value is at least the hash, or of the first
//    point if there is none. modula: slot `hash % size` of a table that holds the live
//    servers in index order, each `weight` times. random: any live server.
class SHARDCACHE_EXPORT Placement {
 public:
  // Gives uniformly distributed 32-bit numbers. Only a pool with `distribution: random` calls
  // it, from whichever thread locates a key: it must be safe for the threads that share the
  // placement. Empty: a generator for each thread, seeded by the system.
  using RandomSource = std::function<std::uint32_t()>;

  // The placement of `pool` with all of its servers live. O(points) for ketama, of which there are
  // about 160 a server.
  //
  // Errors: kInvalidConfig if `pool` has no servers, two of one ring name, a weight outside
  // 1 to 2147483647, or weights that sum to more than 4294967295 (where twemproxy overruns
  // its own tables). A pool that ParsePools() returned can fail for that last reason only.
  [[nodiscard]] static Result<Placement> Create(const PoolConfig& pool, RandomSource random = {});

  // The same pool with exactly the servers of `live` live, whichever are live in this one.
  // Server indexes keep their meaning. Order and repetition in `live` do not matter.
  //
  // Errors: kInvalidArgument if `live` is empty (twemproxy then keeps the ring it had) or
  // holds an index that is not of this pool; or for the placement of another client.
  [[nodiscard]] Result<Placement> Restrict(std::span<const ServerIndex> live) const;

  // The server that `key` belongs to. Cannot fail. O(key.size()).
  ServerIndex Locate(std::string_view key) const;

  // The server of each of `keys`, in order; the same answers several times sooner, for keys are
  // hashed side by side. Best with 64 keys or more at a time; allocates nothing.
  // REQUIRES: owners.size() == keys.size().
  void Locate(std::span<const std::string_view> keys, std::span<ServerIndex> owners) const;

  // The server that a hash leads to, by rule 3. For a pool of one server, that server.
  ServerIndex LocateHash(std::uint32_t hash) const;

  // The hash by which `key` is placed, by rule 2: Locate(key) is LocateHash(HashKey(key)).
  std::uint32_t HashKey(std::string_view key) const;

  // The part of `key` that is hashed: a view into `key`.
  std::string_view HashedPart(std::string_view key) const;

  // All servers of the pool, live or not; a ServerIndex counts in this order.
  std::span<const Server> servers() const;
  // REQUIRES: index < servers().size().
  const Server& server(ServerIndex index) const { return servers()[index]; }

  // The indexes of the live servers, ascending; never empty.
  std::span<const ServerIndex> live() const;
  // REQUIRES: index < servers().size().
  bool is_live(ServerIndex index) const;

  // The name of another client's way to place keys ("libmemcached ketama, weighted"), or
  // "twemproxy". Where it is another's, the next three say nothing of it.
  std::string_view scheme() const;
  Distribution distribution() const;
  HashFunction hash_function() const;
  CharSign char_sign() const;

  // The key as it goes to the server: the same for twemproxy; other clients put a prefix before
  // it, or clean it up.
  std::string SentKey(std::string_view key) const;

  // The continuum, ascending by value, equal values by server index; empty if there is none.
  std::vector<Point> points() const;

  // How many points (ketama), table slots (modula: the weight) or draws (random: 1) the server
  // has; 0 if it is not live. REQUIRES: index < servers().size().
  std::uint32_t PointCount(ServerIndex index) const;

  // The part of all hashes, 0 to 1, that leads to each server, by server index. Keys are spread
  // so if the hash spreads them evenly, which crc32 and crc16 do not.
  std::vector<double> Shares() const;

  // 64-bit XXH3 over all that decides where a key goes: distribution, hash, tag, the servers
  // with their addresses, who is live, and the points. Two processes, on any machines, whose
  // placements have one fingerprint place every key alike (but for `random`).
  std::uint64_t fingerprint() const;

 private:
  friend struct internal::PlacementAccess;

  explicit Placement(std::shared_ptr<const internal::PlacementState> state);

  std::shared_ptr<const internal::PlacementState> state_;
};

}  // namespace shardcache::inline v0

#endif  // SHARDCACHE_PLACEMENT_H_
