// MurmurHash64A, by Austin Appleby, in the public domain.
#include "lib/hash/bytes.h"
#include "lib/hash/foreign.h"

namespace shardcache::inline v0::internal {

std::uint64_t Murmur64A(std::string_view bytes, std::uint64_t seed) {
  constexpr std::uint64_t kM = 0xc6a4a7935bd1e995;
  constexpr int kR = 47;
  std::uint64_t hash = seed ^ (bytes.size() * kM);
  const std::size_t whole = bytes.size() / 8 * 8;
  for (std::size_t at = 0; at < whole; at += 8) {
    const char* p = bytes.data() + at;
    std::uint64_t k = std::uint64_t{Load32(p)} | std::uint64_t{Load32(p + 4)} << 32;
    k *= kM;
    k ^= k >> kR;
    k *= kM;
    hash = (hash ^ k) * kM;
  }
  if (whole < bytes.size()) {
    std::uint64_t tail = 0;
    for (std::size_t at = bytes.size(); at > whole; --at) {
      tail = tail << 8 | static_cast<std::uint8_t>(bytes[at - 1]);
    }
    hash = (hash ^ tail) * kM;
  }
  hash = (hash ^ hash >> kR) * kM;
  return hash ^ hash >> kR;
}

}  // namespace shardcache::inline v0::internal
