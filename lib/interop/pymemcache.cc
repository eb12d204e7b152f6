// pymemcache, which computes a score for each server and key.
#include <algorithm>
#include <string>
#include <utility>

#include "lib/hash/foreign.h"
#include "lib/interop/client.h"
#include "lib/interop/utf8.h"
#include "lib/scheme.h"

namespace shardcache::inline v0::internal {
namespace {

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

}  // namespace shardcache::inline v0::internal
