// The hashes against libhashkit, the library that twemproxy's were made from.
#include <gtest/gtest.h>
#include <libhashkit-1.0/hashkit.h>

#include <cstdint>
#include <string>

#include "shardcache/hash.h"
#include "tests/harness/random.h"

namespace shardcache {
namespace {

using Theirs = std::uint32_t (*)(const char*, std::size_t);

struct Pair {
  HashFunction ours;
  Theirs theirs;
};

std::string PairName(const ::testing::TestParamInfo<Pair>& info) {
  return std::string(HashName(info.param.ours));
}

class Hashkit : public ::testing::TestWithParam<Pair> {};

TEST_P(Hashkit, AgreesOnAMillionRandomKeysWithHighBytes) {
  testing::Random random;
  std::string key;
  for (int i = 0; i < 1000000; ++i) {
    // Every length up to memcached's 250, short ones more often; not empty, where libhashkit
    // has rules of its own.
    key.resize(1 + random.Bits() % (i % 4 == 0 ? 250 : 40));
    std::uint64_t bits = 0;
    for (std::size_t at = 0; at < key.size(); ++at) {
      if (at % 8 == 0) bits = random.Bits();
      key[at] = static_cast<char>(bits >> at % 8 * 8);
    }
    ASSERT_EQ(Hash(GetParam().ours, key), GetParam().theirs(key.data(), key.size()))
        << ::testing::PrintToString(key);
  }
}

INSTANTIATE_TEST_SUITE_P(Libmemcached, Hashkit,
                         ::testing::Values(Pair{HashFunction::kOneAtATime,
                                                libhashkit_one_at_a_time},
                                           Pair{HashFunction::kMd5, libhashkit_md5},
                                           Pair{HashFunction::kCrc32, libhashkit_crc32},
                                           Pair{HashFunction::kFnv1_64, libhashkit_fnv1_64},
                                           Pair{HashFunction::kFnv1a_64, libhashkit_fnv1a_64},
                                           Pair{HashFunction::kFnv1_32, libhashkit_fnv1_32},
                                           Pair{HashFunction::kFnv1a_32, libhashkit_fnv1a_32},
                                           Pair{HashFunction::kMurmur, libhashkit_murmur},
                                           Pair{HashFunction::kJenkins, libhashkit_jenkins}),
                         PairName);

// Debian builds libhashkit without hsieh, where it answers 0; nor has libhashkit a crc16 or
// crc32a to call. Those three are held against nutcracker alone (golden_test, live_placement_test).
TEST(HashkitOfThisMachine, HasNoHsiehToCompareWith) {
  EXPECT_FALSE(libhashkit_has_algorithm(HASHKIT_HASH_HSIEH));
}

}  // namespace
}  // namespace shardcache
