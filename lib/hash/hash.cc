#include "shardcache/hash.h"

#include <algorithm>

#include "lib/hash/one_key.h"

namespace shardcache::inline v0 {
namespace {

// In the order of the enumeration.
constexpr std::array<std::string_view, kHashFunctions.size()> kNames = {
    "one_at_a_time", "md5",     "crc16",    "crc32", "crc32a", "fnv1_64",
    "fnv1a_64",      "fnv1_32", "fnv1a_32", "hsieh", "murmur", "jenkins"};

}  // namespace

std::string_view HashName(HashFunction function) {
  return kNames[static_cast<std::size_t>(function)];
}

std::optional<HashFunction> ParseHashName(std::string_view name) {
  const auto* found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return kHashFunctions[static_cast<std::size_t>(found - kNames.begin())];
}

bool DependsOnCharSign(HashFunction function) {
  switch (function) {
    case HashFunction::kOneAtATime:
    case HashFunction::kFnv1_64:
    case HashFunction::kFnv1a_64:
    case HashFunction::kFnv1_32:
    case HashFunction::kFnv1a_32:
    case HashFunction::kHsieh:
      return true;
    default:
      return false;
  }
}

std::uint32_t Hash(HashFunction function, std::string_view key, CharSign sign) {
  return internal::FastestHash(function, sign)(key);
}

}  // namespace shardcache::inline v0
