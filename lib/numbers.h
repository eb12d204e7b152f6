// Plain decimal numbers as twemproxy's configuration has them.
#ifndef SHARDCACHE_LIB_NUMBERS_H_
#define SHARDCACHE_LIB_NUMBERS_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

namespace shardcache::inline v0::internal {

inline constexpr std::int64_t kIntMax = std::numeric_limits<std::int32_t>::max();

// The value of a text of digits and nothing else; kIntMax + 1 if it is larger than an int
// can hold; nothing if it is no such number.
inline std::optional<std::int64_t> ParseDigits(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::int64_t value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    if (value <= kIntMax) value = value * 10 + (c - '0');
  }
  return value <= kIntMax ? value : kIntMax + 1;
}

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_NUMBERS_H_
