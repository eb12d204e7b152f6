// SpookyHash V2, by Bob Jenkins, in the public domain.
#include <array>
#include <bit>
#include <string>

#include "lib/hash/bytes.h"
#include "lib/hash/foreign.h"

namespace shardcache::inline v0::internal {
namespace {

constexpr std::uint64_t kConstant = 0xdeadbeefdeadbeef;
constexpr std::size_t kWords = 12;
constexpr std::size_t kBlock = 8 * kWords;

std::uint64_t Load64(const char* p) {
  return std::uint64_t{Load32(p)} | std::uint64_t{Load32(p + 4)} << 32;
}

// Little-endian, of at most eight bytes.
std::uint64_t LoadPart(std::string_view bytes) {
  std::uint64_t word = 0;
  for (std::size_t at = bytes.size(); at > 0; --at) {
    word = word << 8 | static_cast<std::uint8_t>(bytes[at - 1]);
  }
  return word;
}

using Four = std::array<std::uint64_t, 4>;

void ShortMix(Four& h) {
  constexpr std::array<int, 12> kTurns = {50, 52, 30, 41, 54, 48, 38, 37, 62, 34, 5, 36};
  for (std::size_t i = 0; i < kTurns.size(); ++i) {
    std::uint64_t& turned = h[(i + 2) % 4];
    turned = std::rotl(turned, kTurns[i]) + h[(i + 3) % 4];
    h[i % 4] ^= turned;
  }
}

void ShortEnd(Four& h) {
  constexpr std::array<int, 11> kTurns = {15, 52, 26, 51, 28, 9, 47, 54, 32, 25, 63};
  for (std::size_t i = 0; i < kTurns.size(); ++i) {
    std::uint64_t& turned = h[(i + 2) % 4];
    h[(i + 3) % 4] ^= turned;
    turned = std::rotl(turned, kTurns[i]);
    h[(i + 3) % 4] += turned;
  }
}

std::uint32_t Short(std::string_view bytes, std::uint32_t seed) {
  Four h = {seed, seed, kConstant, kConstant};
  const std::uint64_t length = bytes.size();
  for (; bytes.size() >= 32; bytes.remove_prefix(32)) {
    h[2] += Load64(bytes.data());
    h[3] += Load64(bytes.data() + 8);
    ShortMix(h);
    h[0] += Load64(bytes.data() + 16);
    h[1] += Load64(bytes.data() + 24);
  }
  if (bytes.size() >= 16) {
    h[2] += Load64(bytes.data());
    h[3] += Load64(bytes.data() + 8);
    ShortMix(h);
    bytes.remove_prefix(16);
  }
  h[3] += length << 56;
  if (bytes.empty()) {
    h[2] += kConstant;
    h[3] += kConstant;
  } else {
    h[2] += LoadPart(bytes.substr(0, 8));
    if (bytes.size() > 8) h[3] += LoadPart(bytes.substr(8));
  }
  ShortEnd(h);
  return static_cast<std::uint32_t>(h[0]);
}

using Twelve = std::array<std::uint64_t, kWords>;

void Mix(const char* block, Twelve& s) {
  constexpr std::array<int, kWords> kTurns = {11, 32, 43, 31, 17, 28, 39, 57, 55, 54, 22, 46};
  for (std::size_t i = 0; i < kWords; ++i) {
    s[i] += Load64(block + 8 * i);
    s[(i + 2) % kWords] ^= s[(i + 10) % kWords];
    s[(i + 11) % kWords] ^= s[i];
    s[i] = std::rotl(s[i], kTurns[i]);
    s[(i + 11) % kWords] += s[(i + 1) % kWords];
  }
}

void EndPart(Twelve& h) {
  constexpr std::array<int, kWords> kTurns = {44, 15, 34, 21, 38, 33, 10, 13, 38, 53, 42, 54};
  for (std::size_t i = 0; i < kWords; ++i) {
    std::uint64_t& turned = h[(i + 1) % kWords];
    h[(i + 11) % kWords] += turned;
    h[(i + 2) % kWords] ^= h[(i + 11) % kWords];
    turned = std::rotl(turned, kTurns[i]);
  }
}

std::uint32_t Long(std::string_view bytes, std::uint32_t seed) {
  Twelve h{};
  for (std::size_t i = 0; i < kWords; ++i) h[i] = i % 3 == 2 ? kConstant : seed;
  for (; bytes.size() >= kBlock; bytes.remove_prefix(kBlock)) Mix(bytes.data(), h);
  std::string last(bytes);
  last.resize(kBlock, '\0');
  last.back() = static_cast<char>(bytes.size());
  for (std::size_t i = 0; i < kWords; ++i) h[i] += Load64(last.data() + 8 * i);
  for (int i = 0; i < 3; ++i) EndPart(h);
  return static_cast<std::uint32_t>(h[0]);
}

}  // namespace

std::uint32_t SpookyV2_32(std::string_view bytes, std::uint32_t seed) {
  return bytes.size() < 2 * kBlock ? Short(bytes, seed) : Long(bytes, seed);
}

}  // namespace shardcache::inline v0::internal
