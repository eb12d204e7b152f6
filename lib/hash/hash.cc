#include "shardcache/hash.h"

#include <algorithm>

#include "lib/hash/one_key.h"
#include "lib/hash/reference.h"

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
  switch (function) {
    case HashFunction::kOneAtATime:
      return internal::FastOneAtATime(key, sign);
    case HashFunction::kMd5:
      return internal::FastMd5(key);
    case HashFunction::kCrc16:
      return internal::FastCrc16(key);
    case HashFunction::kCrc32:
      return internal::FastCrc32a(key) >> 16 & 0x7fff;
    case HashFunction::kCrc32a:
      return internal::FastCrc32a(key);
    case HashFunction::kFnv1_64:
      return internal::FastFnv1_64(key, sign);
    case HashFunction::kFnv1a_64:
      return internal::FastFnv1a_64(key, sign);
    case HashFunction::kFnv1_32:
      return internal::FastFnv1_32(key, sign);
    case HashFunction::kFnv1a_32:
      return internal::FastFnv1a_32(key, sign);
    case HashFunction::kHsieh:
      return internal::Hsieh(key, sign);
    case HashFunction::kMurmur:
      return internal::FastMurmur(key);
    case HashFunction::kJenkins:
      return internal::FastJenkins(key);
  }
  return 0;  // not reached: the enumeration is complete above
}

}  // namespace shardcache::inline v0
