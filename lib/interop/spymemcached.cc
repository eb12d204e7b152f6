// spymemcached. Source: spymemcached 2.12, KetamaNodeLocator, ArrayModNodeLocator,
// KetamaNodeKeyFormatter, DefaultHashAlgorithm.
#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>

#include "lib/interop/client.h"
#include "lib/interop/utf8.h"
#include "lib/ketama.h"
#include "lib/scheme.h"

namespace shardcache::inline v0::internal {
namespace {

constexpr std::uint32_t kPoints = 160;

// FNV over UTF-16 units, of which the low 32 bits count; those of the 64-bit form are these.
template <std::uint32_t kInit, std::uint32_t kPrime, bool kXorFirst>
std::uint32_t Fnv(std::string_view text, CharSign) {
  std::uint32_t hash = kInit;
  ForEachUtf16Unit(text, [&](std::uint32_t unit) {
    hash = kXorFirst ? (hash ^ unit) * kPrime : hash * kPrime ^ unit;
  });
  return hash;
}

std::uint32_t Native(std::string_view text, CharSign) { return JavaHashCode(text); }

struct NamedHash {
  std::string_view name;
  KeyHash hash;
};

const std::array<NamedHash, 7>& Hashes() {
  static const std::array<NamedHash, 7> hashes = {{
      {"KETAMA_HASH", KeyHashOf(HashFunction::kMd5)},
      {"CRC_HASH", KeyHashOf(HashFunction::kCrc32)},
      {"FNV1_64_HASH", {"FNV1_64_HASH of UTF-16", Fnv<0x84222325, 0x1b3, false>}},
      {"FNV1A_64_HASH", {"FNV1A_64_HASH of UTF-16", Fnv<0x84222325, 0x1b3, true>}},
      {"FNV1_32_HASH", {"FNV1_32_HASH of UTF-16", Fnv<2166136261, 16777619, false>}},
      {"FNV1A_32_HASH", {"FNV1A_32_HASH of UTF-16", Fnv<2166136261, 16777619, true>}},
      {"NATIVE_HASH", {"String.hashCode", Native}},
  }};
  return hashes;
}

struct Settings {
  bool ring = true;
  bool libmemcached_names = false;
  bool weighted = false;
  NamedHash hash = Hashes()[0];
};

Result<Settings> ReadSettings(const ClientSetup& setup) {
  Settings settings;
  for (const ClientOption& option : setup.options) {
    const std::string_view value = Unquoted(option.value);
    if (option.name == "format") {
      settings.libmemcached_names = value == "LIBMEMCACHED";
      if (!settings.libmemcached_names && value != "SPYMEMCACHED") {
        return BadValue(option, "LIBMEMCACHED or SPYMEMCACHED");
      }
    } else if (option.name == "weights") {
      const auto on = ParseSwitch(value);
      if (!on) return BadValue(option, "true or false");
      settings.weighted = *on != 0;
    } else if (option.name == "locator") {
      settings.ring = value == "CONSISTENT";
      if (!settings.ring && value != "ARRAY_MOD") {
        return BadValue(option, "CONSISTENT or ARRAY_MOD");
      }
    } else if (option.name == "hashAlg") {
      const auto* found = std::find_if(Hashes().begin(), Hashes().end(),
                                       [&](const NamedHash& hash) { return hash.name == value; });
      if (found == Hashes().end()) {
        return BadValue(option, "a DefaultHashAlgorithm: KETAMA_HASH, CRC_HASH, FNV1_64_HASH...");
      }
      settings.hash = *found;
    } else if (!IsServersMark(option)) {
      return UnknownOption(setup, option.name);
    }
  }
  return settings;
}

// What Java prints for the address: for a host name, "name/address:port". Where the name is not an
// address, it can only be said by the one who resolves it.
Result<std::string> JavaAddress(const Server& server) {
  if (server.named) return server.name;
  const bool address = server.host.find_first_not_of("0123456789.") == std::string::npos;
  if (address) return server.host + ":" + std::to_string(server.port);
  return Error{
      ErrorCode::kInvalidArgument,
      "the format SPYMEMCACHED puts the address that a name resolves to on the ring: give " +
          server.host + " by its IPv4 address, or with a node name \"" + server.host +
          "/ADDRESS:" + std::to_string(server.port) + "\""};
}

Result<std::string> PointName(const Server& server, const Settings& settings) {
  if (!settings.libmemcached_names) return JavaAddress(server);
  return server.port == 11211 ? server.host : server.host + ":" + std::to_string(server.port);
}

// Of two servers that want one point, the last has it.
Result<void> BuildRing(const ClientSetup& setup, const Settings& settings, Scheme& scheme) {
  std::uint32_t total = 0;
  for (const Server& server : setup.servers) total += server.weight;
  const auto count = static_cast<std::uint32_t>(setup.servers.size());
  // Where weights are given, points are made by MD5 whatever the hash of keys.
  const bool md5 = settings.weighted || settings.hash.name == "KETAMA_HASH";
  std::map<std::uint32_t, ServerIndex> owners;
  for (ServerIndex index = 0; index < count; ++index) {
    const Server& server = setup.servers[index];
    const Result<std::string> name = PointName(server, settings);
    if (!name.ok()) return name.error();
    if (md5) {
      const std::uint32_t groups =
          settings.weighted ? KetamaGroups(server.weight, total, count) : kPoints / kPointsPerGroup;
      std::vector<Point> points;
      AppendKetamaPoints(*name, index, groups, points);
      for (const Point& point : points) owners[point.value] = index;
      scheme.ring_names.push_back(*name);
      continue;
    }
    for (std::uint32_t i = 0; i < kPoints; ++i) {
      owners[scheme.hash.function(*name + "-" + std::to_string(i), scheme.sign)] = index;
    }
  }
  for (const auto& [value, owner] : owners) scheme.ring.push_back({value, owner});
  if (scheme.ring.empty()) {
    return Error{ErrorCode::kInvalidArgument, "no server of the client has a point on its ring"};
  }
  return {};
}

}  // namespace

Result<ClientModel> MakeSpymemcached(const ClientSetup& setup) {
  const Result<Settings> settings = ReadSettings(setup);
  if (!settings.ok()) return settings.error();
  Scheme scheme;
  scheme.sign = setup.char_sign;
  scheme.hash = settings->hash.hash;
  if (settings->ring) {
    scheme.name = "spymemcached ring";
    if (Result<void> built = BuildRing(setup, *settings, scheme); !built.ok()) {
      return built.error();
    }
  } else {
    scheme.name = "spymemcached ARRAY_MOD";
    for (ServerIndex index = 0; index < setup.servers.size(); ++index) {
      scheme.table.push_back(index);
    }
  }
  return ClientModel{PlacementAccess::Make(setup.servers, std::move(scheme)), {}};
}

}  // namespace shardcache::inline v0::internal
