// twemproxy: src/nc_stats.c.
#include "shardcache/proxy_stats.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "lib/yaml.h"

namespace shardcache::inline v0 {
namespace {

using internal::YamlEvent;
using internal::YamlInput;

Error Invalid(const std::string& what) {
  return {ErrorCode::kInvalidArgument, "these are not the statistics of a twemproxy: " + what};
}

std::optional<std::int64_t> Number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Reads the object with libyaml: JSON of this plain kind is YAML too. Its shape is
// {figure: value, ..., POOL: {figure: value, ..., SERVER: {figure: value, ...}}}.
class Reader {
 public:
  explicit Reader(std::string_view json) : input_(json) {}

  Result<ProxyStats> Read() {
    for (yaml_event_type_t type :
         {YAML_STREAM_START_EVENT, YAML_DOCUMENT_START_EVENT, YAML_MAPPING_START_EVENT}) {
      const YamlEvent event(input_);
      if (!event.ok()) return Invalid(input_.Problem());
      if (event.type() != type) return Invalid("no JSON object");
    }
    const Result<void> read = ReadMapping(
        [this](const std::string& name, std::string_view value) { SetTop(name, value); },
        [this](const std::string& name) { return ReadPool(name); });
    if (!read.ok()) return read.error();
    if (!is_nutcracker_) return Invalid("\"service\" is not \"nutcracker\"");
    return std::move(stats_);
  }

 private:
  // Reads a mapping that has begun, to its end.
  template <typename OnFigure, typename OnMapping>
  Result<void> ReadMapping(OnFigure on_figure, OnMapping on_mapping) {
    while (true) {
      const YamlEvent key(input_);
      if (!key.ok()) return Invalid(input_.Problem());
      if (key.type() == YAML_MAPPING_END_EVENT) return {};
      if (key.type() != YAML_SCALAR_EVENT) return Invalid("a key is not a text");
      const std::string name(key.scalar());
      const YamlEvent value(input_);
      if (!value.ok()) return Invalid(input_.Problem());
      if (value.type() == YAML_SCALAR_EVENT) {
        on_figure(name, value.scalar());
      } else if (value.type() == YAML_MAPPING_START_EVENT) {
        if (Result<void> read = on_mapping(name); !read.ok()) return read;
      } else {
        return Invalid("\"" + name + "\" is neither a figure nor an object");
      }
    }
  }

  Result<void> ReadPool(const std::string& name) {
    stats_.pools.push_back({.name = name, .servers = {}});
    return ReadMapping(
        [this](const std::string& figure, std::string_view value) { SetPool(figure, value); },
        [this](const std::string& server) { return ReadServer(server); });
  }

  Result<void> ReadServer(const std::string& name) {
    stats_.pools.back().servers.push_back({.name = name, .server_ejected_at = {}});
    return ReadMapping(
        [this](const std::string& figure, std::string_view value) { SetServer(figure, value); },
        [](const std::string& inner) {
          return Result<void>(Invalid("a server holds an object \"" + inner + "\""));
        });
  }

  void SetTop(const std::string& figure, std::string_view value) {
    if (figure == "service") is_nutcracker_ = value == "nutcracker";
    if (figure == "version") stats_.version = value;
    if (figure == "timestamp") {
      stats_.timestamp = WallTime(std::chrono::seconds(Number(value).value_or(0)));
    }
  }

  void SetPool(const std::string& figure, std::string_view value) {
    ProxyPoolStats& pool = stats_.pools.back();
    const auto number = static_cast<std::uint64_t>(Number(value).value_or(0));
    if (figure == "client_connections") pool.client_connections = number;
    if (figure == "server_ejects") pool.server_ejects = number;
    if (figure == "forward_error") pool.forward_error = number;
  }

  void SetServer(const std::string& figure, std::string_view value) {
    ProxyServerStats& server = stats_.pools.back().servers.back();
    const std::int64_t signed_number = Number(value).value_or(0);
    const auto number = static_cast<std::uint64_t>(signed_number);
    if (figure == "server_eof") server.server_eof = number;
    if (figure == "server_err") server.server_err = number;
    if (figure == "server_timedout") server.server_timedout = number;
    if (figure == "server_connections") server.server_connections = number;
    if (figure == "requests") server.requests = number;
    if (figure == "responses") server.responses = number;
    if (figure == "server_ejected_at" && signed_number > 0) {
      server.server_ejected_at = WallTime(std::chrono::microseconds(signed_number));
    }
  }

  YamlInput input_;
  ProxyStats stats_;
  bool is_nutcracker_ = false;
};

}  // namespace

const ProxyPoolStats* ProxyStats::Find(std::string_view pool) const {
  const auto found = std::find_if(pools.begin(), pools.end(),
                                  [&](const ProxyPoolStats& stats) { return stats.name == pool; });
  return found == pools.end() ? nullptr : &*found;
}

Result<ProxyStats> ParseProxyStats(std::string_view json) { return Reader(json).Read(); }

std::vector<ProxyEjection> EjectionsAt(const ProxyPoolStats& stats, const PoolConfig& pool,
                                       WallTime now) {
  std::vector<ProxyEjection> ejections;
  if (!pool.auto_eject_hosts) return ejections;
  for (const ProxyServerStats& server : stats.servers) {
    if (!server.server_ejected_at) continue;
    const WallTime until = *server.server_ejected_at + pool.server_retry_timeout;
    if (now < until) ejections.push_back({server.name, *server.server_ejected_at, until});
  }
  return ejections;
}

std::vector<RemoteEjection> InRouterTime(const std::vector<ProxyEjection>& ejections,
                                         WallTime wall_now, TimePoint now) {
  std::vector<RemoteEjection> remote;
  for (const ProxyEjection& ejection : ejections) {
    remote.push_back({ejection.server, now + (ejection.ejected_at - wall_now),
                      now + (ejection.until - wall_now)});
  }
  return remote;
}

}  // namespace shardcache::inline v0
