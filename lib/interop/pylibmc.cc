// pylibmc. Source: pylibmc 1.6.3, src/_pylibmcmodule.c and .h, src/pylibmc/client.py.
#include <algorithm>
#include <array>
#include <utility>

#include "lib/interop/client.h"
#include "lib/interop/libmemcached.h"

namespace shardcache::inline v0::internal {
namespace {

// Those that place keys, in the order in which a dict of behaviors is applied, whatever its own.
constexpr auto kBehaviors = std::to_array<Constant>({
    {"hash", Libmemcached::kHash},
    {"ketama_hash", Libmemcached::kKetamaHash},
    {"ketama", Libmemcached::kKetama},
    {"ketama_weighted", Libmemcached::kKetamaWeighted},
    {"distribution", Libmemcached::kDistribution},
    {"_hash_with_prefix_key", Libmemcached::kHashWithPrefixKey},
    {"_sort_hosts", Libmemcached::kSortHosts},
});
// The others.
constexpr auto kElse = std::to_array<std::string_view>({"no_block",
                                                        "tcp_nodelay",
                                                        "tcp_keepalive",
                                                        "cas",
                                                        "buffer_requests",
                                                        "verify_keys",
                                                        "connect_timeout",
                                                        "send_timeout",
                                                        "receive_timeout",
                                                        "num_replicas",
                                                        "auto_eject",
                                                        "retry_timeout",
                                                        "_retry_timeout",
                                                        "remove_failed",
                                                        "failure_limit",
                                                        "_io_msg_watermark",
                                                        "_io_bytes_watermark",
                                                        "_io_key_prefetch",
                                                        "_noreply",
                                                        "_poll_timeout",
                                                        "_socket_send_size",
                                                        "_socket_recv_size",
                                                        "dead_timeout",
                                                        "pickle_protocol"});
constexpr auto kHashes = std::to_array<Constant>({
    {"default", 0},
    {"md5", 1},
    {"crc", 2},
    {"fnv1_64", 3},
    {"fnv1a_64", 4},
    {"fnv1_32", 5},
    {"fnv1a_32", 6},
    {"hsieh", 7},
    {"murmur", 8},
    {"jenkins", 9},
});
constexpr auto kDistributions = std::to_array<Constant>({
    {"modula", 0},
    {"consistent", 1},
    {"consistent ketama", 2},
    {"random", 3},
    {"consistent ketama spy", 4},
    {"consistent weighted", 5},
    {"virtual bucket", 6},
    {"consistent max", 7},
});

Result<std::int64_t> ParseValue(const ClientOption& option) {
  const std::string_view text = Unquoted(option.value);
  std::span<const Constant> constants;
  if (option.name == "hash" || option.name == "ketama_hash") constants = kHashes;
  if (option.name == "distribution") constants = kDistributions;
  if (const auto value = FindConstant(constants, text)) return *value;
  if (option.name == "hash" || option.name == "distribution") {
    std::string known;
    for (const Constant& constant : constants) {
      known += (known.empty() ? "" : ", ") + std::string(constant.name);
    }
    return BadValue(option, "one of " + known);
  }
  if (const auto value = ParseSwitch(text)) return *value;
  return BadValue(option, "True, False or a number");
}

// Client.set_behaviors of one dict; where an option stands twice, the last counts.
Result<void> SetBehaviors(std::span<const ClientOption> dict, Libmemcached& memc,
                          std::vector<std::string>& notes) {
  const auto find = [&](std::string_view name) -> const ClientOption* {
    const auto found = std::find_if(dict.rbegin(), dict.rend(), [&](const ClientOption& option) {
      return option.name == name;
    });
    return found == dict.rend() ? nullptr : &*found;
  };
  for (const Constant& behavior : kBehaviors) {
    const ClientOption* option = find(behavior.name);
    if (option == nullptr) continue;
    const Result<std::int64_t> value = ParseValue(*option);
    if (!value.ok()) return value.error();
    if (!memc.SetBehavior(static_cast<std::uint64_t>(behavior.value),
                          static_cast<std::uint64_t>(*value))) {
      return Error{ErrorCode::kInvalidArgument, "pylibmc raises an error: libmemcached refuses " +
                                                    option->name + "=" + option->value};
    }
  }
  if (find("hash") != nullptr && find("ketama_weighted") != nullptr &&
      ParseValue(*find("ketama_weighted")).value() != 0) {
    notes.emplace_back(
        "in one dict of behaviors, ketama_weighted is applied after hash and sets md5: to have "
        "another hash, set mc.behaviors = {\"hash\": ...} after the client is made");
  }
  if (const ClientOption* prefix = find("namespace");
      prefix != nullptr &&
      (Unquoted(prefix->value).empty() || !memc.SetPrefix(Unquoted(prefix->value)))) {
    return Error{ErrorCode::kInvalidArgument,
                 "pylibmc raises an error: libmemcached refuses the namespace \"" + prefix->value +
                     "\" (1 to 127 characters, printable and without blanks unless binary=True)"};
  }
  return {};
}

bool IsKnown(std::string_view name) {
  return FindConstant(kBehaviors, name) || name == "namespace" || name == "binary" ||
         std::find(kElse.begin(), kElse.end(), name) != kElse.end();
}

}  // namespace

Result<ClientModel> MakePylibmc(const ClientSetup& setup) {
  for (const ClientOption& option : setup.options) {
    if (!IsServersMark(option) && !IsKnown(option.name)) return UnknownOption(setup, option.name);
  }
  const std::span<const ClientOption> options = setup.options;
  const auto mark = std::find_if(options.begin(), options.end(), IsServersMark);
  const auto before = static_cast<std::size_t>(mark - options.begin());
  Libmemcached memc(setup.char_sign);
  std::vector<std::string> notes;
  // binary is an argument of Client(), not a behavior; it comes before those.
  for (const ClientOption& option : options) {
    if (option.name != "binary") continue;
    const auto on = ParseSwitch(Unquoted(option.value));
    if (!on) return BadValue(option, "True or False");
    memc.SetBehavior(Libmemcached::kBinaryProtocol, *on != 0 ? 1 : 0);
  }
  Result<void> set = SetBehaviors(options.first(before), memc, notes);
  if (!set.ok()) return set.error();
  for (const Server& server : setup.servers) memc.AddServerOrSocket(server);
  for (std::size_t i = before; i < options.size(); ++i) {
    set = SetBehaviors(options.subspan(i, 1), memc, notes);
    if (!set.ok()) return set.error();
  }
  Result<Placement> placement = memc.Place();
  if (!placement.ok()) return placement.error();
  return ClientModel{*std::move(placement), std::move(notes)};
}

}  // namespace shardcache::inline v0::internal
