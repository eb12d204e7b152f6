// What a client does about the values that a server still holds when it returns.
//
// twemproxy ejects a server that fails and readmits it when server_retry_timeout is over, with all
// it held. Values that were written elsewhere meanwhile are then hidden by older ones; and those
// stay behind on the other servers, to be read at the next ejection. A guard prevents it:
//
// kExact. The clients of a ClientPool remember which keys they changed while a server was out, and
//   what other servers may hold of these keys. What a server must not give any more is deleted from
//   it before it is routed to again; what was left on the servers that stood in for it is deleted
//   right after. Until it is deleted, no client of the pool reads it: it deletes it first. No other
//   key is touched.
//   Theorem. Of two writes of a key made through this pool, one of which began when the other had
//   ended, and of the value that a server held under that key before its ejection and any write
//   made during it, no read through this pool that begins later returns the older.
//   Limits. A write that ended in an error with `maybe_applied` counts as made when the server
//   carries it out, which may be later. Of values written by other processes nothing is known, so
//   one that they left on a server that stood in may be read at the next ejection. Reload()
//   forgets. Memory is bounded by `memory`: an outage in which more keys are changed ends as under
//   kFleet.
//
// kFleet. Before a server is routed to again it is emptied (flush_all), unless an item on it, the
//   marker, says that some client of this library, in whatever process, did so since the outage
//   began, or its uptime says that it was restarted since. Times are the server's own.
//   Theorem. After an ejection that this pool made, no read through this pool returns a value that
//   the server held before it.
//   Limits. Values that the server was given during the outage by processes that did not eject it
//   may be lost with the rest. The marker counts in seconds: an outage of less than two seconds is
//   followed by an invalidation of its own. A server started with -F refuses flush_all and so is
//   never readmitted; one that keeps its items through a restart (-e) must not be guarded so. What
//   was left on the servers that stood in is not looked for.
//
// Neither can promise anything for processes that do not agree on who is live. If a proxy, or
// another process, still routes to a server that this one has ejected, or readmits it sooner, the
// two write one key to two places, and each reads its own. `shardcache clean` removes from live
// servers what does not belong there.
#ifndef SHARDCACHE_STALE_GUARD_H_
#define SHARDCACHE_STALE_GUARD_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "shardcache/export.h"

namespace shardcache::inline v0 {

enum class StaleGuard : std::uint8_t {
  kOff,  // twemproxy's way
  kExact,
  kFleet,
};

// What the guard did for a server that returned.
struct StaleGuardEvent {
  enum class Type : std::uint8_t {
    kCleaned,             // `keys` keys were deleted from it
    kInvalidated,         // it was emptied
    kAlreadyInvalidated,  // another client had emptied it
    kRestarted,           // it had been restarted, and so was empty
    kOverflow,            // kExact: more keys were changed than memory allows; kFleet takes over
    kFailed,              // it stays ejected; `message` says why, if the server answered
  };
  Type type = Type::kCleaned;
  std::string server;  // ring name
  std::uint64_t keys = 0;
  std::string message = {};
};

struct StaleGuardOptions {
  StaleGuard level = StaleGuard::kOff;
  // kExact: how many bytes may be spent on keys. A key takes its length and about 200 bytes.
  std::size_t memory = std::size_t{64} << 20;
  // Called by the thread that did it, one call at a time. Must not call the pool's clients.
  std::function<void(const StaleGuardEvent&)> observer = {};
};

// The marker of kFleet is an item of this key on each server: its value is the server's time in
// seconds since 1970 at which it was last emptied by the guard.
inline constexpr const char* kInvalidationMarker = "shardcache:emptied_at";
// Held by the client that empties the server, for at most 10 s.
inline constexpr const char* kInvalidationLock = "shardcache:emptying";

}  // namespace shardcache::inline v0

#endif  // SHARDCACHE_STALE_GUARD_H_
