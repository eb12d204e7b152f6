// MD5 (RFC 1321). Our own because the ring is built from, and keys may be hashed by, MD5 of
// many short texts at once, which the vector form in this folder does; this plain form is what
// that one is held against. It is a placement function here, not a cryptographic one.
#include <array>
#include <bit>
#include <cstring>

#include "lib/hash/bytes.h"
#include "lib/hash/md5_constants.h"
#include "lib/hash/reference.h"

namespace shardcache::inline v0::internal {
namespace {

using Words = std::array<std::uint32_t, 4>;

// Adds one block of 64 bytes to `state`.
void AddBlock(Words& state, const char* block) {
  auto [a, b, c, d] = state;
  for (unsigned step = 0; step < 64; ++step) {
    std::uint32_t mixed = 0;
    switch (step / 16) {
      case 0:
        mixed = (b & c) | (~b & d);
        break;
      case 1:
        mixed = (d & b) | (~d & c);
        break;
      case 2:
        mixed = b ^ c ^ d;
        break;
      case 3:
        mixed = c ^ (b | ~d);
        break;
    }
    const std::uint32_t sum = a + mixed + kMd5Sines[step] + Load32(block + 4 * Md5Word(step));
    a = d;
    d = c;
    c = b;
    b += std::rotl(sum, Md5Shift(step));
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
}

}  // namespace

Words Md5Words(std::string_view text) {
  Words state = kMd5Start;
  const char* p = text.data();
  std::size_t left = text.size();
  for (; left >= 64; left -= 64, p += 64) AddBlock(state, p);

  // The rest, a one bit, zeros, and the length in bits as 64-bit little-endian.
  std::array<char, 128> tail{};
  if (left > 0) std::memcpy(tail.data(), p, left);
  tail[left] = '\x80';
  const std::size_t size = left < 56 ? 64 : 128;
  const std::uint64_t bits = std::uint64_t{text.size()} * 8;
  for (unsigned i = 0; i < 8; ++i) tail[size - 8 + i] = static_cast<char>(bits >> 8 * i & 0xff);
  for (std::size_t at = 0; at < size; at += 64) AddBlock(state, tail.data() + at);
  return state;
}

std::uint32_t Md5(std::string_view key) { return Md5Words(key)[0]; }

}  // namespace shardcache::inline v0::internal
