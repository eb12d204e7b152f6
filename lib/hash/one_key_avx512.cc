#include "lib/hash/one_key_avx512.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <array>
#include <bit>
#include <cstddef>

#include "lib/hash/jenkins_mix.h"
#include "lib/hash/lane_md5.h"
#include "lib/hash/md5_constants.h"
#include "lib/hash/wide.h"

namespace shardcache::inline v0::internal {
namespace {

#define SHARDCACHE_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,bmi,bmi2")))

// MD5 of one text, held against the plain form in md5.cc. What there is of a block that waits for
// nothing, its words in each round's order and with the steps' constants added, is made by vectors;
// the steps are carried out on vectors too, or on words. Of each vector in a step one lane alone
// counts: what is wanted of AVX-512 is an instruction for each function of three words and one for
// each rotation, which makes a step four operations in a row instead of up to five. It pays where a
// vector's operation takes as long as a word's.
using Words16 = std::array<std::uint32_t, 16>;

// Which word of the block each step of a round takes, and the step's constant.
constexpr Words16 MakePlaces(unsigned round) {
  Words16 places{};
  for (unsigned i = 0; i < 16; ++i) places[i] = Md5Word(16 * round + i);
  return places;
}
constexpr Words16 MakeSines(unsigned round) {
  Words16 sines{};
  for (unsigned i = 0; i < 16; ++i) sines[i] = kMd5Sines[16 * round + i];
  return sines;
}
template <unsigned kRound>
alignas(64) constexpr Words16 kPlaces = MakePlaces(kRound);
template <unsigned kRound>
alignas(64) constexpr Words16 kSines = MakeSines(kRound);

// The function of a round as a table of its value for each three bits b, c, d, the highest first.
constexpr std::array<int, 4> kFunctions = {
    0xca,  // b ? c : d
    0xe4,  // d ? b : c
    0x96,  // b ^ c ^ d
    0x39,  // c ^ (b | ~d)
};

template <class Word>
struct State {
  Word a, b, c, d;
};

inline SHARDCACHE_AVX512 void Set(__m128i& word, std::uint32_t value) {
  word = _mm_set1_epi32(static_cast<int>(value));
}
inline void Set(std::uint32_t& word, std::uint32_t value) { word = value; }

inline SHARDCACHE_AVX512 void Add(__m128i& sum, __m128i addend) {
  sum = _mm_add_epi32(sum, addend);
}
inline void Add(std::uint32_t& sum, std::uint32_t addend) { sum += addend; }

// `addend` is the step's word of the block and its constant. Compilers would add it last, after the
// function, which waits for the step before; so they are not shown that it is a sum.
template <unsigned kStep>
SHARDCACHE_AVX512 SHARDCACHE_INLINE void Step(__m128i& a, __m128i b, __m128i c, __m128i d,
                                              std::uint32_t addend) {
  // By names, for without optimisation only these are immediates.
  constexpr int kFunction = kFunctions[kStep / 16];
  constexpr int kShift = static_cast<int>(Md5Shift(kStep));
  a = _mm_add_epi32(a, _mm_set1_epi32(static_cast<int>(addend)));
  __asm__("" : "+v"(a));
  a = _mm_add_epi32(a, _mm_ternarylogic_epi32(b, c, d, kFunction));
  a = _mm_add_epi32(b, _mm_rol_epi32(a, kShift));
}

template <unsigned kStep>
SHARDCACHE_AVX512 SHARDCACHE_INLINE void Step(std::uint32_t& a, std::uint32_t b, std::uint32_t c,
                                              std::uint32_t d, std::uint32_t addend) {
  constexpr unsigned kRound = kStep / 16;
  a += addend;
  if constexpr (kRound == 1) a += c & ~d;  // as in lane_md5.h, for one lane
  __asm__("" : "+r"(a));
  a += kRound == 1 ? b & d : Md5Function<kRound>(b, c, d);
  a = b + std::rotl(a, static_cast<int>(Md5Shift(kStep)));
}

template <unsigned kRound, class Word>
SHARDCACHE_AVX512 SHARDCACHE_INLINE void Round(State<Word>& s, __m512i block) {
  std::uint32_t addends[16];
  // Masked by ones, for GCC 12 warns of its own header's unmasked form.
  const __m512i words =
      _mm512_maskz_permutexvar_epi32(0xffff, _mm512_load_si512(kPlaces<kRound>.data()), block);
  _mm512_storeu_si512(addends, _mm512_add_epi32(words, _mm512_load_si512(kSines<kRound>.data())));
  __asm__("" : "+m"(addends));  // to be loaded one by one, not shuffled out of the vector
  constexpr unsigned kFirst = 16 * kRound;
  // Instead of the words moving along one place, they swap roles from step to step.
#define SHARDCACHE_STEPS(i)                                     \
  Step<kFirst + (i)>(s.a, s.b, s.c, s.d, addends[i]);           \
  Step<kFirst + (i) + 1>(s.d, s.a, s.b, s.c, addends[(i) + 1]); \
  Step<kFirst + (i) + 2>(s.c, s.d, s.a, s.b, addends[(i) + 2]); \
  Step<kFirst + (i) + 3>(s.b, s.c, s.d, s.a, addends[(i) + 3])
  SHARDCACHE_STEPS(0);
  SHARDCACHE_STEPS(4);
  SHARDCACHE_STEPS(8);
  SHARDCACHE_STEPS(12);
#undef SHARDCACHE_STEPS
}

template <class Word>
SHARDCACHE_AVX512 SHARDCACHE_INLINE void AddBlock(State<Word>& state, __m512i block) {
  State<Word> s = state;
  Round<0>(s, block);
  Round<1>(s, block);
  Round<2>(s, block);
  Round<3>(s, block);
  Add(state.a, s.a);
  Add(state.b, s.b);
  Add(state.c, s.c);
  Add(state.d, s.d);
}

template <class Word>
SHARDCACHE_AVX512 SHARDCACHE_INLINE Word Md5First(std::string_view key) {
  State<Word> state;
  Set(state.a, kMd5Start[0]);
  Set(state.b, kMd5Start[1]);
  Set(state.c, kMd5Start[2]);
  Set(state.d, kMd5Start[3]);
  const char* p = key.data();
  std::size_t left = key.size();
  for (; left >= 64; left -= 64, p += 64) AddBlock(state, _mm512_loadu_si512(p));
  // The rest, of which a masked load reads nothing more; a one bit; zeros; the length in bits.
  const std::uint64_t end = std::uint64_t{1} << left;
  __m512i block = _mm512_maskz_loadu_epi8(end - 1, p);
  block = _mm512_mask_mov_epi8(block, end, _mm512_set1_epi8(static_cast<char>(0x80)));
  if (left >= 56) {
    AddBlock(state, block);
    block = _mm512_setzero_si512();
  }
  const auto bits = static_cast<long long>(std::uint64_t{key.size()} * 8);
  AddBlock(state, _mm512_mask_set1_epi64(block, 0x80, bits));
  return state.a;
}

}  // namespace

SHARDCACHE_AVX512 std::uint32_t Md5Avx512(std::string_view key) {
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(Md5First<__m128i>(key)));
}

SHARDCACHE_AVX512 std::uint32_t Md5Avx512InWords(std::string_view key) {
  return Md5First<std::uint32_t>(key);
}

// The plain form in jenkins.cc, but for the last 1 to 12 bytes: a masked load makes three words of
// them, zero where the key has ended, without a branch on how many there are.
SHARDCACHE_AVX512 std::uint32_t JenkinsAvx512(std::string_view key) {
  auto [a, b, c, p, left] = JenkinsStart(key);
  if (left == 0) [[unlikely]]
    return c;
  const auto mask = static_cast<__mmask16>((1U << left) - 1);
  const __m128i words = _mm_maskz_loadu_epi8(mask, p);
  a += static_cast<std::uint32_t>(_mm_extract_epi32(words, 0));
  b += static_cast<std::uint32_t>(_mm_extract_epi32(words, 1));
  c += static_cast<std::uint32_t>(_mm_extract_epi32(words, 2));
  return JenkinsFinal(a, b, c);
}

}  // namespace shardcache::inline v0::internal
#endif
