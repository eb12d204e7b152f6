#include "lib/interop/utf8.h"

namespace shardcache::inline v0::internal {

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

std::uint32_t JavaHashCode(std::string_view text) {
  std::uint32_t hash = 0;
  ForEachUtf16Unit(text, [&](std::uint32_t unit) { hash = 31 * hash + unit; });
  return hash;
}

}  // namespace shardcache::inline v0::internal
