// Clients that compute a key's server instead of looking a hash up.
#include <algorithm>
#include <string>
#include <utility>

#include "lib/hash/foreign.h"
#include "lib/interop/client.h"
#include "lib/scheme.h"

namespace shardcache::inline v0::internal {
namespace {

// The length of the UTF-8 character that `text` begins with, and its code point; a byte that
// begins none counts as a character of its own.
std::pair<std::size_t, std::uint32_t> FirstCharacter(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<std::uint8_t>(text[i]));
  };
  const std::uint32_t lead = byte(0);
  const std::size_t length = lead < 0xc2   ? 1
                             : lead < 0xe0 ? 2
                             : lead < 0xf0 ? 3
                             : lead < 0xf5 ? 4
                                           : 1;
  if (length == 1 || length > text.size()) return {1, lead};
  std::uint32_t code = lead & (0x7f >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {1, lead};
    code = code << 6 | (byte(i) & 0x3f);
  }
  return {length, code};
}

// pymemcache's murmur3 reads a str character by character, of each the low eight bits.
std::string AsPythonStr(std::string_view key) {
  std::string text;
  while (!key.empty()) {
    const auto [length, code] = FirstCharacter(key);
    text += static_cast<char>(code & 0xff);
    key.remove_prefix(length);
  }
  return text;
}

// What Python prints for a bytes object: b'...'.
std::string AsPythonBytes(std::string_view key) {
  constexpr char kHex[] = "0123456789abcdef";
  const bool doubled =
      key.find('\'') != std::string_view::npos && key.find('"') == std::string_view::npos;
  const char quote = doubled ? '"' : '\'';
  std::string text = std::string("b") + quote;
  for (const char c : key) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == quote || c == '\\') {
      text += {'\\', c};
    } else if (c == '\t') {
      text += "\\t";
    } else if (c == '\n') {
      text += "\\n";
    } else if (c == '\r') {
      text += "\\r";
    } else if (byte < 0x20 || byte > 0x7e) {
      text += {'\\', 'x', kHex[byte >> 4], kHex[byte & 0xf]};
    } else {
      text += c;
    }
  }
  return text + quote;
}

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
  static constexpr std::uint64_t kSeed = 4193360111;
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

}  // namespace

// pymemcache 3.5, client/hash.py, client/rendezvous.py, client/murmur3.py.
Result<ClientModel> MakePymemcache(const ClientSetup& setup) {
  bool as_bytes = false;
  Scheme scheme;
  for (const ClientOption& option : setup.options) {
    const std::string_view value = Unquoted(option.value);
    if (IsServersMark(option)) continue;
    if (option.name == "key_type") {
      as_bytes = value == "bytes";
      if (!as_bytes && value != "str") return BadValue(option, "str or bytes");
    } else if (option.name == "key_prefix") {
      scheme.rule.prefix = value;
    } else {
      return UnknownOption(setup, option.name);
    }
  }
  scheme.name = as_bytes ? "pymemcache, keys of type bytes" : "pymemcache, keys of type str";
  scheme.hash = {.name = "murmur3 of each server and key"};
  std::vector<std::string> nodes;
  for (const Server& server : setup.servers) {
    nodes.push_back(server.is_unix() ? server.host
                                     : server.host + ":" + std::to_string(server.port));
    scheme.computed_from += nodes.back() + "\n";
  }
  scheme.compute = [nodes, as_bytes](std::string_view key) {
    const std::string text = as_bytes ? AsPythonBytes(key) : AsPythonStr(key);
    ServerIndex best = 0;
    std::int64_t high = -1;
    for (ServerIndex i = 0; i < nodes.size(); ++i) {
      const std::int64_t score = Murmur3_32(nodes[i] + "-" + text, 0);
      if (score > high || (score == high && nodes[i] > nodes[best])) best = i;
      high = std::max(high, score);
    }
    return best;
  };
  return ClientModel{PlacementAccess::Make(setup.servers, std::move(scheme)), {}};
}

// mcrouter, Ch3HashFunc.h over fbi/hash.c.
Result<ClientModel> MakeMcrouterCh3(const ClientSetup& setup) {
  for (const ClientOption& option : setup.options) {
    if (!IsServersMark(option)) return UnknownOption(setup, option.name);
  }
  Scheme scheme;
  scheme.name = "mcrouter Ch3";
  scheme.hash = {.name = "furc_hash"};
  scheme.rule.part = McrouterPart;
  const auto count = static_cast<std::uint32_t>(setup.servers.size());
  scheme.compute = [count](std::string_view key) { return FurcHash(key, count); };
  return ClientModel{PlacementAccess::Make(setup.servers, std::move(scheme)), {}};
}

}  // namespace shardcache::inline v0::internal
