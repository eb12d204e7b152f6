// Vectors of 32-bit words, one key per word ("lane"), and several such vectors as one.
//
// Written with the vector extensions that GCC and clang share, for 4, 8 and 16 lanes (128, 256
// and 512 bits). The files that include this one are compiled for processors that the program
// may not run on. So nothing in it may become the one copy of an inline function that the linker
// keeps for all: everything is forced inline, and of the standard library only types and
// compile-time things are used.
#ifndef SHARDCACHE_LIB_HASH_WIDE_H_
#define SHARDCACHE_LIB_HASH_WIDE_H_

#include <concepts>
#include <cstdint>

#define SHARDCACHE_INLINE inline __attribute__((always_inline))

namespace shardcache::inline v0::internal {

template <int kLanes>
struct VectorTypes {
  using Words __attribute__((vector_size(4 * kLanes))) = std::uint32_t;
  using Signed __attribute__((vector_size(4 * kLanes))) = std::int32_t;
};
template <int kLanes>
using Vector = typename VectorTypes<kLanes>::Words;
// For lengths (which are below 2^31) and for the masks that comparisons give: -1 or 0 per lane.
template <int kLanes>
using SignedVector = typename VectorTypes<kLanes>::Signed;

// Two vectors, or two such pairs, that go through the same operations: one computes while the
// other waits for its last result, which hides the latency of multiplications and of MD5.
template <class T>
struct Pair {
  T first, second;

#define SHARDCACHE_OPERATOR(op)                               \
  friend SHARDCACHE_INLINE Pair operator op(Pair a, Pair b) { \
    return {a.first op b.first, a.second op b.second};        \
  }                                                           \
  template <std::integral N>                                  \
  friend SHARDCACHE_INLINE Pair operator op(Pair a, N b) {    \
    return {a.first op b, a.second op b};                     \
  }
#define SHARDCACHE_OPERATOR_AND_ASSIGNMENT(op)                  \
  SHARDCACHE_OPERATOR(op)                                       \
  template <class B>                                            \
  friend SHARDCACHE_INLINE Pair& operator op##=(Pair& a, B b) { \
    return a = a op b;                                          \
  }
  SHARDCACHE_OPERATOR_AND_ASSIGNMENT(+)
  SHARDCACHE_OPERATOR_AND_ASSIGNMENT(-)
  SHARDCACHE_OPERATOR_AND_ASSIGNMENT(*)
  SHARDCACHE_OPERATOR_AND_ASSIGNMENT(&)
  SHARDCACHE_OPERATOR_AND_ASSIGNMENT(|)
  SHARDCACHE_OPERATOR_AND_ASSIGNMENT(^)
  SHARDCACHE_OPERATOR(<<)
  SHARDCACHE_OPERATOR(>>)
  SHARDCACHE_OPERATOR(>)
  SHARDCACHE_OPERATOR(==)
#undef SHARDCACHE_OPERATOR_AND_ASSIGNMENT
#undef SHARDCACHE_OPERATOR
  friend SHARDCACHE_INLINE Pair operator~(Pair a) { return {~a.first, ~a.second}; }
};

// The types of a group of kVectors (1, 2, 4, ...) vectors of kLanes lanes.
template <int kLanes, int kVectors>
struct WideTypes {
  using Words = Pair<typename WideTypes<kLanes, kVectors / 2>::Words>;
  using Signed = Pair<typename WideTypes<kLanes, kVectors / 2>::Signed>;
};
template <int kLanes>
struct WideTypes<kLanes, 1> : VectorTypes<kLanes> {};

// The functions below are for vectors and pairs alike.

template <class V>
SHARDCACHE_INLINE auto AsWords(V v) {
  return reinterpret_cast<Vector<sizeof(V) / 4>>(v);
}
template <class T>
SHARDCACHE_INLINE auto AsWords(Pair<T> v) {
  return Pair<decltype(AsWords(v.first))>{AsWords(v.first), AsWords(v.second)};
}

template <class V>
SHARDCACHE_INLINE auto AsSigned(V v) {
  return reinterpret_cast<SignedVector<sizeof(V) / 4>>(v);
}
template <class T>
SHARDCACHE_INLINE auto AsSigned(Pair<T> v) {
  return Pair<decltype(AsSigned(v.first))>{AsSigned(v.first), AsSigned(v.second)};
}

// In each lane `a` where the mask is -1, `b` where it is 0.
template <class S, class V>
SHARDCACHE_INLINE V Select(S mask, V a, V b) {
  return mask ? a : b;
}
template <class S, class T>
SHARDCACHE_INLINE Pair<T> Select(Pair<S> mask, Pair<T> a, Pair<T> b) {
  return {Select(mask.first, a.first, b.first), Select(mask.second, a.second, b.second)};
}

template <class V>
SHARDCACHE_INLINE V RotateLeft(V v, int bits) {
  return v << bits | v >> (32 - bits);
}

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_HASH_WIDE_H_
