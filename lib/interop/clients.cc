// The list of clients, and what all of them share.
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>
#include <utility>

#include "lib/interop/client.h"

namespace shardcache::inline v0 {
namespace {

using internal::Client;

constexpr std::array kClients = {
    Client{{"php-memcached", "PHP's Memcached class (php-memcached 3.x, on libmemcached 1.1)",
            Verified::kAgainstProgram, "php-memcached 3.2.0 on libmemcached 1.1.4: getServerByKey",
            "OPT_DISTRIBUTION=DISTRIBUTION_MODULA|DISTRIBUTION_CONSISTENT|"
            "DISTRIBUTION_VIRTUAL_BUCKET\n"
            "OPT_LIBKETAMA_COMPATIBLE=true|false\n"
            "OPT_HASH=HASH_DEFAULT|HASH_MD5|HASH_CRC|HASH_FNV1_64|HASH_FNV1A_64|HASH_FNV1_32|"
            "HASH_FNV1A_32|HASH_MURMUR\n"
            "OPT_PREFIX_KEY=TEXT, OPT_HASH_WITH_PREFIX_KEY=true|false, OPT_SORT_HOSTS=true|false\n"
            "setBucket=0,1,... (the server map of setBucket)\n"
            "memcached.default_consistent_hash=1 (php.ini)\n"
            "addServers= or addServer= (marks where the servers are added)"},
           internal::MakePhpMemcached},
    Client{{"php-memcached-session", "PHP sessions kept by php-memcached 3.x",
            Verified::kAgainstProgram,
            "php-memcached 3.2.0 on libmemcached 1.1.4: sessions on recording servers",
            "memcached.sess_consistent_hash=On|Off\n"
            "memcached.sess_consistent_hash_type=ketama|ketama_weighted\n"
            "memcached.sess_prefix=TEXT, memcached.sess_binary_protocol=On|Off"},
           internal::MakePhpMemcachedSession},
    Client{{"pecl-memcache", "PHP's Memcache class (pecl memcache 3.x to 8.x)",
            Verified::kAgainstProgram, "pecl memcache 4.0.5.2: findServer, and sets recorded",
            "memcache.hash_strategy=standard|consistent\n"
            "memcache.hash_function=crc32|fnv\n"
            "memcache.prefix_static_key=TEXT"},
           internal::MakePeclMemcache},
    Client{{"pecl-memcache-session", "PHP sessions kept by pecl memcache 3.x to 8.x",
            Verified::kAgainstProgram, "pecl memcache 4.0.5.2: sessions on recording servers",
            "memcache.hash_strategy=standard|consistent\n"
            "memcache.hash_function=crc32|fnv\n"
            "memcache.session_prefix_static_key=TEXT (of php.ini: ini_set comes too late)\n"
            "memcache.session_redundancy=N"},
           internal::MakePeclMemcacheSession},
    Client{{"libmemcached", "the C library libmemcached 1.0 and 1.1", Verified::kAgainstProgram,
            "libmemcached 1.1.4: memcached_generate_hash",
            "MEMCACHED_BEHAVIOR_X=VALUE, X of KETAMA_WEIGHTED, KETAMA, DISTRIBUTION, HASH, "
            "SORT_HOSTS, HASH_WITH_PREFIX_KEY\n"
            "MEMCACHED_CALLBACK_PREFIX_KEY=TEXT\n"
            "options=\"--SERVER=a --DISTRIBUTION=CONSISTENT --HASH=MD5\" (memcached() option "
            "string; servers in it replace the pool's)\n"
            "addServers= or addServer= (marks where the servers are added)"},
           internal::MakeLibmemcached,
           true},
    Client{{"pylibmc", "Python's pylibmc 1.6, on libmemcached 1.1", Verified::kAgainstProgram,
            "pylibmc 1.6.3 on libmemcached 1.1.4: Client.hash",
            "ketama_weighted=True, ketama=True, distribution=\"consistent ketama\"|..., "
            "hash=md5|fnv1a_64|...\n"
            "namespace=TEXT, _hash_with_prefix_key=True, _sort_hosts=True, binary=True\n"
            "All but binary go to Client(behaviors={...}), which applies them in an order of its "
            "own; those\n"
            "after a mark addServers= are set one by one on the client that exists."},
           internal::MakePylibmc},
    Client{{"python-memcached", "Python's memcache module (python-memcached 1.58)",
            Verified::kAgainstProgram, "python-memcached 1.58: Client._get_server",
            "useOldServerHashFunction=1 (if the application calls that)"},
           internal::MakePythonMemcached},
    Client{{"pymemcache", "Python's pymemcache HashClient 3.5, with its default hasher",
            Verified::kAgainstProgram, "pymemcache 3.5.2: HashClient.hasher.get_node",
            "key_type=str|bytes: one key goes to other servers as str than as bytes\n"
            "key_prefix=TEXT (is not hashed)"},
           internal::MakePymemcache},
    Client{{"uhashring", "Python's uhashring 2", Verified::kAgainstProgram,
            "uhashring 2.1: HashRing.get_node",
            "hash_fn=ketama (not set: its own ring of 128 bits), vnodes=N\n"
            "Its nodes are called host:port, or by the name of a named server."},
           internal::MakeUhashring},
    Client{{"cache-memcached", "Perl's Cache::Memcached 1.30", Verified::kAgainstProgram,
            "Cache::Memcached 1.30: get_sock", "namespace=TEXT (is not hashed)"},
           internal::MakeCacheMemcached},
    Client{{"cache-memcached-fast", "Perl's Cache::Memcached::Fast 0.28", Verified::kAgainstProgram,
            "Cache::Memcached::Fast 0.28: keys got from servers",
            "ketama_points=N, namespace=TEXT, hash_namespace=0|1"},
           internal::MakeCacheMemcachedFast},
    Client{{"dalli", "Ruby's dalli 3", Verified::kAgainstProgram, "dalli 3.0.6: Dalli::Ring",
            "namespace=TEXT (is hashed, with a colon)"},
           internal::MakeDalli},
    Client{{"node-memcached", "Node's memcached 2", Verified::kAgainstProgram,
            "memcached 2.2.2: the server that get connects to",
            "compatibility=ketama|hash_ring|none, algorithm=md5, namespace=TEXT (is hashed)\n"
            "A key of more than 250 characters is placed by all of it, but sent as its MD5."},
           internal::MakeNodeMemcached},
    Client{{"node-hashring", "Node's hashring 3", Verified::kAgainstProgram,
            "hashring 3.2.0: HashRing.get",
            "compatibility=ketama|hash_ring, replicas=1..4, vnode count=N, default port=N, "
            "algorithm=md5"},
           internal::MakeNodeHashring},
    Client{{"memjs", "Node's memjs 1", Verified::kAgainstProgram, "memjs 1.3.2: Client.server", ""},
           internal::MakeMemjs},
    Client{{"spymemcached", "Java's spymemcached 2.12", Verified::kAgainstProgram,
            "spymemcached 2.12.3: KetamaNodeLocator, ArrayModNodeLocator",
            "locator=CONSISTENT|ARRAY_MOD, hashAlg=KETAMA_HASH|CRC_HASH|FNV1_64_HASH|..., with "
            "KetamaConnectionFactory's for defaults\n"
            "format=SPYMEMCACHED|LIBMEMCACHED, weights=true|false (whether weights are given)"},
           internal::MakeSpymemcached},
    Client{{"xmemcached", "Java's xmemcached, ketama with cwNginxUpstreamConsistent",
            Verified::kFromSource, "KetamaMemcachedSessionLocator", ""},
           internal::MakeXmemcached},
    Client{{"gomemcache", "Go's gomemcache", Verified::kFromSource, "selector.go", ""},
           internal::MakeGomemcache},
    Client{{"libketama", "the C library libketama", Verified::kFromSource, "ketama.c", ""},
           internal::MakeLibketama},
    Client{{"memcached-proxy",
            "memcached's own proxy: mcp.dist_ring_hash, omode \"twemproxy\", obuckets 160, with "
            "hash=mcp.dist_ring_hash.hash",
            Verified::kFromSource, "proxy_ring_hash.c", ""},
           internal::MakeMemcachedProxy},
    Client{{"mcrouter-crc32", "mcrouter with hash_func Crc32", Verified::kFromSource,
            "Crc32HashFunc.h", "salt=TEXT"},
           internal::MakeMcrouterCrc32},
    Client{{"mcrouter-ch3", "mcrouter with hash_func Ch3, its default", Verified::kFromSource,
            "fbi/hash.c; and what mcrouter's own tests expect", "salt=TEXT"},
           internal::MakeMcrouterCh3},
    Client{{"mcrouter-weighted-ch3", "mcrouter with hash_func WeightedCh3", Verified::kFromSource,
            "WeightedCh3HashFunc.cpp; and what mcrouter's own tests expect",
            "weights=1,0.5,... (of each child, 0 to 1; needed), salt=TEXT"},
           internal::MakeMcrouterWeightedCh3},
    Client{{"mcrouter-rendezvous", "mcrouter with hash_func Rendezvous", Verified::kFromSource,
            "RendezvousHashFunc.cpp; and what mcrouter's own tests expect",
            "tags=TEXT,... (of each child; needed), salt=TEXT"},
           internal::MakeMcrouterRendezvous},
    Client{{"envoy-ring-hash", "Envoy's redis_proxy on a cluster with lb_policy RING_HASH",
            Verified::kFromSource, "ring_hash_lb.cc; and what Envoy's own tests expect",
            "hash_function=XX_HASH|MURMUR_HASH_2, minimum_ring_size=N, maximum_ring_size=N\n"
            "enable_hashtagging=true\n"
            "A node name is taken for the endpoint's metadata hash_key."},
           internal::MakeEnvoyRingHash},
    Client{{"envoy-maglev", "Envoy's redis_proxy on a cluster with lb_policy MAGLEV",
            Verified::kFromSource, "maglev_lb.cc; and what Envoy's own tests expect",
            "table_size=N, enable_hashtagging=true\n"
            "A node name is taken for the endpoint's metadata hash_key."},
           internal::MakeEnvoyMaglev},
};

constexpr auto MakeInfos() {
  std::array<ClientInfo, kClients.size()> infos{};
  std::transform(kClients.begin(), kClients.end(), infos.begin(),
                 [](const Client& client) { return client.info; });
  return infos;
}

constexpr auto kInfos = MakeInfos();

Result<void> CheckServers(const ClientSetup& setup) {
  std::uint64_t total = 0;
  for (const Server& server : setup.servers) total += server.weight;
  if (total > std::numeric_limits<std::uint32_t>::max()) {
    return Error{ErrorCode::kInvalidArgument, "the weights of the client's servers sum to " +
                                                  std::to_string(total) +
                                                  "; more than 4294967295 is not modelled"};
  }
  return {};
}

}  // namespace

std::span<const ClientInfo> Clients() { return kInfos; }

Result<ClientModel> ModelClient(const ClientSetup& setup) {
  const auto* client = std::find_if(kClients.begin(), kClients.end(), [&](const Client& known) {
    return known.info.name == setup.client;
  });
  if (client == kClients.end()) {
    std::string names;
    for (const ClientInfo& info : Clients()) {
      names += (names.empty() ? "" : ", ") + std::string(info.name);
    }
    return Error{ErrorCode::kNotFound,
                 "there is no model of a client \"" + setup.client + "\"; there are " + names};
  }
  if (setup.servers.empty() && !client->own_servers) {
    return Error{ErrorCode::kInvalidArgument, "the client has no servers"};
  }
  if (Result<void> valid = CheckServers(setup); !valid.ok()) return valid.error();
  return client->make(setup);
}

namespace internal {

std::optional<std::int64_t> FindConstant(std::span<const Constant> constants,
                                         std::string_view name) {
  for (const Constant& constant : constants) {
    if (constant.name == name) return constant.value;
  }
  return std::nullopt;
}

std::string_view ConstantName(std::span<const Constant> constants, std::int64_t value) {
  for (const Constant& constant : constants) {
    if (constant.value == value) return constant.name;
  }
  return "?";
}

bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

std::optional<std::int64_t> ParseSwitch(std::string_view text) {
  for (std::string_view yes : {"true", "on", "yes"}) {
    if (EqualIgnoringCase(text, yes)) return 1;
  }
  for (std::string_view no : {"false", "off", "no"}) {
    if (EqualIgnoringCase(text, no)) return 0;
  }
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string_view Unquoted(std::string_view text) {
  const bool quoted = text.size() >= 2 && text.front() == text.back() &&
                      (text.front() == '"' || text.front() == '\'');
  return quoted ? text.substr(1, text.size() - 2) : text;
}

Error UnknownOption(const ClientSetup& setup, std::string_view name) {
  std::string message =
      setup.client + " has no option \"" + std::string(name) + "\" that is known here; it has\n";
  for (const ClientInfo& info : Clients()) {
    if (info.name == setup.client) message += info.options;
  }
  return {ErrorCode::kNotFound, std::move(message)};
}

Error BadValue(const ClientOption& option, std::string_view expected) {
  return {ErrorCode::kInvalidArgument,
          option.name + " is \"" + option.value + "\", but should be " + std::string(expected)};
}

bool IsServersMark(const ClientOption& option) {
  return option.name == "addServers" || option.name == "addServer";
}

}  // namespace internal
}  // namespace shardcache::inline v0
