// SHA-1 (FIPS 180-4), of which dalli makes the points of its ring.
#include <array>
#include <bit>
#include <string>

#include "lib/hash/foreign.h"

namespace shardcache::inline v0::internal {
namespace {

std::uint32_t BigEndian(const char* p) {
  std::uint32_t word = 0;
  for (int i = 0; i < 4; ++i) word = word << 8 | static_cast<std::uint8_t>(p[i]);
  return word;
}

void AddBlock(std::array<std::uint32_t, 5>& state, const char* block) {
  std::array<std::uint32_t, 80> words{};
  for (unsigned i = 0; i < 16; ++i) words[i] = BigEndian(block + 4 * i);
  for (unsigned i = 16; i < 80; ++i) {
    words[i] = std::rotl(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
  }
  auto [a, b, c, d, e] = state;
  for (unsigned i = 0; i < 80; ++i) {
    std::uint32_t mixed = 0;
    switch (i / 20) {
      case 0:
        mixed = ((b & c) | (~b & d)) + 0x5a827999;
        break;
      case 1:
        mixed = (b ^ c ^ d) + 0x6ed9eba1;
        break;
      case 2:
        mixed = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
        break;
      case 3:
        mixed = (b ^ c ^ d) + 0xca62c1d6;
        break;
    }
    const std::uint32_t next = std::rotl(a, 5) + mixed + e + words[i];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  const std::array<std::uint32_t, 5> sum = {a, b, c, d, e};
  for (unsigned i = 0; i < 5; ++i) state[i] += sum[i];
}

}  // namespace

std::uint32_t Sha1FirstWord(std::string_view text) {
  std::array<std::uint32_t, 5> state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  // The text, a one bit, zeros, and its length in bits as 64-bit big-endian.
  std::string padded(text);
  padded += '\x80';
  while (padded.size() % 64 != 56) padded += '\0';
  const std::uint64_t bits = std::uint64_t{text.size()} * 8;
  for (int shift = 56; shift >= 0; shift -= 8) padded += static_cast<char>(bits >> shift & 0xff);
  for (std::size_t at = 0; at < padded.size(); at += 64) AddBlock(state, padded.data() + at);
  return state[0];
}

}  // namespace shardcache::inline v0::internal
