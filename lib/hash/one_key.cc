// One key at a time: what is gained here is mostly branches that depend on the last few bytes of
// a key, which processors predict badly. See the plain forms for what is computed.
#include "lib/hash/one_key.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <bit>
#include <cstddef>
#include <cstring>

#include "lib/hash/bytes.h"
#include "lib/hash/crc_clmul.h"
#include "lib/hash/each_byte.h"
#include "lib/hash/jenkins_mix.h"
#include "lib/hash/kernels.h"
#include "lib/hash/lane_md5.h"
#include "lib/hash/one_key_avx2.h"
#include "lib/hash/one_key_avx512.h"
#include "lib/hash/one_key_fnv.h"
#include "lib/hash/reference.h"

namespace shardcache::inline v0::internal {
namespace {

// The `count` bytes (0 to 4) before `end` as a word, zero above, read with the bytes before them.
// REQUIRES: four bytes of the key stand before `end`.
std::uint32_t WordBefore(const char* end, std::size_t count) {
  return static_cast<std::uint32_t>(std::uint64_t{Load32(end - 4)} >> (32 - 8 * count));
}

// `size` bytes (0 to 3) at `p` as a word, zero above.
std::uint32_t ShortWord(const char* p, std::size_t size) {
  if (size == 0) return 0;
  if (size == 1) return Byte(p);
  return Load16(p) | (size == 3 ? Byte(p + 2) << 16 : 0);
}

template <CharSign kSign>
std::uint32_t OneAtATime(std::string_view key) {
  std::uint32_t hash = 0;
  ForEachByte(key, [&](char byte) {
    // `byte` is added and then 1024 times the sum. What the byte makes of it is added apart from
    // the hash, for which it need not wait: four operations in a row, not five.
    const std::uint32_t addend = Widen(byte, kSign) * 1025;
    hash = (hash + addend) + (hash << 10);
    hash ^= hash >> 6;
  });
  hash += hash << 3;
  hash ^= hash >> 11;
  return hash + (hash << 15);
}

#if defined(__x86_64__)
bool HasClmul() {
  static const bool has =
      __builtin_cpu_supports("pclmul") != 0 && __builtin_cpu_supports("sse4.1") != 0;
  return has;
}

bool HasAvx2() {
  static const bool has =
      __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("bmi2") != 0;
  return has;
}

// Whether a vector's simplest operation takes two cycles, as from Zen 5 on; a word's takes one.
bool HasSlowVectorSteps() {
  static const bool has = [] {
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    if (!__builtin_cpu_is("amd") || __get_cpuid(1, &a, &b, &c, &d) == 0) return false;
    const unsigned family = (a >> 8 & 0xf) + (a >> 20 & 0xff);
    return family >= 0x1a;
  }();
  return has;
}

bool HasAvx512() { return SupportedKernels().back() == Kernel::kAvx512; }
#endif

}  // namespace

std::uint32_t WordwiseMurmur(std::string_view key) {
  constexpr std::uint32_t kMultiplier = 0x5bd1e995;
  const auto length = static_cast<std::uint32_t>(key.size());
  std::uint32_t hash = (0xdeadbeef * length) ^ length;
  const char* p = key.data();
  for (std::size_t quads = key.size() / 4; quads > 0; --quads, p += 4) {
    std::uint32_t block = Load32(p) * kMultiplier;
    block = (block ^ block >> 24) * kMultiplier;
    hash = (hash * kMultiplier) ^ block;
  }
  const std::size_t rest = key.size() % 4;
  const std::uint32_t last = key.size() < 4 ? ShortWord(p, rest) : WordBefore(p + rest, rest);
  const std::uint32_t with_rest = (hash ^ last) * kMultiplier;
  hash = rest == 0 ? hash : with_rest;
  hash = (hash ^ hash >> 13) * kMultiplier;
  return hash ^ hash >> 15;
}

std::uint32_t WordwiseJenkins(std::string_view key) {
  auto [a, b, c, p, left] = JenkinsStart(key);
  if (left > 8) {
    a += Load32(p), b += Load32(p + 4), c += WordBefore(p + left, left - 8);
  } else if (left > 4) {
    a += Load32(p), b += WordBefore(p + left, left - 4);
  } else if (key.size() >= 4) {
    a += WordBefore(p + left, left);
  } else if (left > 0) {
    a += ShortWord(p, left);
  } else {
    return c;
  }
  return JenkinsFinal(a, b, c);
}

// The lanes' steps, for a lane that is an ordinary word. The last block is put together as words:
// bytes written one by one could not be read back as words without a wait.
std::uint32_t WordwiseMd5(std::string_view key) {
  Md5Lanes<std::uint32_t> state = {kMd5Start[0], kMd5Start[1], kMd5Start[2], kMd5Start[3]};
  std::uint32_t block[16];
  const auto add_block = [&] {
    Md5Lanes<std::uint32_t> s = state;
    Md5AllSteps(s, block, std::make_index_sequence<16>());
    state = {state.a + s.a, state.b + s.b, state.c + s.c, state.d + s.d};
  };
  const char* p = key.data();
  std::size_t left = key.size();
  for (; left >= 64; left -= 64, p += 64) {
    std::memcpy(block, p, 64);
    add_block();
  }
  std::memset(block, 0, sizeof block);
  if (left > 0) std::memcpy(block, p, left);
  block[left / 4] |= std::uint32_t{0x80} << 8 * (left % 4);
  if (left >= 56) {
    add_block();
    std::memset(block, 0, sizeof block);
  }
  const std::uint64_t bits = std::uint64_t{key.size()} * 8;
  block[14] = static_cast<std::uint32_t>(bits);
  block[15] = static_cast<std::uint32_t>(bits >> 32);
  add_block();
  return state.a;
}

namespace {

std::uint32_t UpperCrc32(std::string_view key) {
  return FastestHash(HashFunction::kCrc32a, CharSign::kSigned)(key) >> 16 & 0x7fff;
}

template <CharSign kSign>
OneKeyHash FastestHashSigned(HashFunction function) {
  switch (function) {
    case HashFunction::kOneAtATime:
      return OneAtATime<kSign>;
    case HashFunction::kMd5:
#if defined(__x86_64__)
      if (HasAvx512()) return HasSlowVectorSteps() ? Md5Avx512InWords : Md5Avx512;
#endif
      return WordwiseMd5;
    case HashFunction::kCrc16:
      return FastCrc16;
    case HashFunction::kCrc32:
      return UpperCrc32;
    case HashFunction::kCrc32a:
#if defined(__x86_64__)
      if (HasWideClmul()) return Crc32aWideClmul;
      if (HasClmul()) return Crc32aClmul;
#endif
      return SlicedCrc32a;
    case HashFunction::kFnv1_64:
    case HashFunction::kFnv1a_64:
    case HashFunction::kFnv1_32:
    case HashFunction::kFnv1a_32:
#if defined(__x86_64__)
      if (kSign == CharSign::kUnsigned || HasAvx512()) return FnvInAssembly(function, kSign);
#endif
      return FnvByteByByte(function, kSign);
    case HashFunction::kHsieh:
      return [](std::string_view key) { return Hsieh(key, kSign); };
    case HashFunction::kMurmur:
#if defined(__x86_64__)
      if (HasAvx2()) return MurmurAvx2;
#endif
      return WordwiseMurmur;
    case HashFunction::kJenkins:
#if defined(__x86_64__)
      if (HasAvx512()) return JenkinsAvx512;
      if (HasAvx2()) return JenkinsAvx2;
#endif
      return WordwiseJenkins;
  }
  return nullptr;  // not reached: the enumeration is complete above
}

}  // namespace

OneKeyHash FastestHash(HashFunction function, CharSign sign) {
  return sign == CharSign::kSigned ? FastestHashSigned<CharSign::kSigned>(function)
                                   : FastestHashSigned<CharSign::kUnsigned>(function);
}

}  // namespace shardcache::inline v0::internal
