// Which servers of a pool are live: twemproxy's failure counting as a pure state machine.
#ifndef SHARDCACHE_EJECTOR_H_
#define SHARDCACHE_EJECTOR_H_

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "shardcache/export.h"
#include "shardcache/pool_config.h"
#include "shardcache/server.h"

namespace shardcache::inline v0 {

// Time as the ejection sees it: monotonic, and always given by the caller.
using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;

// The settings of ejection. The first three are twemproxy's, under its names.
struct SHARDCACHE_EXPORT EjectionRules {
  bool auto_eject_hosts = false;
  int server_failure_limit = 2;  // 0 acts as 1
  std::chrono::milliseconds server_retry_timeout{30000};

  // Beyond twemproxy; off, as here, the behaviour is twemproxy's to the letter.

  // A server whose retry timeout is over stays ejected until Ejector::ReportProbe() says that
  // it answers, so that no user's request is spent on finding out.
  bool probe_before_readmission = false;

  // A server that is ejected again before it was live for as long as it had been out, or that
  // fails a probe, stays out twice as long as the last time, up to this cap; one that lasts
  // starts anew from server_retry_timeout, which is also the least. Absent: every ejection
  // lasts server_retry_timeout.
  std::optional<std::chrono::milliseconds> back_off_cap;

  static EjectionRules Of(const PoolConfig& pool);

  friend bool operator==(const EjectionRules&, const EjectionRules&) = default;
};

// The ejection state of one pool. It does no I/O and reads no clock: each call is given `now`,
// which must not go back from one call to the next. Not thread-safe: see Router for that.
//
// Source: twemproxy 0.5.0, src/nc_server.c (server_failure, server_ok, server_pool_update) and
// the rebuild at the head of src/hashkit/nc_ketama.c. With auto_eject_hosts off nothing is
// counted and every server is live for ever. Otherwise:
//
// - A failure adds 1 to the server's count. Below the limit, nothing more. At the limit the
//   count goes back to 0, retry_at becomes now + server_retry_timeout, and the live set is
//   rebuilt at once.
// - A success clears the count and retry_at, but only if the count is not 0; no rebuild.
// - A rebuild at `now` makes a server live if it has no retry_at or retry_at <= now (it then
//   loses it). next_rebuild becomes the earliest retry_at of the others. If no server is live,
//   the ring stays as it was.
// - Before each request: if next_rebuild is set and now > next_rebuild, rebuild. If then no
//   server is live, the request fails at once, with nothing sent and nothing counted.
//
// Thus a readmitted server starts from 0 failures, and a dead one costs server_failure_limit
// failed requests for each server_retry_timeout.
//
// What the caller reports, and how often:
// - Failure: a connection to the server that ends, for whatever reason: refused, reset, timed
//   out while connecting or waiting for an answer, closed by the server (also while idle), or
//   a host name that does not resolve. Once for each connection, however many requests were
//   waiting on it. In a redis pool also an answer that begins with -OOM, -BUSY or -LOADING.
//   A memcached answer SERVER_ERROR is not a failure.
// - Success: an answer of any other kind. Once for each answer.
class SHARDCACHE_EXPORT Ejector {
 public:
  // All servers live. REQUIRES: server_count > 0.
  Ejector(std::size_t server_count, const EjectionRules& rules);

  // The ejector of a changed pool: server i of the new pool goes on as server origin[i] of
  // `old`, or starts anew where that is absent. The live set is rebuilt.
  // REQUIRES: !origin.empty(), and each index in it is of `old`.
  Ejector(const Ejector& old, std::span<const std::optional<ServerIndex>> origin,
          const EjectionRules& rules, TimePoint now);

  // Each of these returns whether it rebuilt the live set. O(1), and O(servers) for a rebuild.
  // REQUIRES: server < size().

  // Must be called before each request.
  bool Advance(TimePoint now);
  bool ReportFailure(ServerIndex server, TimePoint now);
  void ReportSuccess(ServerIndex server);
  // The outcome of asking a server of ProbesDue() for a sign of life. Ignored where
  // probe_before_readmission is off or no probe is due.
  bool ReportProbe(ServerIndex server, bool answered, TimePoint now);

  // Beyond twemproxy: what somebody else, such as a running proxy, knows. Makes `server` out
  // until `until`, or live if that is absent, and rebuilds. Its failure count is cleared.
  bool Override(ServerIndex server, std::optional<TimePoint> until, TimePoint now);

  std::size_t size() const { return servers_.size(); }
  const EjectionRules& rules() const { return rules_; }

  // False: every server is out, and a request fails at once.
  bool has_live() const { return live_count_ > 0; }
  std::size_t live_count() const { return live_count_; }
  bool is_live(ServerIndex server) const { return !servers_[server].out; }
  // The servers that keys are placed on: the live ones, ascending, or, while there are none,
  // those of the last rebuild that found one.
  const std::vector<ServerIndex>& ring() const { return ring_; }
  // The request after this moment rebuilds; absent while nobody is waited for.
  std::optional<TimePoint> next_rebuild() const { return next_rebuild_; }

  int failure_count(ServerIndex server) const { return servers_[server].failure_count; }
  // When an ejected server's retry timeout ends.
  std::optional<TimePoint> retry_at(ServerIndex server) const { return servers_[server].retry_at; }
  // The servers whose timeout is over and which only wait for a probe to succeed. Empty unless
  // probe_before_readmission.
  std::vector<ServerIndex> ProbesDue(TimePoint now) const;

 private:
  struct State {
    int failure_count = 0;
    std::optional<TimePoint> retry_at;
    bool out = false;  // as of the last rebuild
    // For back-off: how long it was last out, and when it came back.
    std::chrono::milliseconds last_timeout{0};
    std::optional<TimePoint> readmitted_at;
  };

  void Rebuild(TimePoint now);
  enum class Cause { kFailure, kProbe };
  void Eject(State& server, TimePoint now, Cause cause);

  EjectionRules rules_;
  std::vector<State> servers_;
  std::vector<ServerIndex> ring_;
  std::size_t live_count_ = 0;
  std::optional<TimePoint> next_rebuild_;
};

}  // namespace shardcache::inline v0

#endif  // SHARDCACHE_EJECTOR_H_
