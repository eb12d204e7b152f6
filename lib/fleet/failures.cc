#include "lib/fleet/failures.h"

#include <algorithm>

namespace shardcache::inline v0::internal {
namespace {

constexpr std::size_t kKept = 10;

// Keys have no control characters.
std::string Printable(std::string_view key) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (const char c : key) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      text += c;
    } else {
      text += {'\\', 'x', kHex[byte >> 4], kHex[byte & 0xf]};
    }
  }
  return text;
}

}  // namespace

void Failures::Add(std::string_view cause, std::string_view key) {
  const auto known = std::find_if(causes_.begin(), causes_.end(),
                                  [&](const Cause& one) { return one.what == cause; });
  if (known != causes_.end()) {
    ++known->more;
  } else if (causes_.size() < kKept) {
    causes_.push_back({std::string(cause), Printable(key)});
  }
}

std::vector<std::string> Failures::Texts() const {
  std::vector<std::string> texts;
  for (const Cause& cause : causes_) {
    std::string& text = texts.emplace_back(cause.what + " (key \"" + cause.key + '"');
    if (cause.more > 0) text += " and " + std::to_string(cause.more) + " more";
    text += ')';
  }
  return texts;
}

}  // namespace shardcache::inline v0::internal
