// Why this equals the plain form in murmur.cc. There every four bytes are mixed by themselves into
// a block, which eight lanes can do at once, and then
//
//   hash = hash * kMultiplier ^ block
//
// for one block after another. Here that is done for a multiple of eight blocks, those after the
// key's last one being zero. Each of these multiplies the hash by kMultiplier and does no more;
// so it is multiplied by the inverse, modulo 2^32, as many times. What is gained is that the
// number of blocks, which branches would mispredict, makes no difference among eight.
#include "lib/hash/one_key_avx2.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <array>

namespace shardcache::inline v0::internal {
namespace {

constexpr std::uint32_t kMultiplier = 0x5bd1e995;
constexpr std::uint32_t kInverse = 0xe59b19bd;
static_assert(kMultiplier * kInverse == 1);

constexpr std::size_t kBlocks = 8;  // in a row

// By number of blocks in the last row: the inverse for each one that is missing.
constexpr std::array<std::uint32_t, kBlocks + 1> MakeFactors() {
  std::array<std::uint32_t, kBlocks + 1> factors{};
  factors[kBlocks] = 1;
  for (std::size_t i = kBlocks; i > 0; --i) factors[i - 1] = factors[i] * kInverse;
  return factors;
}
constexpr auto kFactors = MakeFactors();

#define SHARDCACHE_AVX2 __attribute__((target("avx2")))

SHARDCACHE_AVX2 inline std::uint32_t AddRow(std::uint32_t hash, __m256i words) {
  const __m256i multiplier = _mm256_set1_epi32(static_cast<int>(kMultiplier));
  words = _mm256_mullo_epi32(words, multiplier);
  words = _mm256_mullo_epi32(_mm256_xor_si256(words, _mm256_srli_epi32(words, 24)), multiplier);
  alignas(32) std::uint32_t blocks[kBlocks];
  _mm256_store_si256(reinterpret_cast<__m256i*>(blocks), words);
  for (std::uint32_t block : blocks) hash = (hash * kMultiplier) ^ block;
  return hash;
}

}  // namespace

SHARDCACHE_AVX2 std::uint32_t MurmurAvx2(std::string_view key) {
  const auto length = static_cast<std::uint32_t>(key.size());
  std::uint32_t hash = (0xdeadbeef * length) ^ length;
  const char* p = key.data();
  std::size_t blocks = key.size() / 4;
  for (; blocks > kBlocks; blocks -= kBlocks, p += 4 * kBlocks) {
    hash = AddRow(hash, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  // A masked load touches no byte of a word that is masked out.
  const __m256i wanted = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(blocks)),
                                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  hash = AddRow(hash, _mm256_maskload_epi32(reinterpret_cast<const int*>(p), wanted));
  hash *= kFactors[blocks];

  // The last zero to three bytes, taken from the last four.
  const unsigned rest = length % 4;
  std::uint32_t last;
  __builtin_memcpy(&last, key.data() + key.size() - 4, 4);
  last = static_cast<std::uint32_t>(std::uint64_t{last} >> (32 - 8 * rest));
  const std::uint32_t with_rest = (hash ^ last) * kMultiplier;
  hash = rest == 0 ? hash : with_rest;
  hash = (hash ^ hash >> 13) * kMultiplier;
  return hash ^ hash >> 15;
}

}  // namespace shardcache::inline v0::internal
#endif
