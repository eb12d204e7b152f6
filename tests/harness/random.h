// Random values for tests, the same for the same seed on every platform.
#ifndef SHARDCACHE_TESTS_HARNESS_RANDOM_H_
#define SHARDCACHE_TESTS_HARNESS_RANDOM_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>

namespace shardcache::testing {

// The seed of this run: the number in the environment variable SHARDCACHE_SEED, or else a random
// one. Printed to stderr the first time, so that a failed run can be repeated. Thread-safe.
inline std::uint64_t Seed() {
  static const std::uint64_t seed = [] {
    const char* text = std::getenv("SHARDCACHE_SEED");
    std::uint64_t value = 0;
    if (text && *text) {
      char* end = nullptr;
      value = std::strtoull(text, &end, 0);
      if (*end != '\0') {
        std::fprintf(stderr, "SHARDCACHE_SEED is not a number: '%s'\n", text);
        std::exit(2);
      }
    } else {
      std::random_device device;
      value = (std::uint64_t{device()} << 32) | device();
    }
    std::fprintf(stderr, "SHARDCACHE_SEED=%llu\n", static_cast<unsigned long long>(value));
    return value;
  }();
  return seed;
}

enum class KeyFlavour {
  kAscii,      // printable ASCII
  kUtf8,       // well-formed UTF-8 of one- to four-byte characters
  kHighBytes,  // bytes 0x80..0xff, which a signed char makes negative
  kHashTags,   // ASCII with many of { } $, empty, unclosed and nested tags among it
};

// A generator; copy it to repeat what follows. Not thread-safe.
class Random {
 public:
  explicit Random(std::uint64_t seed = Seed()) : engine_(seed) {}

  std::uint64_t Bits() { return engine_(); }
  // 0 .. n-1. REQUIRES: n > 0. (Modulo: the bias is n / 2^64.)
  std::uint64_t Below(std::uint64_t n) { return engine_() % n; }
  // low .. high, both included.
  std::uint64_t Between(std::uint64_t low, std::uint64_t high) {
    return low + Below(high - low + 1);
  }
  // True with the given probability, 0.0 to 1.0.
  bool Chance(double probability) {
    return static_cast<double>(engine_() >> 11) * 0x1.0p-53 < probability;
  }
  // An element of a container that is not empty.
  template <typename Container>
  auto& Pick(Container& items) {
    return items[static_cast<std::size_t>(Below(items.size()))];
  }

  // A key that memcached accepts: 1 to 250 bytes without space, control character or DEL. Half are
  // short (up to 24 bytes); the shortest and the longest come up often.
  std::string Key(KeyFlavour flavour) {
    const std::uint64_t shape = Below(100);
    const std::size_t size = shape < 3    ? 1
                             : shape < 6  ? 250
                             : shape < 53 ? Between(2, 24)
                                          : Between(2, 250);
    std::string key;
    while (key.size() < size) AppendCharacter(flavour, size - key.size(), &key);
    return key;
  }
  // One of any flavour.
  std::string Key() { return Key(static_cast<KeyFlavour>(Below(4))); }

 private:
  // At least one byte and at most `room`.
  void AppendCharacter(KeyFlavour flavour, std::size_t room, std::string* key) {
    constexpr std::string_view kTags = "{}$";
    if (flavour == KeyFlavour::kHighBytes) {
      key->push_back(static_cast<char>(Between(0x80, 0xff)));
    } else if (flavour == KeyFlavour::kUtf8 && room >= 4 && Chance(0.8)) {
      AppendUtf8(key);
    } else if (flavour == KeyFlavour::kHashTags && Chance(0.3)) {
      key->push_back(Pick(kTags));
    } else {
      key->push_back(static_cast<char>(Between('!', '~')));
    }
  }

  // A character of two to four bytes. The ranges leave out the surrogates and the C1 controls.
  void AppendUtf8(std::string* key) {
    const auto tail = [](std::uint64_t bits) { return static_cast<char>(0x80 | (bits & 0x3f)); };
    const std::uint64_t kind = Below(3);
    if (kind == 0) {
      const std::uint64_t c = Between(0xa0, 0x7ff);
      key->push_back(static_cast<char>(0xc0 | (c >> 6)));
      key->push_back(tail(c));
    } else if (kind == 1) {
      const std::uint64_t c = Between(0x800, 0xd7ff);
      key->push_back(static_cast<char>(0xe0 | (c >> 12)));
      key->push_back(tail(c >> 6));
      key->push_back(tail(c));
    } else {
      const std::uint64_t c = Between(0x10000, 0x10ffff);
      key->push_back(static_cast<char>(0xf0 | (c >> 18)));
      key->push_back(tail(c >> 12));
      key->push_back(tail(c >> 6));
      key->push_back(tail(c));
    }
  }

  std::mt19937_64 engine_;
};

}  // namespace shardcache::testing

#endif  // SHARDCACHE_TESTS_HARNESS_RANDOM_H_
