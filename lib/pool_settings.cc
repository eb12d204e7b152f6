// twemproxy: src/nc_conf.c, the conf_set_* functions and conf_validate_pool.
#include "lib/pool_settings.h"

#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <optional>

#include "lib/numbers.h"

namespace shardcache::inline v0::internal {
namespace {

using Read = Result<void> (*)(PoolConfig&, std::string_view);

Error Invalid(std::string message) { return {ErrorCode::kInvalidConfig, std::move(message)}; }

std::string Quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

Result<int> Number(std::string_view value) {
  const auto number = ParseDigits(value);
  if (!number) return Invalid(Quoted(value) + " is not a number; only digits may stand here");
  if (*number > kIntMax) {
    return Invalid(Quoted(value) +
                   " is larger than 2147483647 (twemproxy would wrap it round an int)");
  }
  return static_cast<int>(*number);
}

// A reader for each type of member; the member is a template argument, so that the table of
// settings below is a table of plain functions.
template <auto kMember>
Result<void> ReadNumber(PoolConfig& pool, std::string_view value) {
  const Result<int> number = Number(value);
  if (!number.ok()) return number.error();
  pool.*kMember = *number;
  return {};
}

template <auto kMember>
Result<void> ReadMilliseconds(PoolConfig& pool, std::string_view value) {
  const Result<int> number = Number(value);
  if (!number.ok()) return number.error();
  pool.*kMember = std::chrono::milliseconds(*number);
  return {};
}

template <auto kMember>
Result<void> ReadBool(PoolConfig& pool, std::string_view value) {
  if (value != "true" && value != "false") {
    return Invalid(Quoted(value) + " is not \"true\" or \"false\"");
  }
  pool.*kMember = value == "true";
  return {};
}

Result<void> ReadHash(PoolConfig& pool, std::string_view value) {
  const auto hash = ParseHashName(value);
  if (!hash) {
    std::string names;
    for (HashFunction f : kHashFunctions)
      names += (names.empty() ? "" : ", ") + std::string(HashName(f));
    return Invalid(Quoted(value) + " is not a hash; it must be one of " + names);
  }
  pool.hash = *hash;
  return {};
}

Result<void> ReadDistribution(PoolConfig& pool, std::string_view value) {
  const auto distribution = ParseDistributionName(value);
  if (!distribution) {
    return Invalid(Quoted(value) +
                   " is not a distribution; it must be one of ketama, modula, random");
  }
  pool.distribution = *distribution;
  return {};
}

Result<void> ReadHashTag(PoolConfig& pool, std::string_view value) {
  if (value.size() != 2) {
    return Invalid(Quoted(value) + " is not a hash tag of exactly two bytes, such as \"{}\"");
  }
  pool.hash_tag = HashTag{value[0], value[1]};
  return {};
}

Result<void> ReadRedisAuth(PoolConfig& pool, std::string_view value) {
  pool.redis_auth = std::string(value);
  return {};
}

Result<void> ReadServer(PoolConfig& pool, std::string_view value) {
  Result<Server> server = ParseServer(value);
  if (!server.ok()) return server.error();
  pool.servers.push_back(*std::move(server));
  return {};
}

// "/path", or "/path permissions" cut at the last space. The permissions are read as strtol
// reads octal: leading octal digits count, and no digit at all is 0.
Result<void> ReadListenSocket(ListenAddress& listen) {
  listen.host = listen.text;
  if (const std::size_t space = listen.text.rfind(' '); space != std::string::npos) {
    listen.host.resize(space);
    const std::string digits = listen.text.substr(space + 1);
    errno = 0;
    const long permissions = std::strtol(digits.c_str(), nullptr, 8);
    if (errno != 0 || permissions < 0 || permissions > 0777) {
      return Invalid(Quoted(digits) + " is not a file permission between 0 and 777 (octal)");
    }
    listen.permissions = static_cast<std::uint32_t>(permissions);
  }
  constexpr std::size_t kMaxPath = sizeof(sockaddr_un::sun_path) - 1;
  if (listen.host.size() > kMaxPath) {
    return Invalid("the path " + Quoted(listen.host) + " is longer than the " +
                   std::to_string(kMaxPath) + " bytes that a unix socket may have");
  }
  return {};
}

Result<void> ReadListen(PoolConfig& pool, std::string_view value) {
  pool.listen.text = value;
  if (value.front() == '/') return ReadListenSocket(pool.listen);
  const std::size_t colon = value.rfind(':');
  if (colon == std::string_view::npos) {
    return Invalid(Quoted(value) + " is not \"host:port\" or \"/path [permissions]\"");
  }
  const auto port = ParseDigits(value.substr(colon + 1));
  if (!port || *port == 0 || *port > 65535) {
    return Invalid("the port of " + Quoted(value) + " is not a number between 1 and 65535");
  }
  if (colon == 0) return Invalid(Quoted(value) + " has no host; for all addresses say 0.0.0.0");
  pool.listen.host = value.substr(0, colon);
  pool.listen.port = static_cast<std::uint16_t>(*port);
  return {};
}

struct Setting {
  std::string_view name;
  Read read;
};

constexpr std::array<Setting, 18> kSettings = {{
    {"listen", ReadListen},
    {"hash", ReadHash},
    {"hash_tag", ReadHashTag},
    {"distribution", ReadDistribution},
    {"timeout", ReadMilliseconds<&PoolConfig::timeout>},
    {"backlog", ReadNumber<&PoolConfig::backlog>},
    {"client_connections", ReadNumber<&PoolConfig::client_connections>},
    {"redis", ReadBool<&PoolConfig::redis>},
    {"tcpkeepalive", ReadBool<&PoolConfig::tcpkeepalive>},
    {"reuseport", ReadBool<&PoolConfig::reuseport>},
    {"redis_auth", ReadRedisAuth},
    {"redis_db", ReadNumber<&PoolConfig::redis_db>},
    {"preconnect", ReadBool<&PoolConfig::preconnect>},
    {"auto_eject_hosts", ReadBool<&PoolConfig::auto_eject_hosts>},
    {"server_connections", ReadNumber<&PoolConfig::server_connections>},
    {"server_retry_timeout", ReadMilliseconds<&PoolConfig::server_retry_timeout>},
    {"server_failure_limit", ReadNumber<&PoolConfig::server_failure_limit>},
    {"servers", ReadServer},
}};

}  // namespace

Result<void> ApplySetting(PoolConfig& pool, std::set<std::string, std::less<>>& given,
                          std::string_view key, std::string_view value) {
  const std::string prefix = std::string(key) + ": ";
  for (const Setting& setting : kSettings) {
    if (setting.name != key) continue;
    if (!given.insert(std::string(key)).second && key != "servers") {
      return Invalid(prefix + Quoted(value) + " repeats a setting; each may be given once");
    }
    if (value.empty()) return Invalid(prefix + "has no value");
    if (value.find('\0') != std::string_view::npos) {
      return Invalid(prefix + "has a NUL byte in its value");
    }
    const Result<void> read = setting.read(pool, value);
    if (!read.ok()) return Invalid(prefix + read.error().message);
    return {};
  }
  std::string names;
  for (const Setting& setting : kSettings)
    names += (names.empty() ? "" : ", ") + std::string(setting.name);
  return Invalid(prefix + "there is no such setting (value " + Quoted(value) + "); twemproxy has " +
                 names);
}

Result<void> CheckComplete(const PoolConfig& pool,
                           const std::set<std::string, std::less<>>& given) {
  if (!given.contains("listen")) {
    return Invalid("listen: is missing; say where the proxy listens, as \"127.0.0.1:22121\"");
  }
  if (pool.servers.empty()) {
    return Invalid("servers: is missing; list at least one as \"host:port:weight [name]\"");
  }
  if (pool.server_connections == 0) {
    return Invalid("server_connections: \"0\" leaves no connection to a server; give at least 1");
  }
  if (!pool.redis && pool.redis_auth) {
    return Invalid("redis_auth: " + Quoted(*pool.redis_auth) +
                   " needs a redis pool; add \"redis: true\" or leave it out");
  }
  return {};
}

}  // namespace shardcache::inline v0::internal
