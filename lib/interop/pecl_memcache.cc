// pecl memcache. Source: pecl memcache 8, src/memcache_consistent_hash.c,
// memcache_standard_hash.c, memcache_pool.c (mmc_prepare_key_ex); 4.0.5.2 does the same.
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
};

Result<Settings> ReadSettings(const ClientSetup& setup, std::vector<std::string>& notes) {
  Settings settings;
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
    } else if (name == "prefix_static_key" || name == "session_prefix_static_key") {
      if (value.find('.') != std::string_view::npos) {
        notes.push_back(option.name + " is refused: it may not have a dot in it");
      } else {
        settings.prefix = value;
      }
    } else if (name == "prefix_host_key" || name == "session_prefix_host_key") {
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

// bucket[i] is the owner of the point at or after i steps.
std::vector<ServerIndex> ConsistentTable(std::span<const Server> servers, const KeyHash& hash,
                                         CharSign sign) {
  std::vector<Point> ring;
  for (ServerIndex index = 0; index < servers.size(); ++index) {
    const Server& server = servers[index];
    const std::string host = server.is_unix() ? "unix://" + server.host : server.host;
    const std::string name = host + ":" + std::to_string(server.port) + "-";
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

}  // namespace

Result<ClientModel> MakePeclMemcache(const ClientSetup& setup) {
  std::vector<std::string> notes;
  const Result<Settings> settings = ReadSettings(setup, notes);
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
    scheme.table = ConsistentTable(setup.servers, scheme.hash, setup.char_sign);
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
  return ClientModel{PlacementAccess::Make(setup.servers, std::move(scheme)), std::move(notes)};
}

}  // namespace shardcache::inline v0::internal
