#include "shardcache/hash.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "lib/hash/reference.h"
#include "tests/unit/guarded_bytes.h"
#include "tests/unit/plain_hashes.h"

namespace shardcache {
namespace {

using namespace std::string_view_literals;
using testing::GuardedBytes;
using testing::PlainHash;

constexpr std::array kSigns = {CharSign::kSigned, CharSign::kUnsigned};

std::string RandomKey(std::mt19937& random, std::size_t length) {
  std::string key(length, '\0');
  for (char& byte : key) byte = static_cast<char>(random());
  return key;
}

std::uint32_t Plain(HashFunction function, std::string_view key, CharSign sign) {
  return sign == CharSign::kSigned ? PlainHash<signed char>(function, key)
                                   : PlainHash<unsigned char>(function, key);
}

// The twelve values are in libmemcached's tests (tests/hash_results.h) for the key "apple".
TEST(Hash, HasLibmemcachedsValuesForApple) {
  EXPECT_EQ(Hash(HashFunction::kOneAtATime, "apple"), 2297466611U);
  EXPECT_EQ(Hash(HashFunction::kMd5, "apple"), 3195025439U);
  EXPECT_EQ(Hash(HashFunction::kCrc16, "apple"), 3662830516U);
  EXPECT_EQ(Hash(HashFunction::kCrc32, "apple"), 10542U);
  EXPECT_EQ(Hash(HashFunction::kCrc32a, "apple"), 2838417488U);
  EXPECT_EQ(Hash(HashFunction::kFnv1_32, "apple"), 67176023U);
  EXPECT_EQ(Hash(HashFunction::kFnv1a_32, "apple"), 280767167U);
  EXPECT_EQ(Hash(HashFunction::kFnv1_64, "apple"), 473199127U);
  EXPECT_EQ(Hash(HashFunction::kFnv1a_64, "apple"), 1488911807U);
  EXPECT_EQ(Hash(HashFunction::kHsieh, "apple"), 3738850110U);
  EXPECT_EQ(Hash(HashFunction::kMurmur, "apple"), 4142305122U);
  EXPECT_EQ(Hash(HashFunction::kJenkins, "apple"), 1442444624U);
}

// Check values that the functions' own authors or standards publish, where twemproxy's form
// is the published one: CRC catalogue (CRC-32/ISO-HDLC, CRC-16/XMODEM), draft-eastlake-fnv.
TEST(Hash, HasPublishedCheckValuesWhereItIsThePublishedFunction) {
  EXPECT_EQ(Hash(HashFunction::kCrc32a, "123456789"), 0xcbf43926U);
  EXPECT_EQ(Hash(HashFunction::kCrc32, "123456789"), 0xcbf43926U >> 16 & 0x7fff);
  EXPECT_EQ(Hash(HashFunction::kCrc16, "123456789") & 0xffff, 0x31c3U);
  EXPECT_EQ(Hash(HashFunction::kFnv1_32, "foobar"), 0x31f0b262U);
  EXPECT_EQ(Hash(HashFunction::kFnv1a_32, "foobar"), 0xbf9cf968U);
  EXPECT_EQ(Hash(HashFunction::kFnv1_64, "foobar"), 0xa4dda9c2U);  // of 0x340d8765a4dda9c2
}

// RFC 1321, appendix A.5; the digests' bytes as little-endian words.
TEST(Md5Words, HasTheDigestsOfRfc1321) {
  using Words = std::array<std::uint32_t, 4>;
  EXPECT_EQ(internal::Md5Words(""), (Words{0xd98c1dd4, 0x04b2008f, 0x980980e9, 0x7e42f8ec}));
  EXPECT_EQ(internal::Md5Words("a"), (Words{0xb975c10c, 0xa8b6f1c0, 0xe299c331, 0x61267769}));
  EXPECT_EQ(internal::Md5Words("abc"), (Words{0x98500190, 0xb04fd23c, 0x7d3f96d6, 0x727fe128}));
  EXPECT_EQ(internal::Md5Words("message digest"),
            (Words{0x7d696bf9, 0x8d93b77c, 0x312f5a52, 0xd061f1aa}));
  EXPECT_EQ(internal::Md5Words("abcdefghijklmnopqrstuvwxyz"),
            (Words{0xd7d3fcc3, 0x00e49261, 0x6c49fb7d, 0x3be167ca}));
  EXPECT_EQ(internal::Md5Words("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"),
            (Words{0x98ab74d1, 0xf5d977d2, 0x2c1c61a5, 0x9f9d419f}));
  EXPECT_EQ(internal::Md5Words("1234567890123456789012345678901234567890"
                               "1234567890123456789012345678901234567890"),
            (Words{0xa2f4ed57, 0x55c9e32b, 0x2eda49ac, 0x7ab60721}));
}

TEST(Hash, OfAnEmptyKeyIsTheFunctionsStart) {
  constexpr std::array<std::pair<HashFunction, std::uint32_t>, 12> kEmpty = {{
      {HashFunction::kOneAtATime, 0},
      {HashFunction::kMd5, 0xd98c1dd4},  // RFC 1321: d41d8cd9...
      {HashFunction::kCrc16, 0},
      {HashFunction::kCrc32, 0},
      {HashFunction::kCrc32a, 0},
      {HashFunction::kFnv1_64, 0x84222325},
      {HashFunction::kFnv1a_64, 0x84222325},
      {HashFunction::kFnv1_32, 0x811c9dc5},
      {HashFunction::kFnv1a_32, 0x811c9dc5},
      {HashFunction::kHsieh, 0},
      {HashFunction::kMurmur, 0},
      {HashFunction::kJenkins, 0xdeadbeef + 13},  // the unmixed start
  }};
  for (const auto& [function, value] : kEmpty) {
    for (CharSign sign : kSigns) {
      EXPECT_EQ(Hash(function, "", sign), value) << HashName(function);
      EXPECT_EQ(Hash(function, std::string_view(), sign), value) << HashName(function);
    }
  }
}

TEST(Hash, CountsNulBytes) {
  for (HashFunction function : kHashFunctions) {
    // CRC-16 starts from zero, and so does not see leading zeros; crc32 keeps 15 bits.
    EXPECT_NE(Hash(function, "a\0b"sv), Hash(function, "ab"sv)) << HashName(function);
    EXPECT_NE(Hash(function, "a\0b"sv), Hash(function, "a"sv)) << HashName(function);
    EXPECT_NE(Hash(function, "a\0"sv), Hash(function, "a"sv)) << HashName(function);
  }
}

TEST(Hash, ReadsHighBytesThroughTheGivenChar) {
  std::mt19937 random(1);
  for (int round = 0; round < 200000; ++round) {
    const std::string key = RandomKey(random, random() % 40);
    for (HashFunction function : kHashFunctions) {
      for (CharSign sign : kSigns) {
        ASSERT_EQ(Hash(function, key, sign), Plain(function, key, sign)) << HashName(function);
      }
    }
  }
}

TEST(Hash, DiffersBySignOfCharExactlyWhereItSaysSo) {
  for (HashFunction function : kHashFunctions) {
    bool differs = false;
    for (std::string_view key :
         {"\xff"sv, "ab\x80"sv, "caf\xc3\xa9"sv, "\xe6\x97\xa5\xe6\x9c\xac"sv}) {
      differs |= Hash(function, key, CharSign::kSigned) != Hash(function, key, CharSign::kUnsigned);
    }
    EXPECT_EQ(differs, DependsOnCharSign(function)) << HashName(function);
    EXPECT_EQ(Hash(function, "plain ASCII\x7f", CharSign::kSigned),
              Hash(function, "plain ASCII\x7f", CharSign::kUnsigned));
  }
}

TEST(Hash, TakesCharAsSignedUnlessToldOtherwise) {
  for (HashFunction function : kHashFunctions) {
    EXPECT_EQ(Hash(function, "na\xc3\xafve"), Hash(function, "na\xc3\xafve", CharSign::kSigned));
  }
}

TEST(Hash, ReadsNoByteOutsideTheKeyAtAnyLengthAndAlignment) {
  const GuardedBytes guarded(1);
  const std::span<char> page = guarded.bytes();
  std::mt19937 random(2);
  for (std::size_t length = 0; length <= 300; ++length) {
    const std::string key = RandomKey(random, length);
    char* const at_end = page.data() + page.size() - length;
    const auto expect_same = [&](const char* at) {
      for (HashFunction function : kHashFunctions) {
        for (CharSign sign : kSigns) {
          ASSERT_EQ(Hash(function, {at, length}, sign), Hash(function, key, sign))
              << HashName(function) << " of " << length << " bytes";
        }
      }
    };
    std::copy(key.begin(), key.end(), at_end);
    expect_same(at_end);
    for (std::size_t alignment = 0; alignment < 16; ++alignment) {
      std::copy(key.begin(), key.end(), page.data() + alignment);
      expect_same(page.data() + alignment);
    }
  }
}

TEST(Hash, TakesKeysOf64KiBAndBeyond) {
  std::mt19937 random(3);
  for (std::size_t length : {65535U, 65536U, 65537U, 100003U, (1U << 20) + 13U}) {
    const std::string key = RandomKey(random, length);
    const std::string other = key.substr(0, length - 1) + static_cast<char>(~key.back());
    for (HashFunction function : kHashFunctions) {
      for (CharSign sign : kSigns) {
        EXPECT_EQ(Hash(function, key, sign), Plain(function, key, sign)) << HashName(function);
      }
      EXPECT_NE(Hash(function, key), Hash(function, other)) << HashName(function);
    }
  }
}

TEST(Hash, Crc32HasFifteenBits) {
  std::mt19937 random(4);
  for (int i = 0; i < 1000; ++i) {
    const std::string key = RandomKey(random, 20);
    EXPECT_LT(Hash(HashFunction::kCrc32, key), 32768U);
    EXPECT_EQ(Hash(HashFunction::kCrc32, key), Hash(HashFunction::kCrc32a, key) >> 16 & 0x7fff);
  }
}

TEST(HashName, IsTwemproxysAndReadsBack) {
  constexpr std::array kNames = {"one_at_a_time"sv, "md5"sv,     "crc16"sv,    "crc32"sv,
                                 "crc32a"sv,        "fnv1_64"sv, "fnv1a_64"sv, "fnv1_32"sv,
                                 "fnv1a_32"sv,      "hsieh"sv,   "murmur"sv,   "jenkins"sv};
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    EXPECT_EQ(HashName(kHashFunctions[i]), kNames[i]);
    EXPECT_EQ(ParseHashName(kNames[i]), kHashFunctions[i]);
  }
}

TEST(ParseHashName, RefusesOtherNamesAndOtherCase) {
  for (std::string_view name : {""sv, "MD5"sv, "Fnv1a_64"sv, "fnv1a_64 "sv, "fnv"sv, "sha1"sv}) {
    EXPECT_EQ(ParseHashName(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace shardcache
