// Many keys at once: brings them into groups of like length for the kernels.
#include <algorithm>
#include <cassert>
#include <cstddef>

#include "lib/hash/crc_clmul.h"
#include "lib/hash/kernels.h"
#include "lib/hash/one_key.h"
#include "lib/hash/reference.h"

namespace shardcache::inline v0 {
namespace internal {
namespace {

// How many keys are brought in order at a time, and how many more may be needed to fill a group.
constexpr std::size_t kChunk = 256;
constexpr std::size_t kMaxGroup = 64;
// Longer keys (memcached has none) are hashed by themselves: a group lasts as long as its longest.
constexpr std::size_t kMaxLength = 512;

const KernelFunctions& Functions(Kernel kernel) {
#if defined(__x86_64__)
  if (kernel == Kernel::kAvx512) return kAvx512Kernel;
  if (kernel == Kernel::kAvx2) return kAvx2Kernel;
#endif
  assert(kernel == Kernel::kPortable);
  return kPortableKernel;
}

// At most kChunk keys, as a kernel wants them.
class Chunk {
 public:
  Chunk(const KernelFunctions& kernel, std::span<const std::string_view> keys)
      : count_(keys.size()), padded_((count_ + kernel.group - 1) / kernel.group * kernel.group) {
    std::size_t shortest = kMaxLength;
    std::size_t longest = 0;
    const char* longest_key = "";
    for (std::size_t i = 0; i < count_; ++i) {
      shortest = std::min(shortest, keys[i].size());
      if (keys[i].size() > longest) {
        longest = keys[i].size();
        longest_key = keys[i].data();
      }
      Place(keys[i], i);
    }
    has_long_keys_ = longest > kMaxLength;
    is_sorted_ = longest > static_cast<std::size_t>(kernel.row_bytes) && longest > shortest + 4 &&
                 count_ > kernel.group / 4;
    if (is_sorted_) PlaceByLength(keys);
    for (std::size_t i = 0; has_long_keys_ && i < count_; ++i) {
      if (length_[i] > static_cast<std::int32_t>(kMaxLength)) length_[i] = 0;
    }
    // A load of which no byte is wanted takes some processors hundreds of cycles where the page is
    // not there, which a page that nothing else reads may never be. All of the longest key is.
    for (std::size_t i = count_; i < padded_; ++i) {
      data_[i] = longest_key;
      length_[i] = 0;
    }
  }

  const char* const* data() const { return data_; }
  const std::int32_t* lengths() const { return length_; }
  std::size_t padded() const { return padded_; }
  // Whether there are keys longer than kMaxLength. They have become empty ones.
  bool has_long_keys() const { return has_long_keys_; }
  // Whether place i is that of key i, and there are no others.
  bool is_in_place() const { return !is_sorted_ && padded_ == count_; }

  // to[i] becomes that of `from` which was made of key i.
  template <class T>
  void Unsort(const T* from, std::span<T> to) const {
    if (is_sorted_) {
      for (std::size_t i = 0; i < count_; ++i) to[source_[i]] = from[i];
    } else {
      std::copy_n(from, count_, to.begin());
    }
  }

 private:
  void Place(std::string_view key, std::size_t at) {
    data_[at] = key.data() == nullptr ? "" : key.data();
    length_[at] = static_cast<std::int32_t>(std::min(key.size(), kMaxLength + 1));
  }

  // A counting sort. Lengths from kClasses - 1 on are one class.
  void PlaceByLength(std::span<const std::string_view> keys) {
    constexpr std::size_t kClasses = 64;
    std::uint32_t next[kClasses] = {};
    const auto class_of = [](std::string_view key) { return std::min(key.size(), kClasses - 1); };
    for (std::string_view key : keys) ++next[class_of(key)];
    for (std::uint32_t sum = 0; std::uint32_t & entry : next) {
      const std::uint32_t size = entry;
      entry = sum;
      sum += size;
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const std::uint32_t at = next[class_of(keys[i])]++;
      Place(keys[i], at);
      source_[at] = static_cast<std::uint8_t>(i);
    }
  }

  const char* data_[kChunk + kMaxGroup];
  std::int32_t length_[kChunk + kMaxGroup];
  std::uint8_t source_[kChunk];  // if sorted: the key at each place
  std::size_t count_;
  std::size_t padded_;
  bool is_sorted_;
  bool has_long_keys_;
};

void HashChunk(const KernelFunctions& kernel, HashFunction function,
               std::span<const std::string_view> keys, std::span<std::uint32_t> hashes,
               CharSign sign) {
  const Chunk chunk(kernel, keys);
  if (chunk.is_in_place()) {
    kernel.hash(function, sign, chunk.data(), chunk.lengths(), chunk.padded(), hashes.data());
  } else {
    std::uint32_t by_place[kChunk + kMaxGroup];
    kernel.hash(function, sign, chunk.data(), chunk.lengths(), chunk.padded(), by_place);
    chunk.Unsort(by_place, hashes);
  }
  for (std::size_t i = 0; chunk.has_long_keys() && i < keys.size(); ++i) {
    if (keys[i].size() > kMaxLength) hashes[i] = Hash(function, keys[i], sign);
  }
}

// Not in lanes: a look-up in a table for each lane (a "gather") is no faster than look-ups for one
// key after another.
void Crc32aEach([[maybe_unused]] Kernel kernel, std::span<const std::string_view> keys,
                std::span<std::uint32_t> hashes) {
#if defined(__x86_64__)
  if (kernel == Kernel::kAvx512 && HasWideClmul()) return Crc32aWideClmul(keys, hashes);
  if (kernel != Kernel::kPortable) return Crc32aClmul(keys, hashes);
#endif
  std::transform(keys.begin(), keys.end(), hashes.begin(), SlicedCrc32a);
}

template <class T, class Action>
void ForEachChunk(std::span<const std::string_view> keys, std::span<T> out, Action action) {
  assert(keys.size() == out.size());
  for (std::size_t at = 0; at < keys.size(); at += kChunk) {
    const std::size_t count = std::min(kChunk, keys.size() - at);
    action(keys.subspan(at, count), out.subspan(at, count));
  }
}

}  // namespace

std::span<const Kernel> SupportedKernels() {
  static constexpr std::array<Kernel, 3> kAll = {Kernel::kPortable, Kernel::kAvx2, Kernel::kAvx512};
  static const std::size_t count = [] {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi2") ||
        !__builtin_cpu_supports("pclmul")) {
      return 1;
    }
    const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    return avx512 ? 3 : 2;
#else
    return 1;
#endif
  }();
  return std::span(kAll).first(count);
}

std::string_view KernelName(Kernel kernel) {
  constexpr std::array<std::string_view, 3> kNames = {"portable", "avx2", "avx512"};
  return kNames[static_cast<std::size_t>(kernel)];
}

void HashWith(Kernel kernel, HashFunction function, std::span<const std::string_view> keys,
              std::span<std::uint32_t> hashes, CharSign sign) {
  switch (function) {
    case HashFunction::kCrc16:
      std::transform(keys.begin(), keys.end(), hashes.begin(), FastCrc16);
      return;
    case HashFunction::kCrc32a:
      return Crc32aEach(kernel, keys, hashes);
    case HashFunction::kCrc32:
      Crc32aEach(kernel, keys, hashes);
      for (std::uint32_t& hash : hashes) hash = hash >> 16 & 0x7fff;
      return;
    default:
      ForEachChunk(keys, hashes, [&](auto part, auto out) {
        HashChunk(Functions(kernel), function, part, out, sign);
      });
  }
}

void Md5With(Kernel kernel, std::span<const std::string_view> texts, std::span<Digest> digests) {
  ForEachChunk(texts, digests, [&](auto part, auto out) {
    const Chunk chunk(Functions(kernel), part);
    Digest sorted[kChunk + kMaxGroup];
    Functions(kernel).md5(chunk.data(), chunk.lengths(), chunk.padded(), sorted);
    chunk.Unsort(sorted, out);
    for (std::size_t i = 0; chunk.has_long_keys() && i < part.size(); ++i) {
      if (part[i].size() > kMaxLength) out[i] = Md5Words(part[i]);
    }
  });
}

void Md5(std::span<const std::string_view> texts, std::span<Digest> digests) {
  Md5With(SupportedKernels().back(), texts, digests);
}

}  // namespace internal

void Hash(HashFunction function, std::span<const std::string_view> keys,
          std::span<std::uint32_t> hashes, CharSign sign) {
  internal::HashWith(internal::SupportedKernels().back(), function, keys, hashes, sign);
}

}  // namespace shardcache::inline v0
