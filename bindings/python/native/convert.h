// How values of the library look in Python: enumerations as their names, a Server as a tuple,
// moments as seconds (those of the system clock: whole microseconds since 1970).
#ifndef SHARDCACHE_BINDINGS_PYTHON_NATIVE_CONVERT_H_
#define SHARDCACHE_BINDINGS_PYTHON_NATIVE_CONVERT_H_

#include <pybind11/chrono.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shardcache/ejector.h"
#include "shardcache/hash.h"
#include "shardcache/pool_config.h"
#include "shardcache/proxy_stats.h"
#include "shardcache/router.h"
#include "shardcache/server.h"

namespace shardcache::python {

// These throw Failure, which names what would be right.
HashFunction ToHashFunction(std::string_view name);
Distribution ToDistribution(std::string_view name);
CharSign ToCharSign(std::string_view name);
FailureKind ToFailureKind(std::string_view name);

std::string_view CharSignName(CharSign sign);

// (name, host, port, weight, named).
pybind11::tuple FromServer(const Server& server);
Server ToServer(const pybind11::tuple& server);
pybind11::tuple FromServers(std::span<const Server> servers);

// Seconds of the caller's clock. Throws Failure for what no clock says, such as NaN.
TimePoint ToTime(double seconds);
double FromTime(TimePoint time);
std::optional<double> FromTime(std::optional<TimePoint> time);

inline WallTime ToWallTime(std::int64_t microseconds) {
  return WallTime(std::chrono::microseconds(microseconds));
}
inline std::int64_t FromWallTime(WallTime time) { return time.time_since_epoch().count(); }

}  // namespace shardcache::python

#endif  // SHARDCACHE_BINDINGS_PYTHON_NATIVE_CONVERT_H_
