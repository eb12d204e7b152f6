// Words and numbers of memcached's lines, taken off their front or put behind one another.
#ifndef SHARDCACHE_LIB_WIRE_TEXT_H_
#define SHARDCACHE_LIB_WIRE_TEXT_H_

#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string_view>
#include <system_error>

namespace shardcache::inline v0::internal {

// Compared as numbers, for the length of a literal is known to the compiler.
template <std::size_t kSize>
bool StartsWith(std::string_view text, const char (&prefix)[kSize]) {
  return text.size() >= kSize - 1 && std::memcmp(text.data(), prefix, kSize - 1) == 0;
}

template <std::size_t kSize>
bool Is(std::string_view text, const char (&other)[kSize]) {
  return text.size() == kSize - 1 && std::memcmp(text.data(), other, kSize - 1) == 0;
}

// Takes "PREFIX" off the front of `*text`.
template <std::size_t kSize>
bool Take(const char (&prefix)[kSize], std::string_view* text) {
  if (!StartsWith(*text, prefix)) return false;
  text->remove_prefix(kSize - 1);
  return true;
}

// Takes the bytes up to the next blank, and that, off the front; all of it if there is none.
inline std::string_view TakeWord(std::string_view* text) {
  const std::string_view word = text->substr(0, text->find(' '));
  text->remove_prefix(std::min(text->size(), word.size() + 1));
  return word;
}

// As ReadDigits() does, with whatever sign and however many digits `Number` may have.
template <typename Number>
[[gnu::noinline]] const char* ReadLongNumber(const char* begin, const char* end, Number* number) {
  const auto [behind, error] = std::from_chars(begin, end, *number);
  return error == std::errc() ? behind : nullptr;
}

// The end of the number at the front of [begin, end), which is put into `*number`; null if there is
// none, or none that fits.
template <typename Number>
inline const char* ReadDigits(const char* begin, const char* end, Number* number) {
  // So many always fit, and nearly all numbers in a line have no more.
  constexpr int kMost = 9;
  Number sum = 0;
  const char* at = begin;
  for (int i = 0; i < kMost && at != end; ++i, ++at) {
    const unsigned digit = static_cast<unsigned>(*at) - '0';
    if (digit > 9) {
      if (i == 0) break;
      *number = sum;
      return at;
    }
    sum = sum * 10 + static_cast<Number>(digit);
  }
  return ReadLongNumber(begin, end, number);
}

// Takes a number of plain digits and the blank behind it off the front.
template <typename Number>
std::optional<Number> TakeNumber(std::string_view* text) {
  Number number = 0;
  const char* const end = text->data() + text->size();
  const char* const behind = ReadDigits(text->data(), end, &number);
  if (behind == nullptr || (behind != end && *behind != ' ')) return std::nullopt;
  text->remove_prefix(static_cast<std::size_t>(behind - text->data()) + (behind != end));
  return number;
}

// A number of plain digits and nothing else.
template <typename Number>
std::optional<Number> ParseNumber(std::string_view text) {
  Number number = 0;
  const char* const end = text.data() + text.size();
  if (ReadDigits(text.data(), end, &number) != end || text.empty()) return std::nullopt;
  return number;
}

// The longest number, with the blank before it.
inline constexpr std::size_t kNumberBound = 21;

inline char* Write(std::string_view text, char* out) {
  if (!text.empty()) std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

char* WriteNumber(std::integral auto number, char* out) {
  return std::to_chars(out, out + kNumberBound, number).ptr;
}

// With a blank before it.
inline char* WriteArgument(std::string_view text, char* out) {
  *out++ = ' ';
  return Write(text, out);
}

char* WriteArgument(std::integral auto number, char* out) {
  *out++ = ' ';
  return WriteNumber(number, out);
}

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_WIRE_TEXT_H_
