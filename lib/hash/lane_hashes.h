// The hashes of reference.h for a group of keys at a time, one key in each vector lane.
//
// Each is a struct with a start, `Add` and `Finish`, that is given its keys four bytes (jenkins:
// twelve) at a time, zero where a key has ended. There are two forms of Add: one for bytes that
// every key of the group has, and one with `left`, how many bytes each key still has from here
// (zero or less if it has ended), which must leave the lanes of ended keys as they are. Beyond
// that the arithmetic is, lane by lane, the reference's.
#ifndef SHARDCACHE_LIB_HASH_LANE_HASHES_H_
#define SHARDCACHE_LIB_HASH_LANE_HASHES_H_

#include "lib/hash/lanes.h"
#include "shardcache/hash.h"

namespace shardcache::inline v0::internal {

// Byte `i` of each word, as Widen() makes it.
template <CharSign kSign, class V>
SHARDCACHE_INLINE V WidenByte(V word, int i) {
  if constexpr (kSign == CharSign::kSigned) return AsWords(AsSigned(word << (24 - 8 * i)) >> 24);
  return word >> (8 * i) & 0xff;
}

// Hashes that take the key byte by byte: kStart, Step(hash, byte) and End(hash) say the rest.
template <class Group, CharSign kSign, class Rule>
struct ByteLanes {
  using V = typename Group::V;
  using S = typename Group::S;
  static constexpr int kWords = 1;

  V hash;

  explicit SHARDCACHE_INLINE ByteLanes(const Group&) : hash(V{} + Rule::kStart) {}

  SHARDCACHE_INLINE void Add(const V* word) {
    for (int i = 0; i < 4; ++i) hash = Rule::Step(hash, WidenByte<kSign>(*word, i));
  }
  SHARDCACHE_INLINE void Add(const V* word, S left) {
    for (int i = 0; i < 4; ++i) {
      hash = Select(left > i, Rule::Step(hash, WidenByte<kSign>(*word, i)), hash);
    }
  }
  SHARDCACHE_INLINE V Finish(const Group&) { return Rule::End(hash); }
};

// FNV of either order. A zero byte does no more than multiply by the prime, so ended keys go on
// with the others, and Finish takes as many factors out again: the prime is odd and so has an
// inverse modulo 2^32.
template <class Group, CharSign kSign, bool kXorFirst, std::uint32_t kBasis, std::uint32_t kPrime>
struct FnvLanes {
  using V = typename Group::V;
  using S = typename Group::S;
  static constexpr int kWords = 1;

  V hash;

  explicit SHARDCACHE_INLINE FnvLanes(const Group&) : hash(V{} + kBasis) {}

  SHARDCACHE_INLINE void Add(const V* word) {
    for (int i = 0; i < 4; ++i) {
      const V byte = WidenByte<kSign>(*word, i);
      hash = kXorFirst ? (hash ^ byte) * kPrime : (hash * kPrime) ^ byte;
    }
  }
  SHARDCACHE_INLINE void Add(const V* word, S) { Add(word); }
  SHARDCACHE_INLINE V Finish(const Group& keys) {
    const std::int32_t bytes = (keys.longest() + 3) / 4 * 4;  // that were added to each lane
    const V excess = AsWords(S{} + bytes - keys.lengths());
    std::uint32_t factor = Inverse();
    for (std::int32_t bit = 1; bit <= bytes - keys.shortest(); bit *= 2, factor *= factor) {
      hash = Select((excess & bit) == static_cast<std::uint32_t>(bit), hash * factor, hash);
    }
    return hash;
  }

 private:
  // By Newton's method: each round doubles the number of low bits that are right, from 3 on.
  static constexpr std::uint32_t Inverse() {
    std::uint32_t inverse = kPrime;
    for (int round = 0; round < 4; ++round) inverse *= 2 - kPrime * inverse;
    return inverse;
  }
  static_assert(Inverse() * kPrime == 1);
};

struct OneAtATimeRule {
  static constexpr std::uint32_t kStart = 0;
  template <class V>
  static SHARDCACHE_INLINE V Step(V hash, V byte) {
    hash += byte;
    hash += hash << 10;
    return hash ^ hash >> 6;
  }
  template <class V>
  static SHARDCACHE_INLINE V End(V hash) {
    hash += hash << 3;
    hash ^= hash >> 11;
    return hash + (hash << 15);
  }
};

// What is not a whole word at a key's end is kept in `rest` and added by Finish. Words past the
// end are zero, so that adding them to `rest` as well does no harm.
template <class Group>
struct MurmurLanes {
  using V = typename Group::V;
  using S = typename Group::S;
  static constexpr int kWords = 1;
  static constexpr std::uint32_t kMultiplier = 0x5bd1e995;

  V hash;
  V rest = {};

  explicit SHARDCACHE_INLINE MurmurLanes(const Group& keys) {
    const V length = AsWords(keys.lengths());
    hash = (length * 0xdeadbeef) ^ length;
  }

  static SHARDCACHE_INLINE V Step(V hash, V word) {
    word *= kMultiplier;
    word = (word ^ word >> 24) * kMultiplier;
    return (hash * kMultiplier) ^ word;
  }
  SHARDCACHE_INLINE void Add(const V* word) { hash = Step(hash, *word); }
  SHARDCACHE_INLINE void Add(const V* word, S left) {
    const S whole = left > 3;
    hash = Select(whole, Step(hash, *word), hash);
    rest |= ~AsWords(whole) & *word;
  }
  SHARDCACHE_INLINE V Finish(const Group& keys) {
    hash = Select((keys.lengths() & 3) > 0, (hash ^ rest) * kMultiplier, hash);
    hash = (hash ^ hash >> 13) * kMultiplier;
    return hash ^ hash >> 15;
  }
};

// The same way of keeping the rest.
template <class Group, CharSign kSign>
struct HsiehLanes {
  using V = typename Group::V;
  using S = typename Group::S;
  static constexpr int kWords = 1;

  V hash = {};
  V rest = {};

  explicit SHARDCACHE_INLINE HsiehLanes(const Group&) {}

  static SHARDCACHE_INLINE V Step(V hash, V word) {
    hash += word & 0xffff;
    hash = hash << 16 ^ word >> 16 << 11 ^ hash;
    return hash + (hash >> 11);
  }
  SHARDCACHE_INLINE void Add(const V* word) { hash = Step(hash, *word); }
  SHARDCACHE_INLINE void Add(const V* word, S left) {
    const S whole = left > 3;
    hash = Select(whole, Step(hash, *word), hash);
    rest |= ~AsWords(whole) & *word;
  }
  SHARDCACHE_INLINE V Finish(const Group& keys) {
    const V sum = hash + (rest & 0xffff);  // in each case the rest's first two bytes are added
    V three = sum ^ sum << 16 ^ WidenByte<kSign>(rest, 2) << 18;
    three += three >> 11;
    V two = sum ^ sum << 11;
    two += two >> 17;
    V one = sum ^ sum << 10;
    one += one >> 1;
    const S over = keys.lengths() & 3;
    hash = Select(over == 3, three, Select(over == 2, two, Select(over == 1, one, hash)));
    hash ^= hash << 3;
    hash += hash >> 5;
    hash ^= hash << 4;
    hash += hash >> 17;
    hash ^= hash << 25;
    return hash + (hash >> 6);
  }
};

// A key's last 1 to 12 bytes are added like the others but not mixed; nor are the zeros added
// after them, which change nothing. So at the end every lane, the empty keys' apart, awaits the
// final mix alone.
template <class Group>
struct JenkinsLanes {
  using V = typename Group::V;
  using S = typename Group::S;
  static constexpr int kWords = 3;

  V a, b, c;

  explicit SHARDCACHE_INLINE JenkinsLanes(const Group& keys) {
    a = b = c = AsWords(keys.lengths()) + (0xdeadbeef + 13);
  }

  // `left` counts here as well: no lane may mix its last bytes.
  SHARDCACHE_INLINE void Add(const V* words) {
    a += words[0], b += words[1], c += words[2];
    Mix();
  }
  SHARDCACHE_INLINE void Add(const V* words, S left) {
    a += words[0], b += words[1], c += words[2];
    const JenkinsLanes before = *this;
    Mix();
    const S more = left > 12;
    a = Select(more, a, before.a), b = Select(more, b, before.b), c = Select(more, c, before.c);
  }
  SHARDCACHE_INLINE V Finish(const Group& keys) {
    const V unmixed = c;
    c ^= b, c -= RotateLeft(b, 14);
    a ^= c, a -= RotateLeft(c, 11);
    b ^= a, b -= RotateLeft(a, 25);
    c ^= b, c -= RotateLeft(b, 16);
    a ^= c, a -= RotateLeft(c, 4);
    b ^= a, b -= RotateLeft(a, 14);
    c ^= b, c -= RotateLeft(b, 24);
    return Select(keys.lengths() == 0, unmixed, c);
  }

 private:
  SHARDCACHE_INLINE void Mix() {
    a -= c, a ^= RotateLeft(c, 4), c += b;
    b -= a, b ^= RotateLeft(a, 6), a += c;
    c -= b, c ^= RotateLeft(b, 8), b += a;
    a -= c, a ^= RotateLeft(c, 16), c += b;
    b -= a, b ^= RotateLeft(a, 19), a += c;
    c -= b, c ^= RotateLeft(b, 4), b += a;
  }
};

// Whether every key of the group has the `bytes` bytes from here on, and so Add needs no `left`.
// For jenkins they must not be the last ones either.
template <class Hash>
constexpr std::int32_t kBytesForPlainAdd = 4 * Hash::kWords + (Hash::kWords == 3 ? 1 : 0);

template <class Hash, class Group>
SHARDCACHE_INLINE typename Group::V HashGroup(const Group& keys) {
  // As many words are loaded at a time as there are lanes, since a square is transposed. Those
  // that make no whole step of the hash are loaded again.
  constexpr int kWords = Group::kLanes / Hash::kWords * Hash::kWords;
  Hash hash(keys);
  for (std::int32_t at = 0; at < keys.longest(); at += 4 * kWords) {
    typename Group::V words[Group::kLanes];
    keys.Load(at, words);
    for (int w = 0; w < kWords && at + 4 * w < keys.longest(); w += Hash::kWords) {
      const std::int32_t here = at + 4 * w;
      if (here + kBytesForPlainAdd<Hash> <= keys.shortest()) {
        hash.Add(words + w);
      } else {
        hash.Add(words + w, keys.lengths() - here);
      }
    }
  }
  return hash.Finish(keys);
}

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_HASH_LANE_HASHES_H_
