// php-memcached 3.x. Source: php-memcached 3.2.0, php_memcached.c (php_memc_set_option,
// addServer, addServers, __construct) and php_memcached_session.c.
#include <array>
#include <charconv>
#include <utility>

#include "lib/interop/client.h"
#include "lib/interop/libmemcached.h"

namespace shardcache::inline v0::internal {
namespace {

constexpr std::int64_t kPrefixKey = -1002;

// Memcached:: constants of options. Those below 0 are the extension's own; the others are
// libmemcached's behaviors.
constexpr auto kOptions = std::to_array<Constant>({
    {"OPT_COMPRESSION", -1001},
    {"OPT_PREFIX_KEY", kPrefixKey},
    {"OPT_SERIALIZER", -1003},
    {"OPT_COMPRESSION_TYPE", -1004},
    {"OPT_STORE_RETRY_COUNT", -1005},
    {"OPT_USER_FLAGS", -1006},
    {"OPT_NO_BLOCK", 0},
    {"OPT_TCP_NODELAY", 1},
    {"OPT_HASH", 2},
    {"OPT_SOCKET_SEND_SIZE", 4},
    {"OPT_SOCKET_RECV_SIZE", 5},
    {"OPT_CACHE_LOOKUPS", 6},
    {"OPT_POLL_TIMEOUT", 8},
    {"OPT_DISTRIBUTION", 9},
    {"OPT_BUFFER_WRITES", 10},
    {"OPT_SORT_HOSTS", 12},
    {"OPT_VERIFY_KEY", 13},
    {"OPT_CONNECT_TIMEOUT", 14},
    {"OPT_RETRY_TIMEOUT", 15},
    {"OPT_LIBKETAMA_COMPATIBLE", 16},
    {"OPT_LIBKETAMA_HASH", 17},
    {"OPT_BINARY_PROTOCOL", 18},
    {"OPT_SEND_TIMEOUT", 19},
    {"OPT_RECV_TIMEOUT", 20},
    {"OPT_SERVER_FAILURE_LIMIT", 21},
    {"OPT_HASH_WITH_PREFIX_KEY", 25},
    {"OPT_NOREPLY", 26},
    {"OPT_USE_UDP", 27},
    {"OPT_AUTO_EJECT_HOSTS", 28},
    {"OPT_NUMBER_OF_REPLICAS", 29},
    {"OPT_RANDOMIZE_REPLICA_READ", 30},
    {"OPT_TCP_KEEPALIVE", 32},
    {"OPT_REMOVE_FAILED_SERVERS", 35},
    {"OPT_DEAD_TIMEOUT", 36},
    {"OPT_SERVER_TIMEOUT_LIMIT", 37},
});

constexpr auto kHashes = std::to_array<Constant>({
    {"HASH_DEFAULT", 0},
    {"HASH_MD5", 1},
    {"HASH_CRC", 2},
    {"HASH_FNV1_64", 3},
    {"HASH_FNV1A_64", 4},
    {"HASH_FNV1_32", 5},
    {"HASH_FNV1A_32", 6},
    {"HASH_HSIEH", 7},
    {"HASH_MURMUR", 8},
});

constexpr auto kDistributions = std::to_array<Constant>({
    {"DISTRIBUTION_MODULA", 0},
    {"DISTRIBUTION_CONSISTENT", 1},
    {"DISTRIBUTION_VIRTUAL_BUCKET", 6},
});

std::string_view WithoutClass(std::string_view name) {
  constexpr std::string_view kClass = "Memcached::";
  if (name.starts_with('\\')) name.remove_prefix(1);
  if (name.starts_with(kClass)) name.remove_prefix(kClass.size());
  return name;
}

// A Memcached object while the application sets it up.
class PhpMemcached {
 public:
  explicit PhpMemcached(const ClientSetup& setup) : setup_(setup), memc_(setup.char_sign) {}

  Result<ClientModel> Run();

 private:
  Result<void> Apply(const ClientOption& option);
  Result<void> SetOption(std::int64_t number, const ClientOption& option);
  Result<void> SetBuckets(const ClientOption& option);
  Result<std::int64_t> Value(const ClientOption& option) const;
  void AddServers(bool one_by_one);
  bool SetKetamaCompatible(std::int64_t value);
  void NoteOrder(std::int64_t number, std::uint64_t hash_before);

  void Note(std::string text) { notes_.push_back(std::move(text)); }

  const ClientSetup& setup_;
  Libmemcached memc_;
  bool added_ = false;
  bool hash_set_ = false;  // by OPT_HASH
  std::vector<std::string> notes_;
};

Result<std::int64_t> PhpMemcached::Value(const ClientOption& option) const {
  const std::string_view text = WithoutClass(Unquoted(option.value));
  for (std::span<const Constant> constants :
       {std::span<const Constant>(kHashes), std::span<const Constant>(kDistributions)}) {
    if (const auto value = FindConstant(constants, text)) return *value;
  }
  if (const auto value = ParseSwitch(text)) return *value;
  return BadValue(option, "a Memcached:: constant, a number, true or false");
}

// OPT_LIBKETAMA_COMPATIBLE.
bool PhpMemcached::SetKetamaCompatible(std::int64_t value) {
  const bool set =
      memc_.SetBehavior(Libmemcached::kKetamaWeighted, static_cast<std::uint64_t>(value));
  if (value == 0) {
    memc_.SetHash(Libmemcached::kDefault);
    memc_.SetDistribution(Libmemcached::kModula);
  }
  return set;
}

void PhpMemcached::NoteOrder(std::int64_t number, std::uint64_t hash_before) {
  if (number == Libmemcached::kKetamaWeighted && hash_set_ &&
      memc_.GetBehavior(Libmemcached::kHash) != hash_before) {
    Note("OPT_LIBKETAMA_COMPATIBLE sets the key hash anew: the OPT_HASH before it has no effect");
  }
  if (number == Libmemcached::kKetamaHash) {
    Note("OPT_LIBKETAMA_HASH is stored by libmemcached, but nothing ever reads it");
  }
}

Result<void> PhpMemcached::SetOption(std::int64_t number, const ClientOption& option) {
  if (number == kPrefixKey) {
    if (!memc_.SetPrefix(Unquoted(option.value))) {
      Note("OPT_PREFIX_KEY \"" + option.value +
           "\" is refused: at most 127 characters, printable and without blanks unless the "
           "binary protocol is set before it; the prefix stays what it was");
    }
    return {};
  }
  const Result<std::int64_t> value = Value(option);
  if (!value.ok()) return value.error();
  if (number < 0) return {};  // does not place keys
  const auto behavior = static_cast<std::uint64_t>(number);
  const auto data = static_cast<std::uint64_t>(*value);
  const std::uint64_t hash_before = memc_.GetBehavior(Libmemcached::kHash);
  const std::uint64_t distribution_before = memc_.GetBehavior(Libmemcached::kDistribution);
  bool set = true;
  if (behavior == Libmemcached::kKetamaWeighted) {
    set = SetKetamaCompatible(*value);
  } else if (memc_.GetBehavior(behavior) != data) {
    // The extension does not pass on what libmemcached has already; a ring is not rebuilt then.
    set = memc_.SetBehavior(behavior, data);
  }
  if (!set) {
    Note("setOption(" + option.name + ", " + option.value +
         ") is refused: it warns and returns false");
  } else if (behavior == Libmemcached::kDistribution &&
             distribution_before == Libmemcached::kConsistentWeighted &&
             data != Libmemcached::kConsistentWeighted) {
    Note("OPT_DISTRIBUTION undoes the OPT_LIBKETAMA_COMPATIBLE before it");
  }
  NoteOrder(number, hash_before);
  if (behavior == Libmemcached::kHash) hash_set_ = set;
  return {};
}

Result<void> PhpMemcached::SetBuckets(const ClientOption& option) {
  std::vector<std::uint32_t> buckets;
  std::string_view rest = option.value;
  while (true) {
    const std::size_t comma = rest.find(',');
    const std::string_view item = rest.substr(0, comma);
    std::uint32_t server = 0;
    const auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), server);
    if (error != std::errc() || end != item.data() + item.size()) {
      return BadValue(option, "the indexes of servers with commas between, as \"0,1,1,2\"");
    }
    buckets.push_back(server);
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  memc_.SetBuckets(std::move(buckets));
  return {};
}

void PhpMemcached::AddServers(bool one_by_one) {
  added_ = true;
  if (!one_by_one) return memc_.PushServers(setup_.servers);
  for (const Server& server : setup_.servers) {
    if (server.is_unix()) {
      Note("addServer(\"" + server.host +
           "\", 0) puts the socket on the ring as port 11211, so by its path alone; addServers "
           "as \"" +
           server.host + ":0\"");
    }
    memc_.AddServer(server);
  }
}

Result<void> PhpMemcached::Apply(const ClientOption& option) {
  if (IsServersMark(option)) {
    if (!added_) AddServers(option.name == "addServer");
    return {};
  }
  if (option.name == "setBucket") return SetBuckets(option);
  if (option.name.starts_with("memcached.")) {
    if (option.name != "memcached.default_consistent_hash") return {};
    const auto on = ParseSwitch(Unquoted(option.value));
    if (!on) return BadValue(option, "0 or 1");
    if (*on != 0) memc_.SetDistribution(Libmemcached::kConsistent);
    return {};
  }
  const std::string_view name = WithoutClass(option.name);
  auto number = FindConstant(kOptions, name);
  if (!number && !name.empty() && (name[0] == '-' || (name[0] >= '0' && name[0] <= '9'))) {
    number = ParseSwitch(name);
  }
  if (!number) return UnknownOption(setup_, option.name);
  return SetOption(*number, option);
}

Result<ClientModel> PhpMemcached::Run() {
  // php.ini holds before the first option is set, wherever it is named.
  for (const bool ini : {true, false}) {
    for (const ClientOption& option : setup_.options) {
      if (option.name.starts_with("memcached.") != ini) continue;
      if (Result<void> applied = Apply(option); !applied.ok()) return applied.error();
    }
  }
  if (!added_) AddServers(false);
  Result<Placement> placement = memc_.Place();
  if (!placement.ok()) return placement.error();
  return ClientModel{*std::move(placement), std::move(notes_)};
}

}  // namespace

Result<ClientModel> MakePhpMemcached(const ClientSetup& setup) { return PhpMemcached(setup).Run(); }

Result<ClientModel> MakePhpMemcachedSession(const ClientSetup& setup) {
  bool consistent = true;
  bool weighted = false;
  bool binary = true;
  std::string prefix = "memc.sess.key.";
  for (const ClientOption& option : setup.options) {
    std::string_view name = option.name;
    constexpr std::string_view kIni = "memcached.";
    if (name.starts_with(kIni)) name.remove_prefix(kIni.size());
    const std::string_view value = Unquoted(option.value);
    if (name == "sess_consistent_hash") {
      const auto on = ParseSwitch(value);
      if (!on) return BadValue(option, "On or Off");
      consistent = *on != 0;
    } else if (name == "sess_consistent_hash_type") {
      if (value != "ketama" && value != "ketama_weighted") {
        return BadValue(option, "ketama or ketama_weighted");
      }
      weighted = value == "ketama_weighted";
    } else if (name == "sess_binary_protocol") {
      const auto on = ParseSwitch(value);
      if (!on) return BadValue(option, "On or Off");
      binary = *on != 0;
    } else if (name == "sess_prefix") {
      prefix = value;
    } else if (!name.starts_with("sess_") && !IsServersMark(option)) {
      return UnknownOption(setup, option.name);
    }
  }
  Libmemcached memc(setup.char_sign);
  memc.PushServers(setup.servers);
  memc.SetBehavior(Libmemcached::kBinaryProtocol, binary ? 1 : 0);
  if (consistent) {
    memc.SetBehavior(weighted ? Libmemcached::kKetamaWeighted : Libmemcached::kKetama, 1);
  }
  std::vector<std::string> notes;
  if (!memc.SetPrefix(prefix)) {
    notes.push_back("memcached.sess_prefix \"" + prefix + "\" is refused, so there is none");
  }
  Result<Placement> placement = memc.Place();
  if (!placement.ok()) return placement.error();
  return ClientModel{*std::move(placement), std::move(notes)};
}

}  // namespace shardcache::inline v0::internal
