#include "lib/hash/one_key_fnv.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/hash/each_byte.h"
#include "lib/hash/reference.h"
#include "lib/hash/wide.h"

namespace shardcache::inline v0::internal {
namespace {

// See fnv.cc for the four of them.
enum class Order : std::uint8_t { kMultiplyFirst, kByteFirst };  // FNV-1, FNV-1a
template <Order kTheOrder, std::uint32_t kTheBasis, std::uint32_t kThePrime>
struct Kind {
  static constexpr Order kOrder = kTheOrder;
  static constexpr std::uint32_t kBasis = kTheBasis;
  static constexpr std::uint32_t kPrime = kThePrime;
};
using Fnv1Of64 = Kind<Order::kMultiplyFirst, 0x84222325, 0x000001b3>;
using Fnv1aOf64 = Kind<Order::kByteFirst, 0x84222325, 0x000001b3>;
using Fnv1Of32 = Kind<Order::kMultiplyFirst, 0x811c9dc5, 0x01000193>;
using Fnv1aOf32 = Kind<Order::kByteFirst, 0x811c9dc5, 0x01000193>;

template <class K>
SHARDCACHE_INLINE void Step(std::uint32_t& hash, std::uint32_t byte) {
  hash = K::kOrder == Order::kByteFirst ? (hash ^ byte) * K::kPrime : (hash * K::kPrime) ^ byte;
}

template <class K, CharSign kSign>
std::uint32_t ByteByByte(std::string_view key) {
  std::uint32_t hash = K::kBasis;
  ForEachByte(key, [&](char byte) { Step<K>(hash, Widen(byte, kSign)); });
  return hash;
}

// What `form` gives for the kind of FNV that `function` is, or null.
template <class Form>
OneKeyHash OfKind(HashFunction function, Form form) {
  switch (function) {
    case HashFunction::kFnv1_64:
      return form(Fnv1Of64());
    case HashFunction::kFnv1a_64:
      return form(Fnv1aOf64());
    case HashFunction::kFnv1_32:
      return form(Fnv1Of32());
    case HashFunction::kFnv1a_32:
      return form(Fnv1aOf32());
    default:
      return nullptr;
  }
}

#if defined(__x86_64__)
#define SHARDCACHE_ROW(steps, end, first, second)                                 \
  ".set .Lleft, " #steps "\n\t.rept " #steps "\n\t" first("-.Lleft(%[" #end "])") \
      second("-.Lleft(%[" #end "])") ".set .Lleft, .Lleft - 1\n\t.endr\n\t"
#define SHARDCACHE_XOR(byte) "xorb " byte ", %%al\n\t"
#define SHARDCACHE_MULTIPLY(byte) "imull %[prime], %%eax, %%eax\n\t"
// Eight steps, and as many of 56 as `rest` bytes of code are: 9 for each. An assembler that makes
// them longer or shorter has to move backwards in the last line, which it refuses.
#define SHARDCACHE_STEPS(first, second) \
  asm("leaq 2f(%%rip), %[target]\n\t"                                                      \
      "subq %[rest], %[target]\n\t" SHARDCACHE_ROW(8, eighth, first, second)               \
      "notrack jmp *%[target]\n\t"                                                         \
      "1:\n\t" SHARDCACHE_ROW(56, end, first, second) "2:\n\t"                             \
      ".org 1b + 56 * 9\n\t.org 2b + (2b - 1b) - 56 * 9"                                      \
      : "+a"(hash), [target] "=&r"(target)                                                 \
      : [rest] "r"(9 * (key.size() - 8)), [eighth] "S"(key.data() + 8),                    \
        [end] "D"(key.data() + key.size()), [prime] "i"(K::kPrime)                         \
      : "cc", "memory")

// ForEachByte() with Step() of unsigned bytes. Compilers load a byte into a register of its own,
// where one instruction can load it and change the lowest byte of the hash as well. And since all
// steps are equally long here, where to jump need not be loaded from a table. Both leave more room
// for the next key to begin while this one's steps wait for each other.
// REQUIRES: 8 <= key.size() <= 64.
template <class K>
SHARDCACHE_INLINE std::uint32_t UnsignedInAssembly(std::string_view key) {
  std::uint32_t hash = K::kBasis;
  const char* target;
  if constexpr (K::kOrder == Order::kByteFirst) {
    SHARDCACHE_STEPS(SHARDCACHE_XOR, SHARDCACHE_MULTIPLY);
  } else {
    SHARDCACHE_STEPS(SHARDCACHE_MULTIPLY, SHARDCACHE_XOR);
  }
  return hash;
}
#undef SHARDCACHE_STEPS
#undef SHARDCACHE_MULTIPLY
#undef SHARDCACHE_XOR
#undef SHARDCACHE_ROW

template <class K>
std::uint32_t Unsigned(std::string_view key) {
  if (key.size() - 8 > 56) [[unlikely]]
    return ByteByByte<K, CharSign::kUnsigned>(key);
  return UnsignedInAssembly<K>(key);
}

// Signed bytes are as unsigned ones where none is above 127, which a masked load of all of them
// shows; it reads nothing more.
template <class K>
__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,bmi2"))) std::uint32_t Signed(
    std::string_view key) {
  if (key.size() - 8 > 56) [[unlikely]]
    return ByteByByte<K, CharSign::kSigned>(key);
  const std::uint64_t mask = _bzhi_u64(~std::uint64_t{0}, static_cast<unsigned>(key.size()));
  if (_mm512_movepi8_mask(_mm512_maskz_loadu_epi8(mask, key.data())) != 0) [[unlikely]]
    return ByteByByte<K, CharSign::kSigned>(key);
  return UnsignedInAssembly<K>(key);
}

#endif

}  // namespace

OneKeyHash FnvByteByByte(HashFunction function, CharSign sign) {
  return OfKind(function, [sign]<class K>(K) -> OneKeyHash {
    return sign == CharSign::kSigned ? ByteByByte<K, CharSign::kSigned>
                                     : ByteByByte<K, CharSign::kUnsigned>;
  });
}

#if defined(__x86_64__)
OneKeyHash FnvInAssembly(HashFunction function, CharSign sign) {
  return OfKind(function, [sign]<class K>(K) -> OneKeyHash {
    return sign == CharSign::kSigned ? Signed<K> : Unsigned<K>;
  });
}
#endif

}  // namespace shardcache::inline v0::internal
