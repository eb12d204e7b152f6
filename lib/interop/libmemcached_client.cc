// libmemcached as a C or C++ program uses it: memcached_behavior_set, or an option string.
#include <algorithm>
#include <array>
#include <utility>

#include "lib/interop/client.h"
#include "lib/interop/libmemcached.h"
#include "lib/interop/option_string.h"

namespace shardcache::inline v0::internal {
namespace {

// MEMCACHED_BEHAVIOR_*, without that.
constexpr auto kBehaviors = std::to_array<Constant>({
    {"NO_BLOCK", 0},
    {"TCP_NODELAY", 1},
    {"HASH", 2},
    {"KETAMA", 3},
    {"SOCKET_SEND_SIZE", 4},
    {"SOCKET_RECV_SIZE", 5},
    {"CACHE_LOOKUPS", 6},
    {"SUPPORT_CAS", 7},
    {"POLL_TIMEOUT", 8},
    {"DISTRIBUTION", 9},
    {"BUFFER_REQUESTS", 10},
    {"USER_DATA", 11},
    {"SORT_HOSTS", 12},
    {"VERIFY_KEY", 13},
    {"CONNECT_TIMEOUT", 14},
    {"RETRY_TIMEOUT", 15},
    {"KETAMA_WEIGHTED", 16},
    {"KETAMA_HASH", 17},
    {"BINARY_PROTOCOL", 18},
    {"SND_TIMEOUT", 19},
    {"RCV_TIMEOUT", 20},
    {"SERVER_FAILURE_LIMIT", 21},
    {"IO_MSG_WATERMARK", 22},
    {"IO_BYTES_WATERMARK", 23},
    {"IO_KEY_PREFETCH", 24},
    {"HASH_WITH_PREFIX_KEY", 25},
    {"NOREPLY", 26},
    {"USE_UDP", 27},
    {"AUTO_EJECT_HOSTS", 28},
    {"NUMBER_OF_REPLICAS", 29},
    {"RANDOMIZE_REPLICA_READ", 30},
    {"CORK", 31},
    {"TCP_KEEPALIVE", 32},
    {"TCP_KEEPIDLE", 33},
    {"LOAD_FROM_FILE", 34},
    {"REMOVE_FAILED_SERVERS", 35},
    {"DEAD_TIMEOUT", 36},
    {"SERVER_TIMEOUT_LIMIT", 37},
});
// MEMCACHED_DISTRIBUTION_*, without that.
constexpr auto kDistributions = std::to_array<Constant>({
    {"MODULA", 0},
    {"CONSISTENT", 1},
    {"CONSISTENT_KETAMA", 2},
    {"RANDOM", 3},
    {"CONSISTENT_KETAMA_SPY", 4},
    {"CONSISTENT_WEIGHTED", 5},
    {"VIRTUAL_BUCKET", 6},
});
// MEMCACHED_HASH_*, without that.
constexpr auto kHashes = std::to_array<Constant>({
    {"DEFAULT", 0},
    {"MD5", 1},
    {"CRC", 2},
    {"FNV1_64", 3},
    {"FNV1A_64", 4},
    {"FNV1_32", 5},
    {"FNV1A_32", 6},
    {"HSIEH", 7},
    {"MURMUR", 8},
    {"JENKINS", 9},
    {"MURMUR3", 10},
});

std::string_view Without(std::string_view prefix, std::string_view text) {
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

std::optional<std::int64_t> ParseValue(std::string_view text) {
  text = Without("MEMCACHED_", Unquoted(text));
  if (text.starts_with("DISTRIBUTION_")) {
    return FindConstant(kDistributions, Without("DISTRIBUTION_", text));
  }
  if (const auto hash = FindConstant(kHashes, Without("HASH_", text))) return hash;
  if (const auto distribution = FindConstant(kDistributions, text)) return distribution;
  return ParseSwitch(text);
}

// Applies one option; `notes` gets what is refused.
Result<void> Apply(const ClientSetup& setup, const ClientOption& option, Libmemcached& memc,
                   std::vector<std::string>& notes) {
  if (IsServersMark(option)) {
    if (memc.HasHost()) return {};
    if (option.name == "addServers") {
      memc.PushServers(setup.servers);
    } else {
      for (const Server& server : setup.servers) memc.AddServerOrSocket(server);
    }
    return {};
  }
  if (option.name == "options") return ApplyOptionString(Unquoted(option.value), memc);
  std::string_view name = Without("MEMCACHED_", option.name);
  if (name == "CALLBACK_PREFIX_KEY" || name == "CALLBACK_NAMESPACE") {
    // An empty text is refused, too: only NULL takes a prefix away.
    const std::string_view prefix = Unquoted(option.value);
    if (prefix.empty() || !memc.SetPrefix(prefix)) {
      notes.push_back(option.name + " \"" + option.value +
                      "\" is refused: 1 to 127 characters, printable and without blanks unless the "
                      "binary protocol is set before it; the prefix stays what it was");
    }
    return {};
  }
  const auto behavior = FindConstant(kBehaviors, Without("BEHAVIOR_", name));
  if (!behavior) return UnknownOption(setup, option.name);
  const auto value = ParseValue(option.value);
  if (!value) return BadValue(option, "a MEMCACHED_ constant, a number, true or false");
  if (!memc.SetBehavior(static_cast<std::uint64_t>(*behavior),
                        static_cast<std::uint64_t>(*value))) {
    notes.push_back(option.name + " does not take " + option.value +
                    ": memcached_behavior_set fails");
  }
  return {};
}

}  // namespace

Result<ClientModel> MakeLibmemcached(const ClientSetup& setup) {
  Libmemcached memc(setup.char_sign);
  std::vector<std::string> notes;
  for (const ClientOption& option : setup.options) {
    const Result<void> applied = Apply(setup, option, memc, notes);
    if (!applied.ok()) return applied.error();
  }
  if (!memc.HasHost()) memc.PushServers(setup.servers);
  Result<Placement> placement = memc.Place();
  if (!placement.ok()) return placement.error();
  return ClientModel{*std::move(placement), std::move(notes)};
}

}  // namespace shardcache::inline v0::internal
