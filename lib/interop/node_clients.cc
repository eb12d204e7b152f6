// Clients of Node.js. Source: memcached 2.2.2, lib/memcached.js; hashring 3.2.0, index.js, and
// connection-parse 0.0.7; memjs 1.3.2, lib/memjs/memjs.js and utils.js.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "lib/hash/reference.h"
#include "lib/interop/client.h"
#include "lib/interop/utf8.h"
#include "lib/scheme.h"

namespace shardcache::inline v0::internal {
namespace {

constexpr std::int64_t kDefaultVnodes = 40;
constexpr std::int64_t kMostReplicas = 4;  // words of an MD5
constexpr double kMostPoints = 1 << 24;

struct RingSettings {
  std::int64_t vnodes = kDefaultVnodes;
  std::int64_t replicas = kMostReplicas;
  std::int64_t default_port = 0;
  std::string prefix;
};

// HashRing of hashring, whose nodes are "host:port".
Result<ClientModel> Ring(const ClientSetup& setup, std::string name, const RingSettings& settings) {
  Scheme scheme;
  scheme.name = std::move(name);
  scheme.sign = setup.char_sign;
  scheme.hash = KeyHashOf(HashFunction::kMd5);
  scheme.rule.prefix = settings.prefix;
  scheme.rule.prefix_hashed = true;
  double total = 0;
  for (const Server& server : setup.servers) total += server.weight;
  for (ServerIndex index = 0; index < setup.servers.size(); ++index) {
    const Server& server = setup.servers[index];
    if (server.is_unix() || server.host.find(':') != std::string::npos) {
      return Error{ErrorCode::kInvalidArgument,
                   "the client takes host:port alone, no sockets and no IPv6: " + server.address()};
    }
    const std::string node = server.port == settings.default_port ? server.host : server.address();
    const double groups = std::floor(server.weight / total * static_cast<double>(settings.vnodes) *
                                     static_cast<double>(setup.servers.size()));
    if (static_cast<double>(scheme.ring.size()) + groups * kMostReplicas > kMostPoints) {
      return Error{ErrorCode::kInvalidArgument, "the vnodes make more points than are modelled"};
    }
    for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(groups); ++i) {
      const auto words = Md5Words(node + "-" + std::to_string(i));
      for (std::int64_t j = 0; j < settings.replicas; ++j) {
        scheme.ring.push_back({words[static_cast<std::size_t>(j)], index});
      }
    }
    // Only rings of the same points as twemproxy's have its names.
    if (settings.replicas == kMostReplicas) scheme.ring_names.push_back(node);
  }
  if (scheme.ring.empty()) {
    return Error{ErrorCode::kInvalidArgument, "no server of the client has a point on its ring"};
  }
  std::stable_sort(scheme.ring.begin(), scheme.ring.end(),
                   [](const Point& a, const Point& b) { return a.value < b.value; });
  return ClientModel{PlacementAccess::Make(setup.servers, std::move(scheme)), {}};
}

Result<void> ReadNumber(const ClientOption& option, std::int64_t least, std::int64_t most,
                        std::int64_t& number) {
  const auto read = ParseSwitch(Unquoted(option.value));
  if (!read || *read < least || *read > most) {
    return BadValue(option, std::to_string(least) + " to " + std::to_string(most));
  }
  number = *read;
  return {};
}

Result<void> CheckAlgorithm(const ClientOption& option) {
  if (Unquoted(option.value) == "md5") return {};
  return BadValue(option, "md5: no other is modelled");
}

std::uint32_t MemjsHash(std::string_view key, CharSign) {
  const std::uint32_t hash = JavaHashCode(key);
  return hash >> 31 != 0 ? 0 - hash : hash;
}

}  // namespace

Result<ClientModel> MakeNodeMemcached(const ClientSetup& setup) {
  RingSettings settings;
  settings.default_port = 11211;
  for (const ClientOption& option : setup.options) {
    const std::string_view value = Unquoted(option.value);
    if (option.name == "compatibility") {
      settings.default_port = value == "ketama" ? 11211 : 0;
      settings.replicas = value == "hash_ring" ? 3 : kMostReplicas;
    } else if (option.name == "algorithm") {
      if (Result<void> known = CheckAlgorithm(option); !known.ok()) return known.error();
    } else if (option.name == "namespace") {
      settings.prefix = value;
    } else if (!IsServersMark(option)) {
      return UnknownOption(setup, option.name);
    }
  }
  return Ring(setup, "node memcached", settings);
}

Result<ClientModel> MakeNodeHashring(const ClientSetup& setup) {
  RingSettings settings;
  bool compatible = false;
  for (const ClientOption& option : setup.options) {
    Result<void> read;
    if (option.name == "compatibility") {
      compatible = true;
      settings.replicas = Unquoted(option.value) == "hash_ring" ? 3 : kMostReplicas;
    } else if (option.name == "replicas") {
      std::int64_t replicas = settings.replicas;
      read = ReadNumber(option, 1, kMostReplicas, replicas);
      if (!compatible) settings.replicas = replicas;  // compatibility comes before it
    } else if (option.name == "vnode count") {
      read = ReadNumber(option, 1, 100000, settings.vnodes);
    } else if (option.name == "default port") {
      read = ReadNumber(option, 0, 65535, settings.default_port);
    } else if (option.name == "algorithm") {
      read = CheckAlgorithm(option);
    } else if (!IsServersMark(option)) {
      return UnknownOption(setup, option.name);
    }
    if (!read.ok()) return read.error();
  }
  return Ring(setup, "node hashring", settings);
}

Result<ClientModel> MakeMemjs(const ClientSetup& setup) {
  for (const ClientOption& option : setup.options) {
    if (!IsServersMark(option)) return UnknownOption(setup, option.name);
  }
  Scheme scheme;
  scheme.name = "memjs";
  scheme.sign = setup.char_sign;
  scheme.hash = {
      .name = "memjs hashCode", .function = MemjsHash, .range = (std::uint64_t{1} << 31) + 1};
  for (ServerIndex index = 0; index < setup.servers.size(); ++index) scheme.table.push_back(index);
  return ClientModel{PlacementAccess::Make(setup.servers, std::move(scheme)), {}};
}

}  // namespace shardcache::inline v0::internal
