// Why this equals the bytewise form in crc.cc. A CRC is the remainder of the message, taken as a
// polynomial over GF(2) and multiplied by x^32, modulo P(x). A block of 16 bytes S that is
// followed by another block B contributes S * x^128 + B, and x^128 may be replaced by its own
// remainder: so two multiplications fold one block into the next, however long the message. The
// last 128 bits are reduced in steps of the same kind, the last by Barrett's method. Beginning
// with a register of all ones is the same as inverting the message's first 32 bits.
//
// CRC-32 numbers bits backwards: bit i of a 32-bit register is the coefficient of x^(31 - i), of
// a 64-bit word that of x^(63 - i), and so on. The product of two words, as the instruction makes
// it in 127 bits, is then one power of x too high, so a factor x^n stands below as x^(n - 1).
//
// Method: V. Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ
// Instruction", Intel, 2009.
#include "lib/hash/crc_clmul.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <array>
#include <cstddef>

#include "lib/hash/kernels.h"

namespace shardcache::inline v0::internal {
namespace {

#define SHARDCACHE_CLMUL __attribute__((target("pclmul,sse4.1")))

constexpr std::uint32_t kPolynomial = 0xedb88320;  // P without its x^32

// x^power mod P as a 64-bit word.
constexpr long long Power(int power) {
  std::uint32_t remainder = 0x80000000;  // x^0
  for (; power > 0; --power) remainder = remainder >> 1 ^ (remainder & 1 ? kPolynomial : 0);
  return static_cast<long long>(std::uint64_t{remainder} << 32);
}

// The quotient of x^64 / P, and P itself: 33 coefficients each, x^(32 - i) at bit i.
constexpr std::uint64_t kP = std::uint64_t{kPolynomial} << 1 | 1;
constexpr std::uint64_t MakeQuotient() {
  std::uint64_t quotient = 0;
  std::uint64_t rest = 1;  // of x^64, from the top: bit 0 is the coefficient to be cancelled
  for (int i = 0; i <= 32; ++i, rest >>= 1) {
    if ((rest & 1) == 0) continue;
    quotient |= std::uint64_t{1} << i;
    rest ^= kP;
  }
  return quotient;
}

// The factors of Fold and Reduce.
constexpr long long kX95 = Power(95), kX63 = Power(63), kX191 = Power(191), kX127 = Power(127);
constexpr long long kBarrettP = static_cast<long long>(kP);
constexpr long long kBarrettQuotient = static_cast<long long>(MakeQuotient());

// From byte 16 on: the shuffle that changes nothing. Read from i bytes earlier it moves bytes
// up by i places, from i later down by i; zeros follow.
constexpr std::array<std::uint8_t, 48> MakeSlide() {
  std::array<std::uint8_t, 48> slide{};
  for (unsigned i = 0; i < 48; ++i) {
    slide[i] = static_cast<std::uint8_t>(i >= 16 && i < 32 ? i - 16 : 0x80);
  }
  return slide;
}
constexpr auto kSlide = MakeSlide();

SHARDCACHE_CLMUL inline __m128i Load(const void* p) {
  return _mm_loadu_si128(static_cast<const __m128i*>(p));
}

template <class Word>
inline std::uint64_t LoadWord(const char* p) {
  Word word;
  __builtin_memcpy(&word, p, sizeof word);
  return word;
}

// `block` moved on by 128 bits: block * x^128 mod P, in 96 bits.
SHARDCACHE_CLMUL inline __m128i Fold(__m128i block) {
  const __m128i powers = _mm_set_epi64x(kX127, kX191);
  return _mm_xor_si128(_mm_clmulepi64_si128(block, powers, 0x00),
                       _mm_clmulepi64_si128(block, powers, 0x11));
}

// block * x^32 mod P, from 128 bits to 96, to 64, to 32.
SHARDCACHE_CLMUL inline std::uint32_t Reduce(__m128i block) {
  const __m128i powers = _mm_set_epi64x(kX63, kX95);
  const __m128i low = _mm_slli_si128(_mm_srli_si128(block, 8), 4);
  block = _mm_xor_si128(_mm_clmulepi64_si128(block, powers, 0x00), low);
  block = _mm_xor_si128(_mm_clmulepi64_si128(block, powers, 0x10), block);
  const auto rest = static_cast<std::uint64_t>(_mm_extract_epi64(block, 1));

  const __m128i barrett = _mm_set_epi64x(kBarrettP, kBarrettQuotient);
  const __m128i top = _mm_cvtsi32_si128(static_cast<int>(rest));
  const __m128i multiple = _mm_clmulepi64_si128(top, barrett, 0x00);
  const __m128i whole = _mm_cvtsi32_si128(_mm_cvtsi128_si32(multiple));
  const __m128i product = _mm_clmulepi64_si128(whole, barrett, 0x10);
  return static_cast<std::uint32_t>(
      (rest ^ static_cast<std::uint64_t>(_mm_cvtsi128_si64(product))) >> 32);
}

// Fewer than four bytes: not worth a multiplication.
inline std::uint32_t Short(const char* key, std::size_t size) {
  std::uint32_t crc = ~std::uint32_t{0};
  for (std::size_t i = 0; i < size; ++i) {
    crc ^= static_cast<std::uint8_t>(key[i]);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? kPolynomial : 0);
  }
  return ~crc;
}

SHARDCACHE_CLMUL inline std::uint32_t Crc(const char* key, std::size_t size) {
  const __m128i ones = _mm_cvtsi64_si128(0xffffffff);
  if (size < 16) {
    if (size < 4) return Short(key, size);
    // The key, zeros after it, in two words made of loads that overlap; then moved up to the end.
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    if (size < 8) {
      low = LoadWord<std::uint32_t>(key) | LoadWord<std::uint32_t>(key + size - 4)
                                               << (8 * (size - 4));
    } else {
      low = LoadWord<std::uint64_t>(key);
      high = LoadWord<std::uint64_t>(key + size - 8) >> 8 >> (8 * (15 - size));
    }
    const __m128i block = _mm_set_epi64x(static_cast<long long>(high), static_cast<long long>(low));
    return ~Reduce(_mm_shuffle_epi8(_mm_xor_si128(block, ones), Load(kSlide.data() + size)));
  }
  __m128i block = _mm_xor_si128(Load(key), ones);
  std::size_t at = 16;
  for (; at + 16 <= size; at += 16) block = _mm_xor_si128(Fold(block), Load(key + at));
  // The 0 to 15 bytes that are left: of `block` and them, the last 16 bytes are one block more,
  // and what is before them one that is moved up to its end.
  const std::size_t left = size - at;
  const __m128i up = Load(kSlide.data() + left);
  const __m128i before = _mm_shuffle_epi8(block, up);
  const __m128i after = _mm_shuffle_epi8(block, Load(kSlide.data() + 16 + left));
  // Not _mm_blendv_epi8: under -funsigned-char GCC 12 takes its mask for unsigned too.
  const __m128i is_new = _mm_cmpgt_epi8(up, _mm_set1_epi8(-1));
  block = _mm_or_si128(after, _mm_and_si128(Load(key + size - 16), is_new));
  return ~Reduce(_mm_xor_si128(Fold(before), block));
}

// The 4 to 64 bytes at the end of four blocks that are zero before them: zeros before a message,
// and before the ones that invert its first bits, change nothing. So all four blocks are folded
// into the last at once, by powers of their own, and nothing depends on how long the key is.
#define SHARDCACHE_WIDE_CLMUL \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,vpclmulqdq,pclmul,sse4.1,bmi,bmi2")))

constexpr std::size_t kWide = 64;

// Each 64-bit half of each block but the last, times x^(128 * the blocks behind it).
alignas(64) constexpr std::array<long long, 8> kFoldAll = {
    Power(447), Power(383), Power(319), Power(255), Power(191), Power(127), 0, 0};

// Read from byte `size` on: 32 ones before the last `size` of kWide bytes.
constexpr std::array<std::uint8_t, 2 * kWide> MakeOnesAt() {
  std::array<std::uint8_t, 2 * kWide> ones{};
  for (std::size_t i = 0; i < 4; ++i) ones[kWide + i] = 0xff;
  return ones;
}
constexpr auto kOnesAt = MakeOnesAt();

// What is left to be reduced of a key of 4 to kWide bytes.
SHARDCACHE_WIDE_CLMUL inline __m128i FoldWide(const char* key, std::size_t size) {
  // A masked load touches no byte whose bit in the mask is clear.
  __m512i blocks = _mm512_maskz_loadu_epi8(~std::uint64_t{0} << (kWide - size),
                                           key - static_cast<std::ptrdiff_t>(kWide - size));
  blocks = _mm512_xor_si512(blocks, _mm512_loadu_si512(kOnesAt.data() + size));
  const __m512i powers = _mm512_load_si512(kFoldAll.data());
  const __m512i folded = _mm512_ternarylogic_epi64(_mm512_clmulepi64_epi128(blocks, powers, 0x00),
                                                   _mm512_clmulepi64_epi128(blocks, powers, 0x11),
                                                   _mm512_maskz_mov_epi64(0xc0, blocks), 0x96);
  // Masked by ones, for GCC 12 warns of its own header's unmasked form.
  const __m256i half = _mm256_xor_si256(_mm512_maskz_extracti64x4_epi64(0xf, folded, 0),
                                        _mm512_maskz_extracti64x4_epi64(0xf, folded, 1));
  return _mm_xor_si128(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

SHARDCACHE_WIDE_CLMUL inline std::uint32_t WideCrc(const char* key, std::size_t size) {
  if (size - 4 > kWide - 4) [[unlikely]]
    return Crc(key, size);
  return ~Reduce(FoldWide(key, size));
}

}  // namespace

SHARDCACHE_CLMUL std::uint32_t Crc32aClmul(std::string_view key) {
  return Crc(key.data(), key.size());
}

SHARDCACHE_CLMUL void Crc32aClmul(std::span<const std::string_view> keys,
                                  std::span<std::uint32_t> hashes) {
  for (std::size_t i = 0; i < keys.size(); ++i) hashes[i] = Crc(keys[i].data(), keys[i].size());
}

bool HasWideClmul() {
  static const bool has =
      SupportedKernels().back() == Kernel::kAvx512 && __builtin_cpu_supports("vpclmulqdq") != 0;
  return has;
}

SHARDCACHE_WIDE_CLMUL std::uint32_t Crc32aWideClmul(std::string_view key) {
  return WideCrc(key.data(), key.size());
}

SHARDCACHE_WIDE_CLMUL void Crc32aWideClmul(std::span<const std::string_view> keys,
                                           std::span<std::uint32_t> hashes) {
  for (std::size_t i = 0; i < keys.size(); ++i) hashes[i] = WideCrc(keys[i].data(), keys[i].size());
}

}  // namespace shardcache::inline v0::internal
#endif
