#include "shardcache/proxy_stats.h"

#include <string>

#include "bindings/python/native/config.h"
#include "bindings/python/native/convert.h"
#include "bindings/python/native/error.h"
#include "bindings/python/native/module.h"

namespace shardcache::python {
namespace {

// (name, eof, err, timedout, connections, requests, responses, ejected at).
py::tuple FromServerStats(const ProxyServerStats& server) {
  std::optional<std::int64_t> ejected_at;
  if (server.server_ejected_at) ejected_at = FromWallTime(*server.server_ejected_at);
  return py::make_tuple(server.name, server.server_eof, server.server_err, server.server_timedout,
                        server.server_connections, server.requests, server.responses, ejected_at);
}

// (name, client connections, ejects, forward errors, servers).
py::tuple FromPoolStats(const ProxyPoolStats& pool) {
  py::tuple servers(pool.servers.size());
  for (std::size_t i = 0; i < servers.size(); ++i) servers[i] = FromServerStats(pool.servers[i]);
  return py::make_tuple(pool.name, pool.client_connections, pool.server_ejects, pool.forward_error,
                        servers);
}

// (version, timestamp, pools).
py::tuple Parse(std::string_view json) {
  const ProxyStats stats = Unwrap(ParseProxyStats(json));
  py::tuple pools(stats.pools.size());
  for (std::size_t i = 0; i < pools.size(); ++i) pools[i] = FromPoolStats(stats.pools[i]);
  return py::make_tuple(stats.version, FromWallTime(stats.timestamp), pools);
}

// What decides it of a pool's figures: (ring name, ejected at) of each server.
using EjectionTimes = std::vector<std::tuple<std::string, std::optional<std::int64_t>>>;

// (ring name, ejected at, until) of each server that is out.
py::list Ejections(const EjectionTimes& servers, const py::dict& config, std::int64_t now) {
  ProxyPoolStats stats;
  for (const auto& [name, ejected_at] : servers) {
    ProxyServerStats server;
    server.name = name;
    if (ejected_at) server.server_ejected_at = ToWallTime(*ejected_at);
    stats.servers.push_back(std::move(server));
  }
  py::list result;
  for (const ProxyEjection& ejection : EjectionsAt(stats, ToConfig(config), ToWallTime(now))) {
    result.append(py::make_tuple(ejection.server, FromWallTime(ejection.ejected_at),
                                 FromWallTime(ejection.until)));
  }
  return result;
}

}  // namespace

void DefineProxyStats(py::module_& module) {
  module.def("parse_proxy_stats", &Parse);
  module.def("ejections_at", &Ejections);
}

}  // namespace shardcache::python
