#include "tests/parity/config_exceptions.h"

#include <cctype>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <regex>
#include <string>

namespace shardcache::testing {
namespace {

bool IsDigit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

// What `int value = value * 10 + digit` makes of the digits; an int that wraps round.
std::int32_t Wrapped(const std::string& digits) {
  std::uint32_t value = 0;
  for (char digit : digits) value = value * 10 + static_cast<std::uint32_t>(digit - '0');
  return static_cast<std::int32_t>(value);
}

bool FitsAnInt(const std::string& digits) {
  std::uint64_t value = 0;
  for (char digit : digits) {
    value = value * 10 + static_cast<std::uint64_t>(digit - '0');
    if (value > std::numeric_limits<std::int32_t>::max()) return false;
  }
  return true;
}

}  // namespace

std::string WithWrappedNumbers(const std::string& text) {
  // mode_t is cut to 32 bits; a number that a long does not hold is refused by nutcracker too.
  static const std::regex permissions("(listen: */[^\n]* )([1-7][0-7]{10,20})(?=[^0-7])");
  std::string octal;
  std::smatch match;
  std::string rest = text;
  while (std::regex_search(rest, match, permissions)) {
    const std::uint64_t value = std::stoull(match[2].str(), nullptr, 8);
    char digits[16];
    std::snprintf(digits, sizeof digits, "%o", static_cast<unsigned>(value));
    octal += match.prefix().str() + match[1].str() + digits;
    rest = match.suffix().str();
  }
  octal += rest;

  std::string result;
  for (std::size_t i = 0; i < octal.size();) {
    std::size_t end = i;
    while (end < octal.size() && IsDigit(octal[end])) ++end;
    if (end == i) {
      result += octal[i++];
      continue;
    }
    const std::string digits = octal.substr(i, end - i);
    result += FitsAnInt(digits) ? digits : std::to_string(Wrapped(digits));
    i = end;
  }
  return result;
}

std::string WithoutNulBytes(const std::string& text) {
  static const std::regex nul(R"(\\(0|x00|u0000|U00000000))");
  return std::regex_replace(text, nul, "");
}

std::string WithoutReuseport(const std::string& text) {
  static const std::regex line("(^|\n) *['\"]?reuseport['\"]? *:[^\n]*(?=\n|$)");
  return std::regex_replace(text, line, "$1");
}

}  // namespace shardcache::testing
