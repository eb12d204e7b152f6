// Which copies of which keys must not be read.
#ifndef SHARDCACHE_LIB_CLIENT_STALE_KEYS_H_
#define SHARDCACHE_LIB_CLIENT_STALE_KEYS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "shardcache/placement.h"
#include "shardcache/router.h"

namespace shardcache::inline v0::internal {

// The memory of StaleGuard::kExact: for each server the keys of which it may hold a copy that was
// not made by the newest write. It does no I/O. Thread-safe.
//
// Invariant: once a write of a key through this process has begun, each server that may hold a
// copy made before, and is not the one written to, is *stale* for the key. For a copy was made
// either before the first ejection, on the key's home, or by a write through this process, on its
// owner under one of the placements of `history_`; and a write marks all of these. A stale copy is
// not read: whoever is routed to it deletes it first. A mark goes when the copy has been deleted,
// or overwritten, by a request that began after the mark was made.
//
// A copy that a write made away from its key's home is a *stray* until the key's owner is another;
// then it is stale. So strays and marks together are all that an outage leaves behind, and when
// none is left and all servers are live, all is as it was before.
class StaleKeys {
 public:
  // `home`: the placement with all servers live. `unhashed`: how many bytes at the front of a key
  // do not count for its placement.
  StaleKeys(const Placement& home, std::uint64_t configuration, std::size_t memory,
            std::size_t unhashed = 0);

  // Whether there is anything to ask for at all. When it says no, and no server is ejected, a
  // request needs no ticket.
  bool active() const { return active_.load(std::memory_order_acquire); }

  // Of a request that is about to be sent.
  struct Ticket {
    std::uint64_t begun = 0;
    bool remove_first = false;  // the server's copy is stale: delete it on the way
    bool writes = false;        // End() must be called
  };
  // A request that changes `key` goes to `server`, as `snapshot` says.
  Ticket BeginWrite(std::string_view key, ServerIndex server, const RouterSnapshot& snapshot);
  // One that reads.
  Ticket BeginRead(std::string_view key, ServerIndex server);

  // The request is over. `removed`: the server has certainly deleted or overwritten the copy that
  // it held when the request began.
  void End(std::string_view key, ServerIndex server, const Ticket& ticket, bool removed);

  // Housekeeping.

  struct Copy {
    std::string key;
    std::uint64_t marked = 0;
  };
  // Up to `limit` stale copies on `server` that no write is on the way to.
  std::vector<Copy> Stale(ServerIndex server, std::size_t limit) const;
  // They were deleted; marks that were made since remain.
  void Deleted(ServerIndex server, const std::vector<Copy>& copies);
  // `server` was emptied by a request that was sent at `begun` or later.
  void Emptied(ServerIndex server, std::uint64_t begun);
  // Now, for Emptied().
  std::uint64_t Moment() const;

  // Makes strays stale whose key has another owner now; forgets all there is to forget.
  void Settle(const RouterSnapshot& snapshot);

  // Whether marks for `server` were dropped for want of memory, so that it must be emptied.
  bool Overflowed(ServerIndex server) const;

  // For tests: everything, in a fixed order.
  std::string Dump() const;

 private:
  struct State {
    std::uint64_t marked = 0;  // when it became stale, if it is
    bool stale = false;
    std::uint32_t writers = 0;  // writes to this server that are on the way
  };
  using Copies = std::unordered_map<std::string, State>;

  ServerIndex Owner(const Placement& placement, std::string_view key) const {
    return placement.Locate(key.substr(unhashed_));
  }
  void Reset(const Placement& home, std::uint64_t configuration);
  void Remember(const RouterSnapshot& snapshot);
  State* Find(std::string_view key, ServerIndex server);
  State* FindOrAdd(std::string_view key, ServerIndex server);
  void Mark(std::string_view key, ServerIndex server);
  void EraseIfNothing(const std::string& key, ServerIndex server);
  std::size_t CostOf(std::string_view key) const { return key.size() + 200; }

  mutable std::mutex mutex_;
  std::atomic<bool> active_{false};
  std::vector<Placement> history_;  // [0] is home
  std::uint64_t configuration_;
  std::vector<Copies> servers_;
  std::vector<bool> ejected_;  // as last seen
  std::vector<bool> overflow_;
  const std::size_t memory_;
  const std::size_t unhashed_;
  std::size_t used_ = 0;
  std::uint64_t moment_ = 0;
};

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_CLIENT_STALE_KEYS_H_
