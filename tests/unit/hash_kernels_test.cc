// Every fast form of every hash gives what the plain form gives, and reads nothing but the key.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/hash/crc_clmul.h"
#include "lib/hash/kernels.h"
#include "lib/hash/one_key.h"
#include "lib/hash/one_key_avx2.h"
#include "lib/hash/one_key_avx512.h"
#include "lib/hash/one_key_fnv.h"
#include "lib/hash/reference.h"
#include "shardcache/hash.h"
#include "tests/unit/effort.h"
#include "tests/unit/guarded_bytes.h"

namespace shardcache {
namespace {

using internal::Kernel;

std::uint32_t Reference(HashFunction function, std::string_view key, CharSign sign) {
  switch (function) {
    case HashFunction::kOneAtATime:
      return internal::OneAtATime(key, sign);
    case HashFunction::kMd5:
      return internal::Md5(key);
    case HashFunction::kCrc16:
      return internal::Crc16(key);
    case HashFunction::kCrc32:
      return internal::Crc32(key);
    case HashFunction::kCrc32a:
      return internal::Crc32a(key);
    case HashFunction::kFnv1_64:
      return internal::Fnv1_64(key, sign);
    case HashFunction::kFnv1a_64:
      return internal::Fnv1a_64(key, sign);
    case HashFunction::kFnv1_32:
      return internal::Fnv1_32(key, sign);
    case HashFunction::kFnv1a_32:
      return internal::Fnv1a_32(key, sign);
    case HashFunction::kHsieh:
      return internal::Hsieh(key, sign);
    case HashFunction::kMurmur:
      return internal::Murmur(key);
    case HashFunction::kJenkins:
      return internal::Jenkins(key);
  }
  ADD_FAILURE() << "no such hash";
  return 0;
}

// Random bytes in pages beside which nothing can be read.
class RandomPages {
 public:
  explicit RandomPages(std::size_t pages, unsigned largest = 0xff) : pages_(pages) {
    std::minstd_rand random(7);
    std::generate(pages_.bytes().begin(), pages_.bytes().end(),
                  [&] { return static_cast<char>(random() >> 8 & largest); });
  }
  std::string_view First(std::size_t size) const { return all().substr(0, size); }
  std::string_view Last(std::size_t size) const { return all().substr(all().size() - size); }
  std::string_view all() const { return {pages_.bytes().data(), pages_.bytes().size()}; }

 private:
  testing::GuardedBytes pages_;
};

struct Variant {
  HashFunction function;
  CharSign sign;
};

std::string NameOf(const ::testing::TestParamInfo<Variant>& info) {
  return std::string(HashName(info.param.function)) +
         (info.param.sign == CharSign::kSigned ? "_signed" : "_unsigned");
}

class HashKernels : public ::testing::TestWithParam<Variant> {
 protected:
  // Holds every kernel, and the form for one key, against the plain form.
  void Check(std::span<const std::string_view> keys) {
    const auto [function, sign] = GetParam();
    std::vector<std::uint32_t> wanted(keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) {
      wanted[i] = Reference(function, keys[i], sign);
      ASSERT_EQ(Hash(function, keys[i], sign), wanted[i]) << keys[i].size() << " bytes";
    }
    for (Kernel kernel : internal::SupportedKernels()) {
      std::vector<std::uint32_t> hashes(keys.size(), 0xdeadbeef);
      internal::HashWith(kernel, function, keys, hashes, sign);
      for (std::size_t i = 0; i < keys.size(); ++i) {
        ASSERT_EQ(hashes[i], wanted[i]) << internal::KernelName(kernel) << ", key " << i << " of "
                                        << keys.size() << ", " << keys[i].size() << " bytes";
      }
    }
  }
};

// The key begins at each of 64 offsets after a page that cannot be read, and, in the same batch,
// ends at each of 64 before one.
TEST_P(HashKernels, EqualThePlainFormForAllLengthsAndAlignmentsAtPageEdges) {
  for (const unsigned largest : {0xff, 0x7f}) {
    const RandomPages bytes(2, largest);
    for (std::size_t length = 0; length <= 300; ++length) {
      std::vector<std::string_view> keys;
      for (std::size_t offset = 0; offset < 64; ++offset) {
        keys.push_back(bytes.First(offset + length).substr(offset));
        keys.push_back(bytes.Last(offset + length).substr(0, length));
      }
      ASSERT_NO_FATAL_FAILURE(Check(keys)) << "length " << length << ", up to " << largest;
    }
  }
}

TEST_P(HashKernels, EqualThePlainFormWhereLengthsAreMixedAtPageEdges) {
  const RandomPages bytes(2);
  std::vector<std::string_view> keys;
  for (std::size_t length = 0; length <= 600; ++length) {
    keys.push_back(bytes.First(length * 7 % 601));
    keys.push_back(bytes.Last(length * 11 % 601));
  }
  Check(keys);
}

TEST_P(HashKernels, EqualThePlainFormForEverySizeOfBatch) {
  const RandomPages bytes(2);
  std::minstd_rand random(1);
  for (std::size_t count = 0; count <= 600; count += count < 70 ? 1 : 37) {
    std::vector<std::string_view> keys(count);
    for (std::string_view& key : keys) key = bytes.all().substr(random() % 4096, random() % 90);
    ASSERT_NO_FATAL_FAILURE(Check(keys));
  }
}

TEST_P(HashKernels, EqualThePlainFormForRandomBatches) {
  const RandomPages bytes(4);
  std::minstd_rand random(2);
  for (std::size_t round = 0; round < 40 * testing::Effort(); ++round) {
    const std::size_t longest = random() % 5 == 0 ? 700 : 4 + random() % 120;
    std::vector<std::string_view> keys(random() % 1000);
    for (std::string_view& key : keys) {
      key = bytes.all().substr(random() % 8192, random() % longest);
    }
    ASSERT_NO_FATAL_FAILURE(Check(keys));
  }
}

TEST_P(HashKernels, EqualThePlainFormForLongKeysAmongShortOnes) {
  const RandomPages bytes(49);
  std::vector<std::string_view> keys;
  for (std::size_t length : {65536, 3, 511, 512, 513, 65535, 131073, 0, 200000, 1}) {
    keys.push_back(bytes.First(length));
    keys.push_back(bytes.Last(length));
  }
  Check(keys);
}

TEST_P(HashKernels, TakeAnEmptyViewWithoutBytes) {
  const std::vector<std::string_view> keys(20);
  Check(keys);
}

std::vector<Variant> AllVariants() {
  std::vector<Variant> variants;
  for (HashFunction function : kHashFunctions) {
    variants.push_back({function, CharSign::kSigned});
    if (DependsOnCharSign(function)) variants.push_back({function, CharSign::kUnsigned});
  }
  return variants;
}

INSTANTIATE_TEST_SUITE_P(All, HashKernels, ::testing::ValuesIn(AllVariants()), NameOf);

// Forms that the processor of this machine may not choose.
TEST(OneKeyForOtherProcessors, EqualsThePlainFormAtPageEdges) {
  const RandomPages bytes(1);
  for (std::size_t length = 0; length <= 300; ++length) {
    for (std::string_view key : {bytes.First(length), bytes.Last(length)}) {
      ASSERT_EQ(internal::SlicedCrc32a(key), internal::Crc32a(key)) << length << " bytes";
      ASSERT_EQ(internal::WordwiseMd5(key), internal::Md5(key)) << length << " bytes";
      ASSERT_EQ(internal::WordwiseMurmur(key), internal::Murmur(key)) << length << " bytes";
      ASSERT_EQ(internal::WordwiseJenkins(key), internal::Jenkins(key)) << length << " bytes";
#if defined(__x86_64__)
      if (internal::SupportedKernels().size() > 1) {  // AVX2
        ASSERT_EQ(internal::JenkinsAvx2(key), internal::Jenkins(key)) << length << " bytes";
        ASSERT_EQ(internal::Crc32aClmul(key), internal::Crc32a(key)) << length << " bytes";
      }
      if (internal::SupportedKernels().size() > 2) {  // AVX-512
        ASSERT_EQ(internal::Md5Avx512(key), internal::Md5(key)) << length << " bytes";
        ASSERT_EQ(internal::Md5Avx512InWords(key), internal::Md5(key)) << length << " bytes";
      }
#endif
    }
  }
}

TEST(OneKeyForOtherProcessors, FnvByteByByteEqualsThePlainFormAtPageEdges) {
  const RandomPages bytes(1);
  for (const auto [function, sign] : AllVariants()) {
    const internal::OneKeyHash hash = internal::FnvByteByByte(function, sign);
    if (hash == nullptr) continue;
    for (std::size_t length = 0; length <= 300; ++length) {
      for (std::string_view key : {bytes.First(length), bytes.Last(length)}) {
        ASSERT_EQ(hash(key), Reference(function, key, sign))
            << HashName(function) << ", " << length << " bytes";
      }
    }
  }
}

// Random bytes have some above 127 in nearly every key, for which some forms are others.
TEST_P(HashKernels, EqualThePlainFormWhereOneByteIsAbove127) {
  std::string text(300, ' ');
  std::minstd_rand random(3);
  for (std::size_t length = 1; length <= text.size(); ++length) {
    for (char& c : text) c = static_cast<char>(random() >> 8 & 0x7f);
    const std::string_view key = std::string_view(text).substr(0, length);
    for (std::size_t i : {std::size_t{0}, length / 2, length - 1, random() % length}) {
      text[i] ^= '\x80';
      ASSERT_NO_FATAL_FAILURE(Check(std::vector(1, key)));
      text[i] ^= '\x80';
    }
  }
}

TEST(Md5Kernels, GiveWholeDigestsOfTextsOfAllLengths) {
  const RandomPages bytes(2);
  std::vector<std::string_view> texts;
  for (std::size_t length = 0; length <= 1100; ++length) {
    texts.push_back(bytes.Last(length * 3 % 1101));
  }
  for (Kernel kernel : internal::SupportedKernels()) {
    std::vector<internal::Digest> digests(texts.size());
    internal::Md5With(kernel, texts, digests);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      ASSERT_EQ(digests[i], internal::Md5Words(texts[i]))
          << internal::KernelName(kernel) << ", " << texts[i].size() << " bytes";
    }
  }
}

}  // namespace
}  // namespace shardcache
