#include "lib/interop/envoy.h"

#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include "lib/hash/foreign.h"
#include "lib/interop/client.h"
#include "lib/scheme.h"

namespace shardcache::inline v0::internal {
namespace {

// Weights as parts of all, in the arithmetic of thread_aware_lb_impl.cc.
std::vector<double> Parts(std::span<const EnvoyHost> hosts) {
  std::uint64_t sum = 0;
  for (const EnvoyHost& host : hosts) sum += host.weight;
  std::vector<double> parts;
  for (const EnvoyHost& host : hosts) {
    parts.push_back(static_cast<double>(host.weight) / static_cast<double>(sum));
  }
  return parts;
}

// What redis_proxy hashes of a key with enable_hashtagging.
std::string_view RedisHashTag(std::string_view key) {
  const std::size_t open = key.find('{');
  if (open == std::string_view::npos) return key;
  const std::size_t close = key.find('}', open);
  if (close == std::string_view::npos || close == open + 1) return key;
  return key.substr(open + 1, close - open - 1);
}

bool IsPrime(std::uint64_t number) {
  if (number < 2) return false;
  for (std::uint64_t divisor = 2; divisor * divisor <= number; ++divisor) {
    if (number % divisor == 0) return false;
  }
  return true;
}

struct Settings {
  EnvoyHash hash = EnvoyHash::kXxHash;
  std::uint64_t minimum_ring_size = 1024;
  std::uint64_t maximum_ring_size = 8388608;
  std::uint64_t table_size = 65537;
  bool tags = false;
};

Result<void> ReadSize(const ClientOption& option, std::uint64_t most, std::uint64_t& size) {
  const auto number = ParseSwitch(Unquoted(option.value));
  if (!number || *number < 1 || static_cast<std::uint64_t>(*number) > most) {
    return BadValue(option, "1 to " + std::to_string(most));
  }
  size = static_cast<std::uint64_t>(*number);
  return {};
}

Result<Settings> ReadSettings(const ClientSetup& setup, bool maglev) {
  constexpr std::uint64_t kMostPoints = 8388608;
  constexpr std::uint64_t kMostSlots = 5000011;
  Settings settings;
  for (const ClientOption& option : setup.options) {
    const std::string_view value = Unquoted(option.value);
    Result<void> read;
    if (option.name == "enable_hashtagging") {
      const auto on = ParseSwitch(value);
      if (!on) return BadValue(option, "true or false");
      settings.tags = *on != 0;
    } else if (maglev && option.name == "table_size") {
      read = ReadSize(option, kMostSlots, settings.table_size);
      if (read.ok() && !IsPrime(settings.table_size)) return BadValue(option, "a prime number");
    } else if (!maglev && option.name == "minimum_ring_size") {
      read = ReadSize(option, kMostPoints, settings.minimum_ring_size);
    } else if (!maglev && option.name == "maximum_ring_size") {
      read = ReadSize(option, kMostPoints, settings.maximum_ring_size);
    } else if (!maglev && option.name == "hash_function") {
      if (value != "XX_HASH" && value != "MURMUR_HASH_2") {
        return BadValue(option, "XX_HASH or MURMUR_HASH_2");
      }
      settings.hash = value == "XX_HASH" ? EnvoyHash::kXxHash : EnvoyHash::kMurmurHash2;
    } else if (!IsServersMark(option)) {
      return UnknownOption(setup, option.name);
    }
    if (!read.ok()) return read.error();
  }
  if (settings.minimum_ring_size > settings.maximum_ring_size) {
    return Error{ErrorCode::kInvalidArgument,
                 "Envoy refuses a minimum_ring_size above the maximum_ring_size"};
  }
  return settings;
}

// A node name is the metadata envoy.lb.hash_key, which Envoy hashes instead of the address.
Result<std::vector<EnvoyHost>> Hosts(const ClientSetup& setup) {
  std::vector<EnvoyHost> hosts;
  for (const Server& server : setup.servers) {
    if (server.weight == 0) {
      return Error{ErrorCode::kInvalidArgument,
                   "Envoy refuses " + server.address() + ": its weight must be at least 1"};
    }
    hosts.push_back({server.named ? server.name : server.address(), server.weight});
  }
  return hosts;
}

Scheme MakeScheme(std::string name, std::span<const EnvoyHost> hosts, const Settings& settings) {
  Scheme scheme;
  scheme.name = std::move(name);
  scheme.hash = {.name = "MurmurHash2, 64 bits"};
  if (settings.tags) scheme.rule.part = RedisHashTag;
  for (const EnvoyHost& host : hosts) {
    scheme.computed_from += host.key + " " + std::to_string(host.weight) + "\n";
  }
  for (const std::uint64_t number :
       {settings.minimum_ring_size, settings.maximum_ring_size, settings.table_size,
        static_cast<std::uint64_t>(settings.hash), static_cast<std::uint64_t>(settings.tags)}) {
    scheme.computed_from += std::to_string(number) + "\n";
  }
  return scheme;
}

}  // namespace

std::uint64_t EnvoyHashOf(EnvoyHash hash, std::string_view text) {
  constexpr std::uint64_t kStdHashSeed = 0xc70f6907;
  return hash == EnvoyHash::kXxHash ? XXH64(text.data(), text.size(), 0)
                                    : Murmur64A(text, kStdHashSeed);
}

EnvoyRing::EnvoyRing(std::span<const EnvoyHost> hosts, std::uint64_t minimum_size,
                     std::uint64_t maximum_size, EnvoyHash hash) {
  const std::vector<double> parts = Parts(hosts);
  const double smallest = *std::min_element(parts.begin(), parts.end());
  // So many that the lightest host has a whole number of points, within the bounds.
  const double scale = std::min(std::ceil(smallest * static_cast<double>(minimum_size)) / smallest,
                                static_cast<double>(maximum_size));
  double made = 0;
  double target = 0;
  for (ServerIndex host = 0; host < hosts.size(); ++host) {
    target += scale * parts[host];
    for (std::uint64_t i = 0; made < target; ++i, ++made) {
      ring_.push_back({EnvoyHashOf(hash, hosts[host].key + "_" + std::to_string(i)), host});
    }
  }
  std::stable_sort(ring_.begin(), ring_.end(),
                   [](const Entry& a, const Entry& b) { return a.hash < b.hash; });
}

ServerIndex EnvoyRing::Locate(std::uint64_t hash) const {
  const auto found =
      std::lower_bound(ring_.begin(), ring_.end(), hash,
                       [](const Entry& entry, std::uint64_t value) { return entry.hash < value; });
  return found == ring_.end() ? ring_.front().owner : found->owner;
}

std::vector<ServerIndex> EnvoyMaglevTable(std::span<const EnvoyHost> hosts, std::uint64_t size) {
  struct Turn {
    ServerIndex owner;
    double weight;
    std::uint64_t offset;
    std::uint64_t skip;
    std::uint64_t next = 0;
    double target = 0;
  };
  const std::vector<double> parts = Parts(hosts);
  const double greatest = *std::max_element(parts.begin(), parts.end());
  std::vector<ServerIndex> order(hosts.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](ServerIndex a, ServerIndex b) { return hosts[a].key < hosts[b].key; });
  std::vector<Turn> turns;
  for (const ServerIndex host : order) {
    const std::string& key = hosts[host].key;
    turns.push_back({host, parts[host], XXH64(key.data(), key.size(), 0) % size,
                     XXH64(key.data(), key.size(), 1) % (size - 1) + 1});
  }
  std::vector<std::optional<ServerIndex>> slots(size);
  std::uint64_t filled = 0;
  for (std::uint32_t round = 1; filled < size; ++round) {
    for (Turn& turn : turns) {
      if (filled == size) break;
      // A host of the greatest weight takes a slot in each round, one of half of it in each other.
      if (round * turn.weight < turn.target) continue;
      turn.target += greatest;
      std::uint64_t slot = 0;
      do {
        slot = (turn.offset + turn.skip * turn.next++) % size;
      } while (slots[slot]);
      slots[slot] = turn.owner;
      ++filled;
    }
  }
  std::vector<ServerIndex> table;
  for (const std::optional<ServerIndex>& slot : slots) table.push_back(*slot);
  return table;
}

Result<ClientModel> MakeEnvoyRingHash(const ClientSetup& setup) {
  const Result<Settings> settings = ReadSettings(setup, false);
  if (!settings.ok()) return settings.error();
  const Result<std::vector<EnvoyHost>> hosts = Hosts(setup);
  if (!hosts.ok()) return hosts.error();
  Scheme scheme = MakeScheme("Envoy ring hash", *hosts, *settings);
  scheme.compute = [ring =
                        EnvoyRing(*hosts, settings->minimum_ring_size, settings->maximum_ring_size,
                                  settings->hash)](std::string_view key) {
    return ring.Locate(EnvoyHashOf(EnvoyHash::kMurmurHash2, key));
  };
  return ClientModel{PlacementAccess::Make(setup.servers, std::move(scheme)), {}};
}

Result<ClientModel> MakeEnvoyMaglev(const ClientSetup& setup) {
  const Result<Settings> settings = ReadSettings(setup, true);
  if (!settings.ok()) return settings.error();
  const Result<std::vector<EnvoyHost>> hosts = Hosts(setup);
  if (!hosts.ok()) return hosts.error();
  Scheme scheme = MakeScheme("Envoy maglev", *hosts, *settings);
  scheme.compute = [table = EnvoyMaglevTable(*hosts, settings->table_size)](std::string_view key) {
    return table[EnvoyHashOf(EnvoyHash::kMurmurHash2, key) % table.size()];
  };
  return ClientModel{PlacementAccess::Make(setup.servers, std::move(scheme)), {}};
}

}  // namespace shardcache::inline v0::internal
