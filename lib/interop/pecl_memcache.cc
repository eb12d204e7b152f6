// pecl memcache. Source: pecl memcache 8, src/memcache_consistent_hash.c,
// memcache_standard_hash.c, memcache_pool.c (mmc_prepare_key_ex, mmc_pool_find_next) and
// memcache_session.c; 4.0.5.2 does the same.
#include <algorithm>
#include <utility>

#include "lib/interop/client.h"
#include "lib/ketama.h"
#include "lib/scheme.h"

namespace shardcache::inline v0::internal {
namespace {

constexpr std::size_t kMaxKey = 250;
constexpr std::uint32_t kPointsPerWeight = 160;
constexpr std::uint32_t kBuckets = 1024;
constexpr std::uint64_t kMostSlots = 1 << 16;

// Blanks and control bytes become underscores; what exceeds 250 bytes is cut off.
void CleanKey(std::string& key) {
  key.resize(std::min(key.size(), kMaxKey));
  std::replace_if(
      key.begin(), key.end(), [](char c) { return static_cast<unsigned char>(c) <= ' '; }, '_');
}

struct Settings {
  bool consistent = true;
  bool fnv = false;
  std::string prefix;
  std::int64_t redundancy = 2;  // of sessions
};

// `session`: whether of the session handler, which has a prefix of its own.
Result<Settings> ReadSettings(const ClientSetup& setup, bool session,
                              std::vector<std::string>& notes) {
  Settings settings;
  const std::string_view static_key = session ? "session_prefix_static_key" : "prefix_static_key";
  const std::string_view host_key = session ? "session_prefix_host_key" : "prefix_host_key";
  for (const ClientOption& option : setup.options) {
    std::string_view name = option.name;
    constexpr std::string_view kIni = "memcache.";
    if (name.starts_with(kIni)) name.remove_prefix(kIni.size());
    const std::string_view value = Unquoted(option.value);
    if (name == "hash_strategy") {
      const bool consistent = EqualIgnoringCase(value, "consistent");
      if (!consistent && !EqualIgnoringCase(value, "standard")) {
        return BadValue(option, "standard or consistent");
      }
      settings.consistent = consistent;
    } else if (name == "hash_function") {
      const bool fnv = EqualIgnoringCase(value, "fnv");
      if (!fnv && !EqualIgnoringCase(value, "crc32")) return BadValue(option, "crc32 or fnv");
      settings.fnv = fnv;
    } else if (name == static_key) {
      if (value.find('.') != std::string_view::npos) {
        notes.push_back(option.name + " is refused: it may not have a dot in it");
      } else {
        settings.prefix = value;
      }
    } else if (session && name == "session_redundancy") {
      const auto number = ParseSwitch(value);
      if (!number || *number < 1) return BadValue(option, "1 or more");
      settings.redundancy = *number;
    } else if (name == host_key) {
      if (ParseSwitch(value).value_or(1) != 0) {
        return BadValue(option,
                        "0: with it each site of a web server has another prefix, so no one "
                        "answer can be given");
      }
    } else if (!IsServersMark(option) && name == option.name) {
      return UnknownOption(setup, option.name);
    }
  }
  return settings;
}

// What is hashed of a server, before its number.
std::string PointName(const Server& server, bool session) {
  const bool bracketed = session && server.host.find(':') != std::string::npos;
  const std::string host = server.is_unix() ? "unix://" + server.host
                           : bracketed      ? "[" + server.host + "]"
                                            : server.host;
  return host + ":" + std::to_string(server.port) + "-";
}

// bucket[i] is the owner of the point at or after i steps.
std::vector<ServerIndex> ConsistentTable(std::span<const Server> servers, const KeyHash& hash,
                                         CharSign sign, bool session) {
  std::vector<Point> ring;
  for (ServerIndex index = 0; index < servers.size(); ++index) {
    const Server& server = servers[index];
    const std::string name = PointName(server, session);
    for (std::uint32_t i = 0; i < server.weight * kPointsPerWeight; ++i) {
      ring.push_back({hash.function(name + std::to_string(i), sign), index});
    }
  }
  std::stable_sort(ring.begin(), ring.end(),
                   [](const Point& a, const Point& b) { return a.value < b.value; });
  std::vector<ServerIndex> table;
  for (std::uint32_t i = 0; i < kBuckets; ++i) {
    constexpr std::uint32_t kStep = ~std::uint32_t{0} / kBuckets;
    table.push_back(KetamaOwner(ring, i * kStep));
  }
  return table;
}

std::uint32_t Fnv1a32High(std::string_view bytes, CharSign sign) {
  return Hash(HashFunction::kFnv1a_32, bytes, sign) >> 16 & 0x7fff;
}

Result<ClientModel> Make(const ClientSetup& setup, bool session) {
  std::vector<std::string> notes;
  const Result<Settings> settings = ReadSettings(setup, session, notes);
  if (!settings.ok()) return settings.error();
  std::uint64_t slots = 0;
  for (const Server& server : setup.servers) slots += server.weight;
  if (slots > kMostSlots) {
    return Error{ErrorCode::kInvalidArgument,
                 "the weights sum to " + std::to_string(slots) +
                     "; pecl memcache makes as many slots, or 160 times as many points, and more "
                     "than 65536 are not modelled: divide the weights by the same number"};
  }
  Scheme scheme;
  scheme.sign = setup.char_sign;
  scheme.rule.prefix = settings->prefix;
  scheme.rule.prefix_hashed = true;
  scheme.rule.clean = CleanKey;
  if (settings->consistent) {
    scheme.name = settings->fnv ? "pecl memcache consistent, fnv" : "pecl memcache consistent";
    scheme.hash = KeyHashOf(settings->fnv ? HashFunction::kFnv1a_32 : HashFunction::kCrc32a);
    scheme.table = ConsistentTable(setup.servers, scheme.hash, setup.char_sign, session);
  } else {
    scheme.name = settings->fnv ? "pecl memcache standard, fnv" : "pecl memcache standard";
    scheme.hash = KeyHashOf(HashFunction::kCrc32);
    if (settings->fnv) {
      scheme.hash = KeyHash{"fnv1a_32 >> 16 & 0x7fff", Fnv1a32High, true, 1 << 15};
    }
    scheme.zero_is_one = true;
    for (ServerIndex index = 0; index < setup.servers.size(); ++index) {
      scheme.table.insert(scheme.table.end(), setup.servers[index].weight, index);
    }
  }
  if (session) {
    scheme.name += ", sessions";
    // As if the first server had failed already: the handler asks for the next one of none.
    scheme.rule.suffix = "-0";
    if (settings->redundancy > 1 && setup.servers.size() > 1) {
      notes.push_back("with memcache.session_redundancy=" + std::to_string(settings->redundancy) +
                      " a session is on so many servers; this is the first, which is read first");
    }
  }
  return ClientModel{PlacementAccess::Make(setup.servers, std::move(scheme)), std::move(notes)};
}

}  // namespace

Result<ClientModel> MakePeclMemcache(const ClientSetup& setup) { return Make(setup, false); }

Result<ClientModel> MakePeclMemcacheSession(const ClientSetup& setup) { return Make(setup, true); }

}  // namespace shardcache::inline v0::internal
