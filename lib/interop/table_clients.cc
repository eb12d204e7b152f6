// Clients that take CRC-32 modulo the number of servers (or of slots, by weight).
#include <algorithm>
#include <string>
#include <utility>

#include "lib/interop/client.h"
#include "lib/ketama.h"
#include "lib/scheme.h"

namespace shardcache::inline v0::internal {
namespace {

// A slot for each unit of weight, in the client's order.
std::vector<ServerIndex> Slots(std::span<const Server> servers) {
  std::vector<ServerIndex> slots;
  for (ServerIndex index = 0; index < servers.size(); ++index) {
    slots.insert(slots.end(), servers[index].weight, index);
  }
  return slots;
}

std::vector<ServerIndex> OneSlotEach(std::span<const Server> servers) {
  std::vector<ServerIndex> slots;
  for (ServerIndex index = 0; index < servers.size(); ++index) slots.push_back(index);
  return slots;
}

Result<void> CheckSlots(const ClientSetup& setup) {
  constexpr std::uint64_t kMost = 1 << 22;
  std::uint64_t slots = 0;
  for (const Server& server : setup.servers) slots += server.weight;
  if (slots <= kMost) return {};
  return Error{ErrorCode::kInvalidArgument,
               "the weights sum to " + std::to_string(slots) +
                   "; the client makes as many slots, and more than 4194304 are not modelled"};
}

ClientModel Model(const ClientSetup& setup, Scheme scheme) {
  scheme.sign = setup.char_sign;
  return {PlacementAccess::Make(setup.servers, std::move(scheme)), {}};
}

}  // namespace

// python-memcached 1.58, memcache.py: cmemcache_hash, _init_buckets, _get_server.
Result<ClientModel> MakePythonMemcached(const ClientSetup& setup) {
  if (Result<void> valid = CheckSlots(setup); !valid.ok()) return valid.error();
  Scheme scheme;
  scheme.name = "python-memcached";
  scheme.hash = KeyHashOf(HashFunction::kCrc32);
  scheme.zero_is_one = true;
  scheme.table = Slots(setup.servers);
  for (const ClientOption& option : setup.options) {
    if (IsServersMark(option)) continue;
    if (option.name != "useOldServerHashFunction") return UnknownOption(setup, option.name);
    if (ParseSwitch(option.value).value_or(1) == 0) continue;
    scheme.hash = KeyHashOf(HashFunction::kCrc32a);
    scheme.zero_is_one = false;
  }
  return Model(setup, std::move(scheme));
}

// Cache::Memcached 1.30, Memcached.pm: _hashfunc, init_buckets, get_sock.
Result<ClientModel> MakeCacheMemcached(const ClientSetup& setup) {
  if (Result<void> valid = CheckSlots(setup); !valid.ok()) return valid.error();
  Scheme scheme;
  scheme.name = "Cache::Memcached";
  scheme.hash = KeyHashOf(HashFunction::kCrc32);
  scheme.table = Slots(setup.servers);
  for (const ClientOption& option : setup.options) {
    if (IsServersMark(option)) continue;
    if (option.name != "namespace") return UnknownOption(setup, option.name);
    scheme.rule.prefix = Unquoted(option.value);
  }
  return Model(setup, std::move(scheme));
}

// gomemcache, memcache/selector.go: ServerList.PickServer.
Result<ClientModel> MakeGomemcache(const ClientSetup& setup) {
  Scheme scheme;
  scheme.name = "gomemcache";
  scheme.hash = KeyHashOf(HashFunction::kCrc32a);
  scheme.table = OneSlotEach(setup.servers);
  for (const ClientOption& option : setup.options) {
    if (!IsServersMark(option)) return UnknownOption(setup, option.name);
  }
  return Model(setup, std::move(scheme));
}

// Cache::Memcached::Fast 0.28, src/dispatch_key.c.
Result<ClientModel> MakeCacheMemcachedFast(const ClientSetup& setup) {
  if (Result<void> valid = CheckSlots(setup); !valid.ok()) return valid.error();
  constexpr std::int64_t kMostPoints = 1 << 22;
  Scheme scheme;
  std::int64_t points = 0;
  for (const ClientOption& option : setup.options) {
    const auto number = ParseSwitch(option.value);
    if (IsServersMark(option)) {
      continue;
    } else if (option.name == "namespace") {
      scheme.rule.prefix = Unquoted(option.value);
    } else if (option.name == "hash_namespace") {
      if (!number) return BadValue(option, "0 or 1");
      scheme.rule.prefix_hashed = *number != 0;
    } else if (option.name == "ketama_points") {
      if (!number || *number < 0 || *number > 10000) return BadValue(option, "0 to 10000");
      points = *number;
    } else {
      return UnknownOption(setup, option.name);
    }
  }
  if (points == 0) {
    scheme.name = "Cache::Memcached::Fast";
    scheme.hash = KeyHashOf(HashFunction::kCrc32);
    scheme.table = Slots(setup.servers);
    return Model(setup, std::move(scheme));
  }
  scheme.name = "Cache::Memcached::Fast ketama";
  scheme.hash = KeyHashOf(HashFunction::kCrc32a);
  std::int64_t made = 0;
  for (ServerIndex index = 0; index < setup.servers.size(); ++index) {
    const Server& server = setup.servers[index];
    if ((made += points * server.weight) > kMostPoints) {
      return Error{ErrorCode::kInvalidArgument,
                   "ketama_points times the weights make more points than are modelled"};
    }
    const std::string base =
        server.host + '\0' + (server.is_unix() ? "" : std::to_string(server.port));
    // Each point is made from the one before it.
    std::uint32_t point = 0;
    for (std::int64_t i = 0; i < points * server.weight; ++i) {
      std::string text = base;
      for (int shift = 0; shift < 32; shift += 8) text += static_cast<char>(point >> shift & 0xff);
      point = Hash(HashFunction::kCrc32a, text);
      scheme.ring.push_back({point, index});
    }
  }
  std::stable_sort(scheme.ring.begin(), scheme.ring.end(),
                   [](const Point& a, const Point& b) { return a.value < b.value; });
  return Model(setup, std::move(scheme));
}

}  // namespace shardcache::inline v0::internal
