#include "lib/interop/variants.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "lib/interop/client.h"
#include "lib/placement_state.h"

namespace shardcache::inline v0::internal {
namespace {

using Options = std::vector<ClientOption>;

// How a client built on libmemcached names what places keys.
struct Dialect {
  std::string_view client;
  // Options that are replaced.
  std::span<const std::string_view> replaced;
  Options (*ketama)(std::string_view hash);
  Options (*modula)(std::string_view hash);
  std::span<const std::string_view> hashes;
  ClientOption hash_with_prefix;
};

constexpr auto kPhpReplaced = std::to_array<std::string_view>(
    {"OPT_HASH", "OPT_DISTRIBUTION", "OPT_LIBKETAMA_COMPATIBLE", "OPT_LIBKETAMA_HASH",
     "OPT_SORT_HOSTS", "OPT_HASH_WITH_PREFIX_KEY", "setBucket", "2", "3", "9", "12", "16", "17",
     "25"});
constexpr auto kPylibmcReplaced =
    std::to_array<std::string_view>({"hash", "ketama_hash", "ketama", "ketama_weighted",
                                     "distribution", "_sort_hosts", "_hash_with_prefix_key"});
constexpr auto kLibmemcachedReplaced = std::to_array<std::string_view>(
    {"HASH", "DISTRIBUTION", "KETAMA", "KETAMA_WEIGHTED", "KETAMA_HASH", "SORT_HOSTS",
     "HASH_WITH_PREFIX_KEY", "options"});
constexpr auto kPhpHashes = std::to_array<std::string_view>(
    {"HASH_DEFAULT", "HASH_MD5", "HASH_CRC", "HASH_FNV1_64", "HASH_FNV1A_64", "HASH_FNV1_32",
     "HASH_FNV1A_32", "HASH_MURMUR"});
constexpr auto kPylibmcHashes = std::to_array<std::string_view>(
    {"default", "md5", "crc", "fnv1_64", "fnv1a_64", "fnv1_32", "fnv1a_32", "murmur", "jenkins"});
constexpr auto kLibmemcachedHashes = std::to_array<std::string_view>(
    {"DEFAULT", "MD5", "CRC", "FNV1_64", "FNV1A_64", "FNV1_32", "FNV1A_32", "MURMUR", "JENKINS"});

const std::vector<Dialect>& Dialects() {
  static const std::vector<Dialect> dialects = {
      {"php-memcached",
       kPhpReplaced,
       [](std::string_view hash) {
         return Options{{"OPT_LIBKETAMA_COMPATIBLE", "true"}, {"OPT_HASH", std::string(hash)}};
       },
       [](std::string_view hash) {
         return Options{{"OPT_DISTRIBUTION", "DISTRIBUTION_MODULA"},
                        {"OPT_HASH", std::string(hash)}};
       },
       kPhpHashes,
       {"OPT_HASH_WITH_PREFIX_KEY", "true"}},
      {"pylibmc",
       kPylibmcReplaced,
       [](std::string_view hash) {
         Options options{{"ketama_weighted", "True"}, {"addServers", ""}};
         if (hash != "md5") options.push_back({"hash", std::string(hash)});
         return options;
       },
       [](std::string_view hash) {
         return Options{{"distribution", "modula"}, {"hash", std::string(hash)}};
       },
       kPylibmcHashes,
       {"_hash_with_prefix_key", "True"}},
      {"libmemcached",
       kLibmemcachedReplaced,
       [](std::string_view hash) {
         return Options{{"MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED", "1"},
                        {"MEMCACHED_BEHAVIOR_HASH", "MEMCACHED_HASH_" + std::string(hash)}};
       },
       [](std::string_view hash) {
         return Options{{"MEMCACHED_BEHAVIOR_DISTRIBUTION", "MEMCACHED_DISTRIBUTION_MODULA"},
                        {"MEMCACHED_BEHAVIOR_HASH", "MEMCACHED_HASH_" + std::string(hash)}};
       },
       kLibmemcachedHashes,
       {"MEMCACHED_BEHAVIOR_HASH_WITH_PREFIX_KEY", "1"}},
  };
  return dialects;
}

std::string_view BareName(std::string_view name) {
  for (std::string_view prefix : {"\\", "Memcached::", "MEMCACHED_", "BEHAVIOR_"}) {
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  }
  return name;
}

// Today's options that stay: the prefix, say, and time-outs.
Options Kept(const ClientSetup& today, std::span<const std::string_view> replaced) {
  Options kept;
  for (const ClientOption& option : today.options) {
    const bool gone =
        std::find(replaced.begin(), replaced.end(), BareName(option.name)) != replaced.end();
    if (!gone && !IsServersMark(option)) kept.push_back(option);
  }
  return kept;
}

bool HasPrefix(const Options& options) {
  return std::any_of(options.begin(), options.end(), [](const ClientOption& option) {
    return (option.name.ends_with("PREFIX_KEY") || option.name.ends_with("NAMESPACE") ||
            option.name == "namespace") &&
           !option.value.empty();
  });
}

std::vector<Options> OptionVariants(const ClientSetup& today) {
  std::vector<Options> variants = {today.options};
  for (const Dialect& dialect : Dialects()) {
    if (dialect.client != today.client) continue;
    Options kept = Kept(today, dialect.replaced);
    if (HasPrefix(kept)) kept.push_back(dialect.hash_with_prefix);
    for (std::string_view hash : dialect.hashes) {
      for (auto* make : {dialect.ketama, dialect.modula}) {
        Options options = kept;
        const Options placing = make(hash);
        options.insert(options.end(), placing.begin(), placing.end());
        variants.push_back(std::move(options));
      }
    }
  }
  if (today.client == "pecl-memcache") {
    Options kept = Kept(
        today, std::array<std::string_view, 2>{"memcache.hash_strategy", "memcache.hash_function"});
    kept.push_back({"memcache.hash_strategy", "standard"});
    kept.push_back({"memcache.hash_function", "crc32"});
    variants.push_back(std::move(kept));
  }
  if (today.client == "php-memcached-session") {
    const Options kept =
        Kept(today, std::array<std::string_view, 3>{"memcached.sess_consistent_hash",
                                                    "memcached.sess_consistent_hash_type",
                                                    "memcached.sess_prefix"});
    for (const Options& placing :
         {Options{{"memcached.sess_consistent_hash", "On"},
                  {"memcached.sess_consistent_hash_type", "ketama_weighted"},
                  {"memcached.sess_prefix", ""}},
          Options{{"memcached.sess_consistent_hash", "Off"}, {"memcached.sess_prefix", ""}}}) {
      variants.push_back(kept);
      variants.back().insert(variants.back().end(), placing.begin(), placing.end());
    }
  }
  return variants;
}

std::string DefaultName(const Server& server) {
  if (server.is_unix()) return server.host + ":";
  if (server.port == 11211) return server.host;
  return server.host + ":" + std::to_string(server.port);
}

void Rename(Server& server, std::string name) {
  server.named = name != DefaultName(server);
  server.name = std::move(name);
}

bool Renameable(std::span<const std::string> names) {
  std::vector<std::string> sorted(names.begin(), names.end());
  std::sort(sorted.begin(), sorted.end());
  return std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end() &&
         std::none_of(names.begin(), names.end(),
                      [](const std::string& name) { return name.find(' ') != std::string::npos; });
}

// What the client knows of the pool's servers.
class ClientView {
 public:
  explicit ClientView(const Placement& client)
      : client_(client), scheme_(*PlacementAccess::State(client).pool->scheme) {
    for (ServerIndex i = 0; i < client.servers().size(); ++i) {
      index_.emplace(client.server(i).address(), i);
    }
  }

  const Scheme& scheme() const { return scheme_; }

  // Gives each server of `pool` the name that the client has for it. False if it has none.
  bool TakeNames(PoolConfig& pool) const {
    if (scheme_.ring_names.empty() || !Renameable(scheme_.ring_names)) return false;
    for (Server& server : pool.servers) {
      const auto found = index_.find(server.address());
      if (found == index_.end()) return false;
      Rename(server, scheme_.ring_names[found->second]);
    }
    return true;
  }

  // Names the servers so that the proxy sorts them into the order of the client's slots, and
  // gives them as many slots. False if a server has slots in several places.
  bool TakeOrder(PoolConfig& pool) const {
    if (scheme_.table.empty()) return false;
    std::vector<ServerIndex> order;
    std::map<ServerIndex, std::uint32_t> slots;
    for (ServerIndex owner : scheme_.table) {
      if (slots[owner]++ == 0) order.push_back(owner);
      if (order.back() != owner) return false;
    }
    if (order.size() != pool.servers.size()) return false;
    const std::size_t digits = std::to_string(order.size()).size();
    for (Server& server : pool.servers) {
      const auto found = index_.find(server.address());
      if (found == index_.end() || !slots.contains(found->second)) return false;
      const auto place = std::find(order.begin(), order.end(), found->second) - order.begin() + 1;
      std::string number = std::to_string(place);
      number.insert(0, digits - number.size(), '0');
      server.name = "server" + number;
      server.named = true;
      server.weight = slots[found->second];
    }
    return true;
  }

  bool TakeWeights(PoolConfig& pool) const {
    for (Server& server : pool.servers) {
      const auto found = index_.find(server.address());
      if (found == index_.end()) return false;
      server.weight = scheme_.table.empty() ? client_.server(found->second).weight
                                            : client_.PointCount(found->second);
    }
    return std::all_of(pool.servers.begin(), pool.servers.end(),
                       [](const Server& server) { return server.weight > 0; });
  }

 private:
  const Placement& client_;
  const Scheme& scheme_;
  std::map<std::string, ServerIndex> index_;
};

void AddIfNew(std::vector<PoolConfig>& to, PoolConfig pool) {
  if (std::find(to.begin(), to.end(), pool) == to.end()) to.push_back(std::move(pool));
}

}  // namespace

std::vector<ClientSetup> ClientVariants(const ClientSetup& today, std::span<const Server> pool) {
  std::vector<ClientSetup> variants;
  for (const Options& options : OptionVariants(today)) {
    ClientSetup variant = today;
    variant.options = options;
    variants.push_back(variant);
    variant.servers.assign(pool.begin(), pool.end());
    variants.push_back(std::move(variant));
  }
  return variants;
}

std::vector<PoolConfig> PoolVariants(const PoolConfig& today, const Placement& client) {
  const ClientView view(client);
  std::vector<PoolConfig> variants = {today};
  const auto hash = ParseHashName(view.scheme().hash.name);
  if (!hash || view.scheme().compute) return variants;
  PoolConfig base = today;
  base.hash = *hash;
  base.distribution = view.scheme().ring.empty() ? shardcache::Distribution::kModula
                                                 : shardcache::Distribution::kKetama;
  base.hash_tag = view.scheme().rule.part == nullptr ? std::nullopt : today.hash_tag;
  AddIfNew(variants, base);
  if (PoolConfig pool = base; view.TakeWeights(pool)) {
    AddIfNew(variants, pool);
    if (view.TakeNames(pool)) AddIfNew(variants, pool);
  }
  if (PoolConfig pool = base; view.TakeNames(pool)) AddIfNew(variants, pool);
  if (PoolConfig pool = base; view.TakeOrder(pool)) AddIfNew(variants, pool);
  return variants;
}

}  // namespace shardcache::inline v0::internal
