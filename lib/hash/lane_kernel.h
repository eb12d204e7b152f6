// The functions of a kernel, made for an instruction set (see lanes.h).
#ifndef SHARDCACHE_LIB_HASH_LANE_KERNEL_H_
#define SHARDCACHE_LIB_HASH_LANE_KERNEL_H_

#include "lib/hash/kernels.h"
#include "lib/hash/lane_hashes.h"
#include "lib/hash/lane_md5.h"

namespace shardcache::inline v0::internal {

template <class Isa>
struct LaneKernel {
  using Group = KeyGroup<Isa>;

  static void Hash(HashFunction function, CharSign sign, const char* const* data,
                   const std::int32_t* length, std::size_t count, std::uint32_t* hashes) {
    if (sign == CharSign::kSigned) {
      HashSigned<CharSign::kSigned>(function, data, length, count, hashes);
    } else {
      HashSigned<CharSign::kUnsigned>(function, data, length, count, hashes);
    }
  }

  static void Md5(const char* const* data, const std::int32_t* length, std::size_t count,
                  Digest* digests) {
    for (std::size_t i = 0; i < count; i += Group::kKeys) {
      const Md5Lanes<typename Group::V> words = Md5OfGroup(Group(data + i, length + i));
      std::uint32_t by_word[4][Group::kKeys];
      Group::Store(words.a, by_word[0]);
      Group::Store(words.b, by_word[1]);
      Group::Store(words.c, by_word[2]);
      Group::Store(words.d, by_word[3]);
      auto* const out = reinterpret_cast<std::uint32_t*>(digests + i);
      for (int key = 0; key < Group::kKeys; ++key) {
        for (int word = 0; word < 4; ++word) out[4 * key + word] = by_word[word][key];
      }
    }
  }

  static constexpr KernelFunctions kFunctions = {Group::kKeys, 4 * Group::kLanes, Hash, Md5};

 private:
  template <CharSign kSign>
  static void HashSigned(HashFunction function, const char* const* data, const std::int32_t* length,
                         std::size_t count, std::uint32_t* hashes) {
    constexpr std::uint32_t kBasis32 = 0x811c9dc5, kPrime32 = 0x01000193;
    constexpr std::uint32_t kBasis64 = 0x84222325, kPrime64 = 0x000001b3;  // their low halves
    switch (function) {
      case HashFunction::kOneAtATime:
        return Each<ByteLanes<Group, kSign, OneAtATimeRule>>(data, length, count, hashes);
      case HashFunction::kFnv1_64:
        return Each<FnvLanes<Group, kSign, false, kBasis64, kPrime64>>(data, length, count, hashes);
      case HashFunction::kFnv1a_64:
        return Each<FnvLanes<Group, kSign, true, kBasis64, kPrime64>>(data, length, count, hashes);
      case HashFunction::kFnv1_32:
        return Each<FnvLanes<Group, kSign, false, kBasis32, kPrime32>>(data, length, count, hashes);
      case HashFunction::kFnv1a_32:
        return Each<FnvLanes<Group, kSign, true, kBasis32, kPrime32>>(data, length, count, hashes);
      case HashFunction::kHsieh:
        return Each<HsiehLanes<Group, kSign>>(data, length, count, hashes);
      case HashFunction::kMurmur:
        return Each<MurmurLanes<Group>>(data, length, count, hashes);
      case HashFunction::kJenkins:
        return Each<JenkinsLanes<Group>>(data, length, count, hashes);
      case HashFunction::kMd5:
        for (std::size_t i = 0; i < count; i += Group::kKeys) {
          Group::Store(Md5OfGroup(Group(data + i, length + i)).a, hashes + i);
        }
        return;
      case HashFunction::kCrc16:
      case HashFunction::kCrc32:
      case HashFunction::kCrc32a:
        return;  // not in lanes: see batch.cc
    }
  }

  template <class Hash>
  static void Each(const char* const* data, const std::int32_t* length, std::size_t count,
                   std::uint32_t* hashes) {
    for (std::size_t i = 0; i < count; i += Group::kKeys) {
      Group::Store(HashGroup<Hash>(Group(data + i, length + i)), hashes + i);
    }
  }
};

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_HASH_LANE_KERNEL_H_
