#include "lib/interop/option_string.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <utility>
#include <vector>

#include "lib/interop/client.h"
#include "lib/numbers.h"

namespace shardcache::inline v0::internal {
namespace {

constexpr auto kHashes = std::to_array<Constant>({
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
    {"modula", Libmemcached::kModula},
    {"consistent", Libmemcached::kConsistent},
    {"random", Libmemcached::kRandom},
});
// These take a number, and do not place keys.
constexpr auto kNumbers = std::to_array<std::string_view>(
    {"connect-timeout", "io-bytes-watermark", "io-key-prefetch", "io-msg-watermark",
     "number-of-replicas", "poll-timeout", "rcv-timeout", "remove-failed-servers", "retry-timeout",
     "snd-timeout", "socket-recv-size", "socket-send-size", "pool-min", "pool-max"});
// These stand alone, and do not place keys.
constexpr auto kFlags = std::to_array<std::string_view>(
    {"buffer-requests", "fetch-version", "noreply", "randomize-replica-read", "support-cas",
     "tcp-keepalive", "tcp-keepidle", "tcp-nodelay", "use-udp", "user-data"});

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

Error Refused(std::string_view option, std::string why) {
  return {ErrorCode::kInvalidArgument, "libmemcached refuses the option string at \"" +
                                           std::string(option) + "\": " + std::move(why)};
}

// The words of the string. Blanks inside double quotes divide nothing.
std::vector<std::string_view> Split(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t begin = 0;
  bool quoted = false;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '"') quoted = !quoted;
    const bool blank =
        i == text.size() || (!quoted && std::isspace(static_cast<unsigned char>(text[i])));
    if (!blank) continue;
    if (i > begin) words.push_back(text.substr(begin, i - begin));
    begin = i + 1;
  }
  return words;
}

// What the scanner takes for a word: three characters or more, letters and digits at both ends.
bool IsWord(std::string_view text) {
  const auto alnum = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  return text.size() >= 3 && alnum(text.front()) && alnum(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return alnum(c) || c == '.' || c == '_' || c == '-'; });
}

// Cuts "/?WEIGHT" off the end of `text`. 1 if there is none.
Result<std::uint32_t> CutWeight(std::string_view option, std::string_view& text) {
  const std::size_t at = text.rfind("/?");
  if (at == std::string_view::npos) return 1U;
  const auto weight = ParseDigits(text.substr(at + 2));
  if (!weight || text.size() - at - 2 > 5) return Refused(option, "a weight is /?1 to /?99999");
  text = text.substr(0, at);
  return std::max(static_cast<std::uint32_t>(*weight), 1U);
}

Result<void> AddServer(std::string_view option, std::string_view text, Libmemcached& memc) {
  Server server;
  const Result<std::uint32_t> weight = CutWeight(option, text);
  if (!weight.ok()) return weight.error();
  server.weight = *weight;
  server.port = 11211;
  if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    const auto port = ParseDigits(text.substr(colon + 1));
    if (!port || *port > 65535) return Refused(option, "a port is 1 to 65535");
    if (*port != 0) server.port = static_cast<std::uint16_t>(*port);
    text = text.substr(0, colon);
  }
  if (!IsWord(text)) {
    return Refused(option,
                   "a server is a host name of three characters or more, or an IPv4 "
                   "address; then :PORT, then /?WEIGHT");
  }
  server.host = text;
  server.name = server.host;
  memc.AddServer(server);
  return {};
}

Result<void> AddSocket(std::string_view option, std::string_view text, Libmemcached& memc) {
  Server server;
  const Result<std::uint32_t> weight = CutWeight(option, text);
  if (!weight.ok()) return weight.error();
  server.weight = *weight;
  server.host = Unquoted(text);
  if (server.host == text) return Refused(option, "put the path in double quotes");
  server.name = server.host;
  memc.AddServerOrSocket(server);
  return {};
}

Result<void> SetDistribution(std::string_view option, std::string_view text, Libmemcached& memc) {
  const std::size_t comma = text.find(',');
  const auto distribution = FindConstant(kDistributions, Lower(text.substr(0, comma)));
  if (!distribution) return Refused(option, "a distribution is CONSISTENT, MODULA or RANDOM");
  if (comma != std::string_view::npos) {
    // The hash after the comma is stored as that of the distribution, which nothing reads.
    const auto hash = FindConstant(kHashes, Lower(text.substr(comma + 1)));
    if (!hash) return Refused(option, "there is no such hash");
  }
  memc.SetDistribution(static_cast<std::uint64_t>(*distribution));
  return {};
}

class OptionString {
 public:
  explicit OptionString(Libmemcached& memc) : memc_(memc) {}

  Result<void> Apply(std::string_view word) {
    if (!word.starts_with("--")) return Refused(word, "only options that begin with -- are read");
    const std::size_t equals = word.find('=');
    const std::string name =
        Lower(word.substr(2, equals == std::string_view::npos ? equals : equals - 2));
    if (equals == std::string_view::npos) return ApplyFlag(word, name);
    return ApplyValue(word, name, word.substr(equals + 1));
  }

 private:
  Result<void> ApplyFlag(std::string_view word, const std::string& name) {
    if (name == "sort-hosts") {
      memc_.SetBehavior(Libmemcached::kSortHosts, 1);
    } else if (name == "hash-with-namespace") {
      memc_.SetBehavior(Libmemcached::kHashWithPrefixKey, 1);
    } else if (name == "binary-protocol") {
      memc_.SetBehavior(Libmemcached::kBinaryProtocol, 1);
    } else if (name == "verify-key") {
      if (!memc_.SetBehavior(Libmemcached::kVerifyKey, 1)) {
        return Refused(word, "the binary protocol verifies no key");
      }
    } else if (std::find(kFlags.begin(), kFlags.end(), name) == kFlags.end()) {
      return Refused(word, "there is no such option");
    }
    return {};
  }

  Result<void> ApplyValue(std::string_view word, const std::string& name, std::string_view text) {
    if (name == "server") return AddServer(word, text, memc_);
    if (name == "socket") return AddSocket(word, text, memc_);
    if (name == "distribution") return SetDistribution(word, text, memc_);
    if (name == "namespace") return SetNamespace(word, text);
    if (name == "hash") return SetHash(word, text);
    if (name == "configure-file") return {};
    if (std::find(kNumbers.begin(), kNumbers.end(), name) == kNumbers.end()) {
      return Refused(word, "there is no such option");
    }
    if (!ParseDigits(text)) return Refused(word, "it takes a number");
    return {};
  }

  Result<void> SetHash(std::string_view word, std::string_view text) {
    const auto hash = FindConstant(kHashes, Lower(text));
    if (!hash) return Refused(word, "there is no such hash");
    if (hash_set_) return Refused(word, "--HASH can be set only once");
    hash_set_ = memc_.SetHash(static_cast<std::uint64_t>(*hash));
    if (!hash_set_) return Refused(word, "libmemcached was built without this hash");
    return {};
  }

  Result<void> SetNamespace(std::string_view word, std::string_view text) {
    if (namespace_set_) return Refused(word, "--NAMESPACE can be set only once");
    const std::string_view name = Unquoted(text);
    if ((name == text && !IsWord(name)) || name.empty() || !memc_.SetPrefix(name)) {
      return Refused(word, "put it in double quotes; at most 127 printable characters, no blanks");
    }
    namespace_set_ = true;
    return {};
  }

  Libmemcached& memc_;
  bool hash_set_ = false;
  bool namespace_set_ = false;
};

}  // namespace

Result<void> ApplyOptionString(std::string_view text, Libmemcached& memc) {
  OptionString options(memc);
  for (std::string_view word : Split(text)) {
    if (Result<void> applied = options.Apply(word); !applied.ok()) return applied;
  }
  return {};
}

}  // namespace shardcache::inline v0::internal
