// Clients with a ring of 32-bit points made from each server's name.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "lib/hash/foreign.h"
#include "lib/hash/reference.h"
#include "lib/interop/client.h"
#include "lib/ketama.h"
#include "lib/scheme.h"

namespace shardcache::inline v0::internal {
namespace {

constexpr std::uint64_t kMostPoints = 1 << 24;

Error TooManyPoints() {
  return {ErrorCode::kInvalidArgument, "the weights make more points than are modelled"};
}
Error NoPoint() {
  return {ErrorCode::kInvalidArgument, "no server of the client has a point on its ring"};
}

std::uint64_t TotalOf(const ClientSetup& setup) {
  std::uint64_t total = 0;
  for (const Server& server : setup.servers) total += server.weight;
  return total;
}

// "host" for port 11211, else "host:port", as libmemcached and twemproxy have it.
std::string ShortName(const Server& server) {
  if (server.is_unix()) return server.host;
  return server.port == 11211 ? server.host : server.host + ":" + std::to_string(server.port);
}
std::string LongName(const Server& server) {
  return server.is_unix() ? server.host : server.host + ":" + std::to_string(server.port);
}

enum class Tie { kFirst, kLast };

void SortRing(std::vector<Point>& ring, Tie tie) {
  if (tie == Tie::kLast) std::reverse(ring.begin(), ring.end());
  std::stable_sort(ring.begin(), ring.end(),
                   [](const Point& a, const Point& b) { return a.value < b.value; });
}

Result<void> NoOptions(const ClientSetup& setup) {
  for (const ClientOption& option : setup.options) {
    if (!IsServersMark(option)) return UnknownOption(setup, option.name);
  }
  return {};
}

// A ring of MD5 groups, whose key hash is MD5 too. `groups` says how many a server has.
template <typename Groups, typename Name>
Result<ClientModel> Md5Ring(const ClientSetup& setup, std::string scheme_name, Tie tie,
                            const Groups& groups, const Name& name) {
  Scheme scheme;
  scheme.name = std::move(scheme_name);
  scheme.sign = setup.char_sign;
  scheme.hash = KeyHashOf(HashFunction::kMd5);
  for (ServerIndex index = 0; index < setup.servers.size(); ++index) {
    scheme.ring_names.push_back(name(setup.servers[index]));
    AppendKetamaPoints(scheme.ring_names.back(), index, groups(setup.servers[index]), scheme.ring);
    if (scheme.ring.size() > kMostPoints) return TooManyPoints();
  }
  if (scheme.ring.empty()) return NoPoint();
  SortRing(scheme.ring, tie);
  return ClientModel{PlacementAccess::Make(setup.servers, std::move(scheme)), {}};
}

// `ring`, sorted, in which a hash belongs to the last point that is at most the hash (and below
// the first to the last), as a ring in which it belongs to the first that is at least the hash.
std::vector<Point> FromFloor(const std::vector<Point>& ring) {
  std::vector<Point> ceiling;
  if (ring.front().value > 0) ceiling.push_back({ring.front().value - 1, ring.back().owner});
  for (std::size_t i = 0; i + 1 < ring.size(); ++i) {
    if (ring[i + 1].value > ring[i].value) {
      ceiling.push_back({ring[i + 1].value - 1, ring[i].owner});
    }
  }
  ceiling.push_back({~std::uint32_t{0}, ring.back().owner});
  return ceiling;
}

// uhashring 2.1, uhashring/ring_ketama.py and ring.py, with hash_fn="ketama".
Result<ClientModel> UhashringKetama(const ClientSetup& setup, std::uint64_t vnodes) {
  const std::uint64_t total = TotalOf(setup);
  std::map<std::uint32_t, ServerIndex> owners;  // of the points; a later server takes a point over
  Scheme scheme;
  scheme.name = "uhashring ketama";
  scheme.sign = setup.char_sign;
  scheme.hash = KeyHashOf(HashFunction::kMd5);
  for (ServerIndex index = 0; index < setup.servers.size(); ++index) {
    const Server& server = setup.servers[index];
    scheme.ring_names.push_back(server.named ? server.name : LongName(server));
    std::vector<Point> points;
    const std::uint64_t groups = vnodes * setup.servers.size() * server.weight / total;
    if (owners.size() + kPointsPerGroup * groups > kMostPoints) return TooManyPoints();
    AppendKetamaPoints(scheme.ring_names.back(), index, static_cast<std::uint32_t>(groups), points);
    for (const Point& point : points) owners[point.value] = index;
  }
  if (owners.empty()) return NoPoint();
  // A key goes to the first point that is greater than its hash.
  for (const auto& [value, owner] : owners) {
    if (value > 0) scheme.ring.push_back({value - 1, owner});
  }
  if (owners.begin()->first == 0) {
    scheme.ring.push_back({~std::uint32_t{0}, owners.begin()->second});
  }
  return ClientModel{PlacementAccess::Make(setup.servers, std::move(scheme)), {}};
}

// MD5 as the number that its hexadecimal digits are.
using Md5Number = std::pair<std::uint64_t, std::uint64_t>;

Md5Number Md5AsNumber(std::string_view text) {
  const std::array<std::uint32_t, 4> words = Md5Words(text);
  std::array<std::uint64_t, 4> big{};
  for (std::size_t i = 0; i < 4; ++i) {
    for (int shift = 0; shift < 32; shift += 8) big[i] = big[i] << 8 | (words[i] >> shift & 0xff);
  }
  return {big[0] << 32 | big[1], big[2] << 32 | big[3]};
}

// uhashring/ring_meta.py and ring.py: the ring of all 128 bits, which HashRing(nodes) makes.
Result<ClientModel> UhashringMeta(const ClientSetup& setup, std::uint64_t vnodes) {
  std::vector<std::pair<Md5Number, ServerIndex>> ring;
  Scheme scheme;
  scheme.name = "uhashring";
  scheme.sign = setup.char_sign;
  scheme.hash = {.name = "md5, all 128 bits"};
  for (ServerIndex index = 0; index < setup.servers.size(); ++index) {
    const Server& server = setup.servers[index];
    const std::string name = server.named ? server.name : LongName(server);
    if (ring.size() + vnodes * server.weight > kMostPoints) return TooManyPoints();
    for (std::uint64_t i = 0; i < vnodes * server.weight; ++i) {
      ring.emplace_back(Md5AsNumber(name + "-" + std::to_string(i)), index);
    }
    scheme.computed_from +=
        name + " " + std::to_string(vnodes) + " " + std::to_string(server.weight) + "\n";
  }
  std::sort(ring.begin(), ring.end());
  scheme.compute = [ring = std::move(ring)](std::string_view key) {
    const auto found = std::upper_bound(
        ring.begin(), ring.end(), Md5AsNumber(key),
        [](const Md5Number& value, const auto& point) { return value < point.first; });
    return found == ring.end() ? ring.front().second : found->second;
  };
  return ClientModel{PlacementAccess::Make(setup.servers, std::move(scheme)), {}};
}

}  // namespace

// dalli 3.0.6, lib/dalli/ring.rb.
Result<ClientModel> MakeDalli(const ClientSetup& setup) {
  Scheme scheme;
  scheme.name = "dalli";
  scheme.sign = setup.char_sign;
  scheme.hash = KeyHashOf(HashFunction::kCrc32a);
  scheme.rule.prefix_hashed = true;
  for (const ClientOption& option : setup.options) {
    if (IsServersMark(option)) continue;
    if (option.name != "namespace") return UnknownOption(setup, option.name);
    scheme.rule.prefix = std::string(Unquoted(option.value)) + ":";
  }
  const auto total = static_cast<double>(TotalOf(setup));
  std::vector<Point> ring;
  for (ServerIndex index = 0; index < setup.servers.size(); ++index) {
    const Server& server = setup.servers[index];
    const double whole = static_cast<double>(setup.servers.size()) * 160.0 * server.weight;
    const auto points = static_cast<std::uint32_t>(std::floor(whole / total));
    for (std::uint32_t i = 0; i < points; ++i) {
      ring.push_back({Sha1FirstWord(LongName(server) + ":" + std::to_string(i)), index});
    }
  }
  SortRing(ring, Tie::kFirst);
  if (ring.empty()) return NoPoint();
  scheme.ring = FromFloor(ring);
  return ClientModel{PlacementAccess::Make(setup.servers, std::move(scheme)), {}};
}

Result<ClientModel> MakeUhashring(const ClientSetup& setup) {
  constexpr std::int64_t kMostVnodes = 100000;
  bool ketama = false;
  std::optional<std::int64_t> vnodes;
  for (const ClientOption& option : setup.options) {
    if (IsServersMark(option)) continue;
    if (option.name == "hash_fn") {
      ketama = Unquoted(option.value) == "ketama";
      if (!ketama) return BadValue(option, "ketama, or not set: a function is not modelled");
    } else if (option.name == "vnodes") {
      vnodes = ParseSwitch(option.value);
      if (!vnodes || *vnodes < 1 || *vnodes > kMostVnodes) return BadValue(option, "1 to 100000");
    } else {
      return UnknownOption(setup, option.name);
    }
  }
  return ketama ? UhashringKetama(setup, static_cast<std::uint64_t>(vnodes.value_or(40)))
                : UhashringMeta(setup, static_cast<std::uint64_t>(vnodes.value_or(160)));
}

// libketama, libketama/ketama.c: ketama_create_continuum.
Result<ClientModel> MakeLibketama(const ClientSetup& setup) {
  if (Result<void> valid = NoOptions(setup); !valid.ok()) return valid.error();
  const auto total = static_cast<float>(TotalOf(setup));
  const auto count = static_cast<float>(setup.servers.size());
  return Md5Ring(
      setup, "libketama", Tie::kFirst,
      [&](const Server& server) {
        const float part = static_cast<float>(server.weight) / total;
        return static_cast<std::uint32_t>(
            std::floor(static_cast<float>(double{part} * 40.0 * double{count})));
      },
      LongName);
}

// memcached 1.6, proxy_ring_hash.c, with omode "twemproxy", 160 buckets, and its own key hash.
Result<ClientModel> MakeMemcachedProxy(const ClientSetup& setup) {
  if (Result<void> valid = NoOptions(setup); !valid.ok()) return valid.error();
  return Md5Ring(
      setup, "memcached proxy, omode twemproxy", Tie::kFirst, [](const Server&) { return 40U; },
      ShortName);
}

// xmemcached, KetamaMemcachedSessionLocator with cwNginxUpstreamConsistent.
Result<ClientModel> MakeXmemcached(const ClientSetup& setup) {
  if (Result<void> valid = NoOptions(setup); !valid.ok()) return valid.error();
  return Md5Ring(
      setup, "xmemcached cwNginxUpstreamConsistent", Tie::kFirst,
      [](const Server& server) { return std::min(40 * server.weight, std::uint32_t{1} << 22); },
      ShortName);
}

}  // namespace shardcache::inline v0::internal
