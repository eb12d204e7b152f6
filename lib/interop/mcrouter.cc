// mcrouter's HashRoute. Source: mcrouter/lib/{Ch3,Crc32,WeightedCh3,Rendezvous}HashFunc,
// mcrouter/lib/fbi/hash.c, mcrouter/lib/HashUtil.h, mcrouter/routes/HashRouteFactory.h.
#include <algorithm>
#include <charconv>
#include <limits>
#include <string>
#include <utility>

#include "lib/hash/foreign.h"
#include "lib/interop/client.h"
#include "lib/scheme.h"

namespace shardcache::inline v0::internal {
namespace {

constexpr std::uint64_t kSeed = 4193360111;

// The bits that mcrouter's furc_hash draws on: hashes of hashes of the key.
class BitStream {
 public:
  explicit BitStream(std::string_view key) { words_.push_back(Murmur64A(key, kSeed)); }

  bool Bit(std::size_t at) {
    while (words_.size() <= at / 64) {
      std::string bytes;
      for (int shift = 0; shift < 64; shift += 8) {
        bytes += static_cast<char>(words_.back() >> shift & 0xff);
      }
      words_.push_back(Murmur64A(bytes, kSeed));
    }
    return (words_[at / 64] >> (at % 64) & 1) != 0;
  }

 private:
  std::vector<std::uint64_t> words_;
};

// mcrouter/lib/fbi/hash.c: furc_hash.
std::uint32_t FurcHash(std::string_view key, std::uint32_t count) {
  constexpr std::size_t kStep = 23;
  constexpr int kTries = 32;
  if (count <= 1) return 0;
  std::size_t d = 0;
  while (std::uint64_t{1} << d < count) ++d;
  BitStream bits(key);
  std::size_t a = d;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    while (!bits.Bit(a)) {
      if (--d == 0) return 0;
      a = d;
    }
    a += kStep;
    std::uint32_t number = 1;
    for (std::size_t i = 0; i + 1 < d; ++i) {
      number = number << 1 | (bits.Bit(a) ? 1U : 0U);
      a += kStep;
    }
    if (number < count) return number;
  }
  return 0;
}

// mcrouter/lib/WeightedCh3HashFunc.cpp. A key whose Spooky hash is above the server's weight is
// hashed again with a number behind it, written from its last digit on.
std::uint32_t WeightedCh3(std::string_view key, const std::vector<double>& weights) {
  constexpr std::uint32_t kSpookySeed = 0xface2014;
  constexpr int kTries = 32;
  std::string salted(key);
  std::uint32_t index = 0;
  for (int salt = 0; salt < kTries; ++salt) {
    index = FurcHash(salted, static_cast<std::uint32_t>(weights.size()));
    const std::uint64_t chance = SpookyV2_32(salted, kSpookySeed);
    const auto limit =
        static_cast<std::uint64_t>(weights[index] * std::numeric_limits<std::uint32_t>::max());
    if (chance < limit) return index;
    std::string digits = std::to_string(salt);
    std::reverse(digits.begin(), digits.end());
    salted.replace(key.size(), std::string::npos, digits);
  }
  return index;
}

// CityHash's Hash128to64, as mcrouter mixes a server's hash with a key's.
std::uint64_t Mix(std::uint64_t upper, std::uint64_t lower) {
  constexpr std::uint64_t kM = 0x9ddfea08eb382d69;
  std::uint64_t a = (lower ^ upper) * kM;
  a ^= a >> 47;
  std::uint64_t b = (upper ^ a) * kM;
  b ^= b >> 47;
  return b * kM;
}

// The server whose score is highest, and of those the last: scores are rounded to doubles.
ServerIndex Rendezvous(std::string_view key, const std::vector<std::uint64_t>& servers) {
  constexpr std::uint64_t kKeySeed = 2718281828;
  const std::uint64_t hash = Murmur64A(key, kKeySeed);
  ServerIndex best = 0;
  double high = -1;
  for (ServerIndex i = 0; i < servers.size(); ++i) {
    const auto score = static_cast<double>(Mix(servers[i], hash));
    if (score >= high) best = i;
    high = std::max(high, score);
  }
  return best;
}

// Of "/region/cluster/key|#|rest", what is hashed: the key.
std::string_view McrouterPart(std::string_view key) {
  if (key.starts_with('/')) {
    const std::size_t second = key.find('/', 1);
    const std::size_t third = second == std::string_view::npos ? second : key.find('/', second + 1);
    if (third != std::string_view::npos) key.remove_prefix(third + 1);
  }
  return key.substr(0, key.find("|#|"));
}

std::vector<std::string_view> SplitAtCommas(std::string_view text) {
  std::vector<std::string_view> items;
  while (true) {
    const std::size_t comma = text.find(',');
    items.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return items;
    text.remove_prefix(comma + 1);
  }
}

// As many as there are servers: mcrouter takes 0.5 for those that are missing.
Result<std::vector<double>> ParseWeights(const ClientOption& option, std::size_t servers) {
  std::vector<double> weights;
  for (std::string_view item : SplitAtCommas(Unquoted(option.value))) {
    double weight = -1;
    const auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), weight);
    if (error != std::errc() || end != item.data() + item.size() || !(weight >= 0 && weight <= 1)) {
      return BadValue(option, "numbers from 0 to 1 with commas between, as \"1,0.5,1\"");
    }
    weights.push_back(weight);
  }
  weights.resize(servers, 0.5);
  return weights;
}

// The options that all hash functions have, and one more named `own`; nothing if it is not there.
struct Options {
  std::string salt;
  const ClientOption* own = nullptr;
};

Result<Options> ReadOptions(const ClientSetup& setup, std::string_view own) {
  Options options;
  for (const ClientOption& option : setup.options) {
    if (option.name == "salt") {
      options.salt = Unquoted(option.value);
    } else if (!own.empty() && option.name == own) {
      options.own = &option;
    } else if (!IsServersMark(option)) {
      return UnknownOption(setup, option.name);
    }
  }
  if (options.own == nullptr && !own.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "mcrouter refuses this hash_func without \"" + std::string(own) + "\""};
  }
  return options;
}

Scheme MakeScheme(std::string name, std::string salt) {
  Scheme scheme;
  scheme.name = std::move(name);
  scheme.rule.part = McrouterPart;
  scheme.rule.suffix = std::move(salt);
  return scheme;
}

ClientModel Model(const ClientSetup& setup, Scheme scheme) {
  scheme.sign = setup.char_sign;
  return {PlacementAccess::Make(setup.servers, std::move(scheme)), {}};
}

}  // namespace

Result<ClientModel> MakeMcrouterCrc32(const ClientSetup& setup) {
  Result<Options> options = ReadOptions(setup, {});
  if (!options.ok()) return options.error();
  Scheme scheme = MakeScheme("mcrouter Crc32", std::move(options->salt));
  scheme.hash = KeyHashOf(HashFunction::kCrc32a);
  scheme.mask = 0x7fffffff;
  for (ServerIndex index = 0; index < setup.servers.size(); ++index) scheme.table.push_back(index);
  return Model(setup, std::move(scheme));
}

Result<ClientModel> MakeMcrouterCh3(const ClientSetup& setup) {
  Result<Options> options = ReadOptions(setup, {});
  if (!options.ok()) return options.error();
  Scheme scheme = MakeScheme("mcrouter Ch3", std::move(options->salt));
  scheme.hash = {.name = "furc_hash"};
  const auto count = static_cast<std::uint32_t>(setup.servers.size());
  scheme.compute = [count](std::string_view key) { return FurcHash(key, count); };
  return Model(setup, std::move(scheme));
}

Result<ClientModel> MakeMcrouterWeightedCh3(const ClientSetup& setup) {
  Result<Options> options = ReadOptions(setup, "weights");
  if (!options.ok()) return options.error();
  const Result<std::vector<double>> weights = ParseWeights(*options->own, setup.servers.size());
  if (!weights.ok()) return weights.error();
  Scheme scheme = MakeScheme("mcrouter WeightedCh3", std::move(options->salt));
  scheme.hash = {.name = "furc_hash and SpookyHash"};
  scheme.computed_from = options->own->value;
  scheme.compute = [weights = *weights](std::string_view key) { return WeightedCh3(key, weights); };
  return Model(setup, std::move(scheme));
}

Result<ClientModel> MakeMcrouterRendezvous(const ClientSetup& setup) {
  Result<Options> options = ReadOptions(setup, "tags");
  if (!options.ok()) return options.error();
  const std::vector<std::string_view> tags = SplitAtCommas(Unquoted(options->own->value));
  if (tags.size() != setup.servers.size()) {
    return BadValue(*options->own, "a tag for each server, with commas between");
  }
  std::vector<std::uint64_t> servers;
  for (std::string_view tag : tags) servers.push_back(Murmur64A(tag, kSeed));
  Scheme scheme = MakeScheme("mcrouter Rendezvous", std::move(options->salt));
  scheme.hash = {.name = "a mix of each tag's and the key's MurmurHash64A"};
  scheme.computed_from = options->own->value;
  scheme.compute = [servers](std::string_view key) { return Rendezvous(key, servers); };
  return Model(setup, std::move(scheme));
}

}  // namespace shardcache::inline v0::internal
