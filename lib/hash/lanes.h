// The loading of keys into vectors: key i of a group stands in lane i, so that one instruction
// advances the hashes of many keys.
//
// An `Isa` says how wide a vector is, how many of them are in flight at a time and how a row is
// loaded (kernel_portable.cc, kernel_avx2.cc, kernel_avx512.cc):
//
//   struct Isa {
//     static constexpr int kLanes, kVectors;
//     // The 4 * kLanes bytes at byte `at` of the key, zero from byte `length` on. Reads no byte
//     // outside the key. `at` is a multiple of 4, and may be past the end.
//     static Vector<kLanes> LoadRow(const char* key, std::int32_t at, std::int32_t length);
//   };
#ifndef SHARDCACHE_LIB_HASH_LANES_H_
#define SHARDCACHE_LIB_HASH_LANES_H_

#include <bit>
#include <cstdint>
#include <utility>

#include "lib/hash/wide.h"

namespace shardcache::inline v0::internal {

static_assert(std::endian::native == std::endian::little, "rows are loaded as little-endian words");

// The vector whose word i is word index(i) of the 2 * kLanes words of `a` and then `b`.
template <int kLanes, class Index, std::size_t... kI>
SHARDCACHE_INLINE Vector<kLanes> Shuffle(Vector<kLanes> a, Vector<kLanes> b, Index,
                                         std::index_sequence<kI...>) {
  return __builtin_shufflevector(a, b, Index::At(kI)...);
}

// Word pairs or quads of `a` and `b`, alternating within each 128 bits: unpack, in x86's words.
template <int kLanes, int kSize, bool kHigh>
struct Unpack {
  static constexpr int At(int i) {
    const int pair = i % 4 / (2 * kSize);
    return i / 4 * 4 + (kHigh ? 2 : 0) + pair * kSize + i % kSize +
           (i / kSize % 2 == 1 ? kLanes : 0);
  }
};

// One half of swapping the blocks off the diagonal in a matrix of 128-bit blocks: the upper row
// takes the lower row's left block in place of its own right one, or the other way round.
template <int kLanes, int kDistance, bool kLower>
struct SwapBlocks {
  static constexpr int At(int i) {
    const bool right = i / 4 / kDistance % 2 == 1;
    if (kLower) return right ? kLanes + i : i + 4 * kDistance;
    return right ? kLanes + i - 4 * kDistance : i;
  }
};

template <template <int, int, bool> class Pattern, int kLanes, int kParameter>
SHARDCACHE_INLINE void Exchange(Vector<kLanes>& a, Vector<kLanes>& b) {
  constexpr auto kIota = std::make_index_sequence<kLanes>();
  const Vector<kLanes> first = Shuffle<kLanes>(a, b, Pattern<kLanes, kParameter, false>(), kIota);
  b = Shuffle<kLanes>(a, b, Pattern<kLanes, kParameter, true>(), kIota);
  a = first;
}

// Swaps rows and columns of a square matrix of words: in each 128 bits by interleaving words and
// then pairs of words, then whole 128-bit blocks at distances of 1 and 2.
template <int kLanes>
SHARDCACHE_INLINE void Transpose(Vector<kLanes>* rows) {
  for (int i = 0; i < kLanes; i += 4) {
    Exchange<Unpack, kLanes, 1>(rows[i], rows[i + 1]);
    Exchange<Unpack, kLanes, 1>(rows[i + 2], rows[i + 3]);
    Exchange<Unpack, kLanes, 2>(rows[i], rows[i + 2]);
    Exchange<Unpack, kLanes, 2>(rows[i + 1], rows[i + 3]);
    // Now row i + {0, 2, 1, 3} holds, in 128-bit block q, column 4 * q + {0, 1, 2, 3}.
    const Vector<kLanes> swapped = rows[i + 1];
    rows[i + 1] = rows[i + 2];
    rows[i + 2] = swapped;
  }
  if constexpr (kLanes >= 8) {
    for (int i = 0; i < kLanes; ++i) {
      if (i / 4 % 2 == 0) Exchange<SwapBlocks, kLanes, 1>(rows[i], rows[i + 4]);
    }
  }
  if constexpr (kLanes >= 16) {
    for (int i = 0; i < kLanes; ++i) {
      if (i / 8 % 2 == 0) Exchange<SwapBlocks, kLanes, 2>(rows[i], rows[i + 8]);
    }
  }
}

// A group of keys that are hashed side by side. Lengths are below 2^31.
template <class Isa>
class KeyGroup {
 public:
  static constexpr int kLanes = Isa::kLanes;
  static constexpr int kVectors = Isa::kVectors;
  static constexpr int kKeys = kLanes * kVectors;
  using V = typename WideTypes<kLanes, kVectors>::Words;
  using S = typename WideTypes<kLanes, kVectors>::Signed;
  static_assert(sizeof(V) == 4 * kKeys);

  SHARDCACHE_INLINE KeyGroup(const char* const* data, const std::int32_t* length)
      : data_(data), length_(length), shortest_(length[0]), longest_(length[0]) {
    for (int i = 0; i < kKeys; ++i) {
      shortest_ = length[i] < shortest_ ? length[i] : shortest_;
      longest_ = length[i] > longest_ ? length[i] : longest_;
    }
    __builtin_memcpy(&lengths_, length, sizeof lengths_);
  }

  SHARDCACHE_INLINE S lengths() const { return lengths_; }
  SHARDCACHE_INLINE std::int32_t shortest() const { return shortest_; }
  SHARDCACHE_INLINE std::int32_t longest() const { return longest_; }

  // words[w] becomes the word at byte `at` + 4 * w of each key, zero where the key has ended,
  // for 0 <= w < kLanes. Not inlined: all hashes share it.
  __attribute__((noinline)) void Load(std::int32_t at, V* words) const {
    for (int first = 0; first < kKeys; first += kLanes) {
      Vector<kLanes> rows[kLanes];
      for (int i = 0; i < kLanes; ++i) {
        rows[i] = Isa::LoadRow(data_[first + i], at, length_[first + i]);
      }
      Transpose<kLanes>(rows);
      for (int w = 0; w < kLanes; ++w) {
        auto* const lanes = reinterpret_cast<char*>(words + w);
        __builtin_memcpy(lanes + 4 * first, &rows[w], sizeof rows[w]);
      }
    }
  }

  // The lanes of `v` in the order of the keys: a Pair is nothing but its vectors in a row.
  static SHARDCACHE_INLINE void Store(V v, std::uint32_t* out) {
    __builtin_memcpy(out, &v, sizeof v);
  }

 private:
  const char* const* data_;
  const std::int32_t* length_;
  S lengths_;
  std::int32_t shortest_;
  std::int32_t longest_;
};

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_HASH_LANES_H_
