#include "bindings/cli/command.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>

namespace shardcache::cli {

CLI::Validator NotEmpty() {
  return {[](const std::string& text) { return std::string(text.empty() ? "is empty" : ""); }, ""};
}

CLI::Validator NumberFrom(double least, double most) {
  const auto check = [least, most](const std::string& text) {
    double number = 0;
    const char* const end = text.data() + text.size();
    const auto [behind, error] = std::from_chars(text.data(), end, number);
    // Not so of what is not a number, either.
    if (error == std::errc() && behind == end && number >= least && number <= most) {
      return std::string();
    }
    char range[80];
    std::snprintf(range, sizeof range, " is not a number of %.10g to %.10g", least, most);
    return text + range;
  };
  return {check, ""};
}

CLI::Validator OneOf(const std::vector<std::string>& names) {
  const auto transform = [names](std::string& text) {
    std::string known;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (text == names[i]) {
        text = std::to_string(i);
        return std::string();
      }
      known += (known.empty() ? "" : ", ") + names[i];
    }
    return text + " is none of " + known;
  };
  return {transform, ""};
}

}  // namespace shardcache::cli
