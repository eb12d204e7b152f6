// What a running twemproxy says of itself on its statistics port.
#ifndef SHARDCACHE_PROXY_STATS_H_
#define SHARDCACHE_PROXY_STATS_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shardcache/export.h"
#include "shardcache/pool_config.h"
#include "shardcache/result.h"
#include "shardcache/router.h"

namespace shardcache::inline v0 {

// Wall-clock time, which is what the proxy keeps.
using WallTime = std::chrono::sys_time<std::chrono::microseconds>;

// The counters of one server, under the proxy's names.
struct ProxyServerStats {
  std::string name;  // ring name
  std::uint64_t server_eof = 0;
  std::uint64_t server_err = 0;
  std::uint64_t server_timedout = 0;
  std::uint64_t server_connections = 0;
  std::uint64_t requests = 0;
  std::uint64_t responses = 0;
  // When it was last ejected. Readmission does not clear it: see EjectionsAt().
  std::optional<WallTime> server_ejected_at;
};

struct ProxyPoolStats {
  std::string name;
  std::uint64_t client_connections = 0;
  std::uint64_t server_ejects = 0;
  std::uint64_t forward_error = 0;
  std::vector<ProxyServerStats> servers;
};

struct SHARDCACHE_EXPORT ProxyStats {
  std::string version;
  // When the proxy gathered the figures, in whole seconds. It does so every 30 s unless started
  // with another -i, so they may be that old.
  WallTime timestamp;
  std::vector<ProxyPoolStats> pools;

  // The pool of that name, or null. Valid as long as this object.
  const ProxyPoolStats* Find(std::string_view pool) const;
};

// Reads the JSON object that a TCP connection to the statistics port gets (port 22222 unless the
// proxy was started with -s). Does no I/O. Figures that are not listed above are passed over.
// Errors: kInvalidArgument if `json` is not such an object.
[[nodiscard]] SHARDCACHE_EXPORT Result<ProxyStats> ParseProxyStats(std::string_view json);

// A server that the proxy holds for ejected.
struct ProxyEjection {
  std::string server;  // ring name
  WallTime ejected_at;
  WallTime until;  // the first request after this moment brings it back
};

// The servers of `pool` that the proxy, by `stats`, has ejected at `now`: those whose last
// ejection is less than the pool's server_retry_timeout ago. In the order of `stats`.
SHARDCACHE_EXPORT std::vector<ProxyEjection> EjectionsAt(const ProxyPoolStats& stats,
                                                         const PoolConfig& pool, WallTime now);

// The same in a Router's time, for Router::Follow(); `wall_now` and `now` are one moment.
SHARDCACHE_EXPORT std::vector<RemoteEjection> InRouterTime(
    const std::vector<ProxyEjection>& ejections, WallTime wall_now, TimePoint now);

}  // namespace shardcache::inline v0

#endif  // SHARDCACHE_PROXY_STATS_H_
