// Text as the languages of clients see it that do not hash bytes.
#ifndef SHARDCACHE_LIB_INTEROP_UTF8_H_
#define SHARDCACHE_LIB_INTEROP_UTF8_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace shardcache::inline v0::internal {

// The length of the UTF-8 character that `text` begins with, and its code point; a byte that
// begins none counts as a character of its own. REQUIRES: !text.empty().
std::pair<std::size_t, std::uint32_t> FirstCharacter(std::string_view text);

// Calls `visit` with each UTF-16 unit of `text`, as Java and JavaScript number them.
template <typename Visit>
void ForEachUtf16Unit(std::string_view text, const Visit& visit) {
  while (!text.empty()) {
    auto [length, code] = FirstCharacter(text);
    text.remove_prefix(length);
    if (code < 0x10000) {
      visit(code);
      continue;
    }
    code -= 0x10000;
    visit(0xd800 + (code >> 10));
    visit(0xdc00 + (code & 0x3ff));
  }
}

// Java's String.hashCode.
std::uint32_t JavaHashCode(std::string_view text);

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_INTEROP_UTF8_H_
