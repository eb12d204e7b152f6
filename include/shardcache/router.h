// Key to server, over the servers that are live now.
#ifndef SHARDCACHE_ROUTER_H_
#define SHARDCACHE_ROUTER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shardcache/ejector.h"
#include "shardcache/export.h"
#include "shardcache/placement.h"
#include "shardcache/pool_config.h"
#include "shardcache/result.h"

namespace shardcache::inline v0 {

// In the place of a server in batches: the key's request fails at once.
inline constexpr ServerIndex kNoServer = std::numeric_limits<ServerIndex>::max();

// Why a connection to a server ended. All count alike; they are told apart for people.
enum class FailureKind : std::uint8_t {
  kRefused,     // no connection could be made
  kTimeout,     // connecting or answering took longer than the pool's timeout
  kClosed,      // the server closed it, also while it was idle
  kReset,       // the network or the server broke it off
  kUnresolved,  // the server's host name is not known
  kBusy,        // redis pools: an answer that begins with -OOM, -BUSY or -LOADING
  kProtocol,    // the server answered what it never should
  kOther,
};
inline constexpr std::size_t kFailureKinds = 8;

// "refused", "timeout", ...
SHARDCACHE_EXPORT std::string_view FailureKindName(FailureKind kind);

// A change of who is live.
struct RouterEvent {
  enum class Type : std::uint8_t {
    kEjected,     // `server` is out, until `until`
    kReadmitted,  // `server` is live again
    kAllDead,     // the last live server went out; each request fails until one returns
    kReloaded,    // the pool's configuration was replaced; names no server
  };
  Type type = Type::kEjected;
  ServerIndex server = 0;  // in the configuration of that moment
  std::string name = {};   // its ring name; empty if the event names no server
  // kEjected: the failure that did it; absent if Follow() took it from a proxy.
  std::optional<FailureKind> reason = {};
  TimePoint time = {};
  std::optional<TimePoint> until = {};
  // The part of all keys, 0 to 1, that changed server with the change that this event belongs
  // to: see RoutingChange() in analysis.h. 0 for kAllDead, when the ring stays as it was.
  double moved = 0;
};

// What happened to a server since the Router was made, or since a Reload() that brought it.
struct ServerCounters {
  std::string name;  // ring name
  std::uint64_t ejections = 0;
  std::uint64_t readmissions = 0;
  std::array<std::uint64_t, kFailureKinds> failures{};  // by FailureKind
};

// A server that somebody else, such as a running proxy, holds for ejected: see ProxyStats.
struct RemoteEjection {
  std::string server;  // ring name
  TimePoint ejected_at;
  TimePoint until;
};

// What a Router routes by at one moment: an immutable value that may be kept and shared.
struct SHARDCACHE_EXPORT RouterSnapshot {
  Placement placement;        // over the servers on the ring
  std::vector<bool> ejected;  // by server index
  bool has_live = true;       // false: no key has a server
  // The first request after this moment brings a server back.
  std::optional<TimePoint> next_rebuild = {};
  // Counts snapshots and configurations; 1 at first.
  std::uint64_t version = 1;
  std::uint64_t configuration = 1;

  // The server to send the request for `key` to; nothing if the request fails at once: no
  // server is live or, with keep_ring, the key's own is ejected. Cannot fail otherwise.
  std::optional<ServerIndex> Route(std::string_view key) const;
  // The same for many keys, with kNoServer for nothing. REQUIRES: servers.size() == keys.size().
  void Route(std::span<const std::string_view> keys, std::span<ServerIndex> servers) const;
};

// Everything that is not twemproxy's is off unless asked for.
struct RouterOptions {
  // Tells the time where a call is not given it. Empty: Clock::now. Called from any thread.
  std::function<TimePoint()> clock;

  // Called with each change, in order, by the thread that made it or saw it, when the new
  // snapshot is already in force. One call at a time. May call the Router. Must not throw.
  std::function<void(const RouterEvent&)> observer;

  // Beyond twemproxy: see EjectionRules.
  bool probe_before_readmission = false;
  std::optional<std::chrono::milliseconds> back_off_cap;

  // Beyond twemproxy: an ejection moves no keys; those of an ejected server fail at once until
  // it returns. So no stale value is left anywhere, at the price of misses.
  bool keep_ring = false;
};

// The live placement of one pool: a Placement that follows an Ejector.
//
// Thread-safe: one Router is shared by all threads of a process that talk to the pool, as one
// proxy's state is shared by its connections. Routing takes no lock and waits for nobody: it
// reads the latest snapshot, and goes on with it while another thread makes the next. Reports
// take a lock among themselves and rebuild under it. A Router knows no protocol and does no
// I/O, so it serves memcached and redis pools and any transport; what to report, and how
// often, is said at Ejector.
//
// A thread keeps the snapshot it last used of a Router alive until it uses a newer one, or
// ends.
class SHARDCACHE_EXPORT Router {
 public:
  // Errors: those of Placement::Create().
  [[nodiscard]] static Result<std::unique_ptr<Router>> Create(const PoolConfig& pool,
                                                              RouterOptions options = {});
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // The server to send the request for `key` to, or nothing if it fails at once. What
  // RouterSnapshot::Route() says, after the readmissions that are due at `now`: the thread
  // that first sees one due makes the new snapshot. Without `now` the clock is read, and only
  // while a server is out.
  std::optional<ServerIndex> Route(std::string_view key);
  std::optional<ServerIndex> Route(std::string_view key, TimePoint now);

  // The same for many keys, all by one snapshot; kNoServer stands for nothing.
  // REQUIRES: servers.size() == keys.size().
  void Route(std::span<const std::string_view> keys, std::span<ServerIndex> servers);
  void Route(std::span<const std::string_view> keys, std::span<ServerIndex> servers, TimePoint now);

  // The snapshot that a request at `now` is routed by.
  std::shared_ptr<const RouterSnapshot> Snapshot();
  std::shared_ptr<const RouterSnapshot> Snapshot(TimePoint now);

  // Reports, as Ejector explains them. `server` counts in the configuration in force; a caller
  // that may report across a Reload() names the snapshot that it routed by instead, and
  // reports about servers that are gone are then dropped. Reports of success cost next to
  // nothing while the server has no failure. An index that is not of the pool is ignored.
  void ReportFailure(ServerIndex server, FailureKind kind = FailureKind::kOther);
  void ReportFailure(ServerIndex server, FailureKind kind, TimePoint now);
  void ReportFailure(const RouterSnapshot& routed_by, ServerIndex server, FailureKind kind,
                     TimePoint now);
  void ReportSuccess(ServerIndex server);
  void ReportSuccess(const RouterSnapshot& routed_by, ServerIndex server);

  // With probe_before_readmission: the servers to ask for a sign of life, and what came of it.
  std::vector<ServerIndex> ProbesDue();
  std::vector<ServerIndex> ProbesDue(TimePoint now);
  void ReportProbe(ServerIndex server, bool answered);
  void ReportProbe(ServerIndex server, bool answered, TimePoint now);

  // Beyond twemproxy: takes over who is live from a proxy, as seen at `seen_at`. Servers in
  // `ejected` are out here too, until the same moment; all others are live, but those that
  // failed here after `seen_at`, of which the proxy could not know. Without effect unless
  // auto_eject_hosts. Names that are not of the pool are ignored.
  void Follow(std::span<const RemoteEjection> ejected, TimePoint seen_at);
  void Follow(std::span<const RemoteEjection> ejected, TimePoint seen_at, TimePoint now);

  // Replaces the configuration. A server that stays, by ring name and address, keeps its
  // failures, ejection and counters. Server indexes may change: see RouterSnapshot.
  // Routing goes on meanwhile; points of servers whose ring names stay are not made anew.
  // Errors: those of Placement::Create(), and nothing is changed.
  [[nodiscard]] Result<void> Reload(const PoolConfig& pool);

  // By server index. Waits for a rebuild that is under way.
  std::vector<ServerCounters> Counters() const;

 private:
  class Impl;
  explicit Router(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace shardcache::inline v0

#endif  // SHARDCACHE_ROUTER_H_
