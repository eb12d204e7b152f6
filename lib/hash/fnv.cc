// Fowler-Noll-Vo hashes. twemproxy: src/hashkit/nc_fnv.c.
#include "lib/hash/reference.h"

namespace shardcache::inline v0::internal {
namespace {

constexpr std::uint32_t kBasis32 = 0x811c9dc5;
constexpr std::uint32_t kPrime32 = 0x01000193;
// The low halves of the 64-bit basis and prime. The low half of a 64-bit product or exclusive
// or depends on low halves only, so the low 32 bits of 64-bit FNV need no 64-bit arithmetic;
// and twemproxy's fnv1a_64 is defined with the low halves alone.
constexpr std::uint32_t kBasis64Low = 0x84222325;
constexpr std::uint32_t kPrime64Low = 0x000001b3;

std::uint32_t Fnv1(std::string_view key, CharSign sign, std::uint32_t hash, std::uint32_t prime) {
  for (char byte : key) hash = (hash * prime) ^ Widen(byte, sign);
  return hash;
}

std::uint32_t Fnv1a(std::string_view key, CharSign sign, std::uint32_t hash, std::uint32_t prime) {
  for (char byte : key) hash = (hash ^ Widen(byte, sign)) * prime;
  return hash;
}

}  // namespace

std::uint32_t Fnv1_64(std::string_view key, CharSign sign) {
  return Fnv1(key, sign, kBasis64Low, kPrime64Low);
}
std::uint32_t Fnv1a_64(std::string_view key, CharSign sign) {
  return Fnv1a(key, sign, kBasis64Low, kPrime64Low);
}
std::uint32_t Fnv1_32(std::string_view key, CharSign sign) {
  return Fnv1(key, sign, kBasis32, kPrime32);
}
std::uint32_t Fnv1a_32(std::string_view key, CharSign sign) {
  return Fnv1a(key, sign, kBasis32, kPrime32);
}

}  // namespace shardcache::inline v0::internal
