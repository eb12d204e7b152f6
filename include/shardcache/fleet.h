// Moves and removes the keys of live memcached servers: warm-up before a new layout, clean-up
// after outages.
//
//   const shardcache::Layout before = shardcache::Layout::Of(old_placement);
//   const shardcache::Layout after = shardcache::Layout::Of(new_placement);
//   auto plan = shardcache::Warm(before, after);                   // what would move
//   auto done = shardcache::Warm(before, after, {.go = true});     // moves it
//   if (!done.ok()) return Fail(done.error().message);             // nothing was changed
//   if (done->failed() > 0) return Fail(done->failures.front());
//
// Link shardcache::client. For a move that the application itself makes, miss by miss, see
// dual_client.h.
#ifndef SHARDCACHE_FLEET_H_
#define SHARDCACHE_FLEET_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shardcache/client.h"
#include "shardcache/export.h"
#include "shardcache/placement.h"
#include "shardcache/result.h"
#include "shardcache/server.h"

namespace shardcache::inline v0 {

// Servers, and which of them a key belongs on. A plain value.
struct Layout {
  std::vector<Server> servers;
  // Its servers are `servers`; absent: a key may be on any.
  std::optional<Placement> placement = {};

  SHARDCACHE_EXPORT static Layout Of(const Placement& placement);
};

// How far a call is. `keys` are those listed, then those dealt with.
struct FleetProgress {
  enum class Phase : std::uint8_t { kListing, kWorking };
  Phase phase = Phase::kListing;
  std::uint64_t keys = 0;
  std::uint64_t total = 0;  // 0: not known yet
  std::chrono::duration<double> elapsed = {};
};

// What Warm() and Clean() have in common. The defaults are for servers that are in use.
struct FleetOptions {
  // Without it nothing is changed: the summary says what would be done.
  bool go = false;
  // Keys dealt with in a second, at most; absent: as many as the servers answer.
  std::optional<std::uint64_t> rate = {};
  // Keys that are asked for before the first of them is answered, 1 and more. Also bounded: values
  // of about 8 MiB at a time.
  std::size_t concurrency = 4096;
  // How long a server may say nothing, connecting included, before it counts as failed.
  std::chrono::milliseconds timeout = std::chrono::seconds(10);
  // How long to try again where a server's crawler is busy with another listing.
  std::chrono::milliseconds busy_wait = std::chrono::seconds(30);
  // Called several times a second by the thread of the call, and when a signal ends a wait of that
  // thread. If it returns false the work ends soon, with `interrupted` set in the summary.
  std::function<bool(const FleetProgress&)> progress = {};
};

struct WarmOptions : FleetOptions {
  // Remove a key from its old place once its copy was read back, or where its new place holds
  // something newer. What changed in the old place meanwhile stays there.
  bool remove = false;
  // A file that lets a call that was interrupted, in whatever way, be repeated without doing all
  // of it again; it is removed when all is done. Empty: none. About 35 bytes and the key, for each
  // key that moves; without a journal that space is needed under $TMPDIR while the call runs.
  std::string journal = {};
  // How long values live that come from servers without meta commands (before memcached 1.6) and
  // whose life the listing does not tell. The outer absence refuses to begin where that may
  // happen; the inner one has them live until they are evicted.
  std::optional<Expiration> unknown_expiration = {};
  // If set, called once, to name all keys instead of the servers' own listings: as the application
  // gives them to the old layout, so without a client's prefix. Gives the visitor some at a time.
  // An error is the call's, and nothing is moved.
  using KeyVisitor = std::function<void(std::span<const std::string_view>)>;
  std::function<Result<void>(const KeyVisitor&)> keys = {};
};

// What goes from one server to another. Bytes are of values and keys; in a dry run as the old
// server counts its items, with their headers. Without a dry run
// keys = copied + already_there + gone + failed.
struct WarmRow {
  std::string from;  // addresses
  std::string to;
  std::uint64_t keys = 0;  // to be moved
  std::uint64_t bytes = 0;
  std::uint64_t copied = 0;
  std::uint64_t copied_bytes = 0;
  std::uint64_t renewed = 0;        // of those copied: changed meanwhile, and copied again
  std::uint64_t already_there = 0;  // in the new place: never overwritten
  std::uint64_t gone = 0;           // from the old place, or not there at all
  std::uint64_t removed = 0;        // from the old place
  std::uint64_t failed = 0;
};

struct WarmSummary {
  std::vector<WarmRow> rows;
  std::uint64_t listed = 0;
  std::uint64_t at_home = 0;     // whose place stays
  std::uint64_t orphans = 0;     // not where the old layout would read them, so perhaps stale: left
  std::uint64_t foreign = 0;     // without the prefix of the client whose layout it is: left
  std::uint64_t unnameable = 0;  // that no memcached takes (empty, too long, control bytes): left
  std::uint64_t resumed = 0;     // dealt with by an earlier call with this journal
  std::vector<std::string> failures;  // the first ten causes, each naming server and first key
  // Whether it ended before all keys were dealt with: because `progress` said so, or because the
  // disk failed, which is then the last of `failures`.
  bool interrupted = false;

  SHARDCACHE_EXPORT std::uint64_t failed() const;
};

// Copies values from where `from` has them to where `to` looks for them, with flags and for the
// rest of their lives (within 1 s), each key whose two places are different servers (known by their
// addresses).
//
// A copy is only ever *added*, which fails where the key is there already. Afterwards the old place
// is asked whether the value changed meanwhile: then the copy is replaced, if it is still that
// copy, or taken back where the key was deleted. So a reader of the new layout never sees a value
// older than one it saw, as long as the new place keeps that: what was deleted there, was evicted
// or expired before its copy came is added again. What is written to the old place later is not
// followed: let the application write to the new layout before this begins (and delete in both),
// or use a DualClient.
//
// All servers are asked first for what is needed: cas, listings, and meta commands or a known
// life. With a plain list in `from` all keys of its servers count. Servers since memcached 1.6.9
// list all keys; older ones, which walk their LRU lists, may leave out keys that are just in use.
//
// Memory is bounded whatever the number of keys. Blocks; one call at a time for a journal.
//
// Errors, after which nothing was changed: kInvalidArgument (no placement in `to`, one with
// distribution random, a server that has two addresses, a journal of other work); kIo (the
// journal, or $TMPDIR); kTimeout, kDisconnected, kProtocol, kRefusedByServer for a server that is
// not fit; the message names the server and what to do.
[[nodiscard]] SHARDCACHE_EXPORT Result<WarmSummary> Warm(const Layout& from, const Layout& to,
                                                         const WarmOptions& options = {});

struct CleanOptions : FleetOptions {
  // For the likely cause: the layout before the last change; another client that wrote here.
  std::optional<Placement> before = {};
  std::optional<Placement> other_client = {};
  // The other mode: the address or ring name of a server that was away. All that it holds is
  // removed, orphan or not.
  std::string after_outage = {};
  // Then: by one flush_all instead of key by key. What is stored meanwhile is lost too.
  bool flush = false;
};

enum class OrphanCause : std::uint8_t {
  kResize,       // CleanOptions::before has the key here
  kOtherClient,  // CleanOptions::other_client has it here; or, by default, php-memcached
  kEjection,     // the key would be here while CleanRow::culprit is ejected
  kUnknown,
  kOutage,  // CleanOptions::after_outage
};

// "resize", "other client", "ejection", ...
SHARDCACHE_EXPORT std::string_view OrphanCauseName(OrphanCause cause);

// The orphans of one server that have one cause. Ages are times since the last access.
struct CleanRow {
  Server server;
  OrphanCause cause = OrphanCause::kUnknown;
  std::string culprit;  // of kEjection: the ring name
  std::uint64_t keys = 0;
  std::uint64_t bytes = 0;  // as the server counts its items
  std::chrono::seconds youngest = {};
  std::chrono::seconds oldest = {};
  std::uint64_t expiring = 0;  // will be gone by themselves
};

struct CleanServer {
  Server server;
  std::chrono::seconds uptime = {};
  std::uint64_t listed = 0;
  std::uint64_t at_home = 0;
  std::uint64_t orphans = 0;
  std::uint64_t deleted = 0;
  std::uint64_t kept = 0;  // stored anew since they were listed, or gone by themselves
  std::uint64_t failed = 0;
};

struct CleanSummary {
  std::vector<CleanRow> rows;
  std::vector<CleanServer> servers;
  std::uint64_t foreign = 0;          // without the prefix of the client whose layout it is: left
  std::uint64_t unnameable = 0;       // that the text protocol cannot name: left
  std::vector<std::string> failures;  // as of WarmSummary
  bool interrupted = false;           // the same

  SHARDCACHE_EXPORT std::uint64_t failed() const;
};

// Finds on each live server of `placement` the keys whose owner is another, and deletes them. A
// key is deleted only if it is still the item that was listed (by its cas), so a value that is
// stored meanwhile stays. Memory and time as for Warm(); errors too.
//
// With `after_outage` the one server need not be live in `placement`.
[[nodiscard]] SHARDCACHE_EXPORT Result<CleanSummary> Clean(const Placement& placement,
                                                           const CleanOptions& options = {});

}  // namespace shardcache::inline v0

#endif  // SHARDCACHE_FLEET_H_
