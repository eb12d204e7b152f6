// MD5 of a group of texts at a time, one text in each vector lane. See md5.cc for the plain form.
#ifndef SHARDCACHE_LIB_HASH_LANE_MD5_H_
#define SHARDCACHE_LIB_HASH_LANE_MD5_H_

#include <concepts>

#include "lib/hash/lanes.h"
#include "lib/hash/md5_constants.h"

namespace shardcache::inline v0::internal {

template <class V>
struct Md5Lanes {
  V a, b, c, d;
};

// The reference's four functions of the rounds, the first two with one operation less: where a
// bit of the selector is set it takes one word's bit, else the other's.
template <unsigned kRound, class V>
SHARDCACHE_INLINE V Md5Function(V b, V c, V d) {
  if constexpr (kRound == 0) return d ^ (b & (c ^ d));
  if constexpr (kRound == 1) return c ^ (d & (b ^ c));
  if constexpr (kRound == 2) return b ^ (c ^ d);
  if constexpr (kRound == 3) return c ^ (b | ~d);
}

// Steps kStep to kStep + 3. Each is the reference's; instead of the words moving along one
// place, they swap roles from step to step.
template <unsigned kStep, class V>
SHARDCACHE_INLINE void Md5Steps(Md5Lanes<V>& s, const V* block) {
  const auto step = [block]<unsigned kI>(std::integral_constant<unsigned, kI>, V & a, V b, V c, V d)
      __attribute__((always_inline)) {
    // The sum whose last term comes last: the function waits for the step before, the rest not.
    a += block[Md5Word(kI)] + kMd5Sines[kI];
    if constexpr (kI / 16 == 1 && std::integral<V>) {
      a += c & ~d;  // of the function's two parts, which have no bit in common, this one need not
      a += b & d;   // wait either; for a single lane, waiting is what takes the time
    } else {
      a += Md5Function<kI / 16>(b, c, d);
    }
    a = b + RotateLeft(a, Md5Shift(kI));
  };
  step(std::integral_constant<unsigned, kStep>(), s.a, s.b, s.c, s.d);
  step(std::integral_constant<unsigned, kStep + 1>(), s.d, s.a, s.b, s.c);
  step(std::integral_constant<unsigned, kStep + 2>(), s.c, s.d, s.a, s.b);
  step(std::integral_constant<unsigned, kStep + 3>(), s.b, s.c, s.d, s.a);
}

template <class V, std::size_t... kQuads>
SHARDCACHE_INLINE void Md5AllSteps(Md5Lanes<V>& s, const V* block, std::index_sequence<kQuads...>) {
  (Md5Steps<4 * kQuads>(s, block), ...);
}

// The state after the block, in the lanes whose text has one more block here.
template <class V, class S>
SHARDCACHE_INLINE void Md5AddBlock(Md5Lanes<V>& state, const V* block, S active) {
  Md5Lanes<V> s = state;
  Md5AllSteps(s, block, std::make_index_sequence<16>());
  state.a = Select(active, state.a + s.a, state.a);
  state.b = Select(active, state.b + s.b, state.b);
  state.c = Select(active, state.c + s.c, state.c);
  state.d = Select(active, state.d + s.d, state.d);
}

template <class Group>
SHARDCACHE_INLINE Md5Lanes<typename Group::V> Md5OfGroup(const Group& texts) {
  using V = typename Group::V;
  using S = typename Group::S;
  const S length = texts.lengths();
  const V one_bit = (V{} + 0x80) << AsWords((length & 3) * 8);
  Md5Lanes<V> state = {V{} + kMd5Start[0], V{} + kMd5Start[1], V{} + kMd5Start[2],
                       V{} + kMd5Start[3]};
  // After the text come a one bit and zeros, and its length in bits ends a block; so the last
  // block is number (length + 8) / 64.
  for (std::int32_t at = 0; at < texts.longest() + 9; at += 64) {
    V block[16];
    for (int w = 0; w < 16; w += Group::kLanes) texts.Load(at + 4 * w, block + w);
    for (int w = 0; w < 16; ++w) {
      const S here = (length >> 2) == at / 4 + w;
      block[w] |= AsWords(here) & one_bit;
    }
    const S last = ((length + 8) >> 6) == at / 64;
    block[14] = Select(last, AsWords(length << 3), block[14]);
    block[15] = Select(last, AsWords(length >> 29), block[15]);
    Md5AddBlock(state, block, ((length + 8) >> 6) > at / 64 - 1);
  }
  return state;
}

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_HASH_LANE_MD5_H_
