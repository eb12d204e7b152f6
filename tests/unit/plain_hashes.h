// The hashes whose answer depends on C's `char`, written out once more: the way C code reads
// a key, with the character type as a parameter. What the library does by arithmetic on bytes,
// this does by the conversions of the language, so that the two can be held against each other.
#ifndef SHARDCACHE_TESTS_UNIT_PLAIN_HASHES_H_
#define SHARDCACHE_TESTS_UNIT_PLAIN_HASHES_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "shardcache/hash.h"

namespace shardcache::testing {

// `Char` is signed char or unsigned char.
template <typename Char>
std::uint32_t PlainHash(HashFunction function, std::string_view key) {
  const Char* text = reinterpret_cast<const Char*>(key.data());
  const std::size_t length = key.size();
  switch (function) {
    case HashFunction::kOneAtATime: {
      std::uint32_t h = 0;
      for (std::size_t i = 0; i < length; ++i) {
        h += text[i];
        h += h << 10;
        h ^= h >> 6;
      }
      h += h << 3;
      h ^= h >> 11;
      h += h << 15;
      return h;
    }
    case HashFunction::kFnv1_64: {
      std::uint64_t h = 14695981039346656037ULL;
      for (std::size_t i = 0; i < length; ++i) {
        h *= 1099511628211ULL;
        h ^= static_cast<std::uint64_t>(text[i]);
      }
      return static_cast<std::uint32_t>(h);
    }
    case HashFunction::kFnv1a_64: {
      auto h = static_cast<std::uint32_t>(14695981039346656037ULL);
      for (std::size_t i = 0; i < length; ++i) {
        h ^= static_cast<std::uint32_t>(text[i]);
        h *= static_cast<std::uint32_t>(1099511628211ULL);
      }
      return h;
    }
    case HashFunction::kFnv1_32: {
      std::uint32_t h = 2166136261U;
      for (std::size_t i = 0; i < length; ++i) {
        h *= 16777619U;
        h ^= static_cast<std::uint32_t>(text[i]);
      }
      return h;
    }
    case HashFunction::kFnv1a_32: {
      std::uint32_t h = 2166136261U;
      for (std::size_t i = 0; i < length; ++i) {
        h ^= static_cast<std::uint32_t>(text[i]);
        h *= 16777619U;
      }
      return h;
    }
    case HashFunction::kHsieh: {
      const auto word = [&](std::size_t at) {
        return static_cast<std::uint32_t>(static_cast<std::uint8_t>(text[at])) +
               256U * static_cast<std::uint8_t>(text[at + 1]);
      };
      std::uint32_t h = 0;
      std::size_t at = 0;
      for (; at + 4 <= length; at += 4) {
        h += word(at);
        const std::uint32_t upper = (word(at + 2) << 11) ^ h;
        h = (h << 16) ^ upper;
        h += h >> 11;
      }
      const std::size_t rest = length - at;
      if (rest == 1) {
        h += static_cast<std::uint8_t>(text[at]);
        h ^= h << 10;
        h += h >> 1;
      } else if (rest == 2) {
        h += word(at);
        h ^= h << 11;
        h += h >> 17;
      } else if (rest == 3) {
        h += word(at);
        h ^= h << 16;
        h ^= static_cast<std::uint32_t>(text[at + 2]) << 18;
        h += h >> 11;
      }
      h ^= h << 3;
      h += h >> 5;
      h ^= h << 4;
      h += h >> 17;
      h ^= h << 25;
      h += h >> 6;
      return h;
    }
    default:
      return Hash(function, key);  // reads bytes, whatever `char` is
  }
}

}  // namespace shardcache::testing

#endif  // SHARDCACHE_TESTS_UNIT_PLAIN_HASHES_H_
