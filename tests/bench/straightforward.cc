#include "straightforward.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "lib/hash/md5_constants.h"
#include "lib/hash/reference.h"
#include "lib/ketama.h"

namespace straightforward {
namespace {

using shardcache::CharSign;
using shardcache::HashFunction;
using shardcache::Point;
using shardcache::Server;
using shardcache::ServerIndex;
namespace internal = shardcache::internal;

// Unrolled, as twemproxy's is.
void AddMd5Block(std::array<std::uint32_t, 4>& state, const unsigned char* bytes) {
  std::array<std::uint32_t, 16> word;
  std::memcpy(word.data(), bytes, 64);
  auto [a, b, c, d] = state;
#pragma GCC unroll 64
  for (unsigned step = 0; step < 64; ++step) {
    const std::uint32_t mixed = step < 16   ? d ^ (b & (c ^ d))
                                : step < 32 ? c ^ (d & (b ^ c))
                                : step < 48 ? b ^ c ^ d
                                            : c ^ (b | ~d);
    const std::uint32_t sum = a + mixed + word[internal::Md5Word(step)] + internal::kMd5Sines[step];
    a = d;
    d = c;
    c = b;
    b += std::rotl(sum, internal::Md5Shift(step));
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
}

std::array<std::uint32_t, 4> Md5Words(const char* text, std::size_t length) {
  std::array<std::uint32_t, 4> state = internal::kMd5Start;
  const auto* p = reinterpret_cast<const unsigned char*>(text);
  std::size_t left = length;
  for (; left >= 64; left -= 64, p += 64) AddMd5Block(state, p);
  std::array<unsigned char, 64> buffer{};
  std::memcpy(buffer.data(), p, left);
  buffer[left] = 0x80;
  if (left >= 56) {
    AddMd5Block(state, buffer.data());
    buffer = {};
  }
  const std::uint64_t bits = std::uint64_t{length} * 8;
  std::memcpy(buffer.data() + 56, &bits, 8);
  AddMd5Block(state, buffer.data());
  return state;
}

std::uint32_t Fnv1a64(const char* key, std::size_t length) {
  return internal::Fnv1a_64({key, length}, CharSign::kSigned);
}
std::uint32_t OneAtATime(const char* key, std::size_t length) {
  return internal::OneAtATime({key, length}, CharSign::kSigned);
}
std::uint32_t Murmur(const char* key, std::size_t length) {
  return internal::Murmur({key, length});
}
std::uint32_t Crc32a(const char* key, std::size_t length) {
  return internal::Crc32a({key, length});
}
std::uint32_t Md5(const char* key, std::size_t length) { return Md5Words(key, length)[0]; }

// Three words at a time, and a switch for the last twelve bytes.
std::uint32_t Jenkins(const char* key, std::size_t length) {
  const auto word = [](const char* p) {
    std::uint32_t value;
    std::memcpy(&value, p, 4);
    return value;
  };
  const auto byte = [&](std::size_t i) {
    return std::uint32_t{static_cast<unsigned char>(key[i])};
  };
  std::uint32_t a = 0xdeadbeef + static_cast<std::uint32_t>(length) + 13;
  std::uint32_t b = a;
  std::uint32_t c = a;
  for (; length > 12; length -= 12, key += 12) {
    a += word(key), b += word(key + 4), c += word(key + 8);
    a -= c, a ^= std::rotl(c, 4), c += b;
    b -= a, b ^= std::rotl(a, 6), a += c;
    c -= b, c ^= std::rotl(b, 8), b += a;
    a -= c, a ^= std::rotl(c, 16), c += b;
    b -= a, b ^= std::rotl(a, 19), a += c;
    c -= b, c ^= std::rotl(b, 4), b += a;
  }
  switch (length) {
    case 12:
      c += word(key + 8), b += word(key + 4), a += word(key);
      break;
    case 11:
      c += byte(10) << 16;
      [[fallthrough]];
    case 10:
      c += byte(9) << 8;
      [[fallthrough]];
    case 9:
      c += byte(8);
      [[fallthrough]];
    case 8:
      b += word(key + 4), a += word(key);
      break;
    case 7:
      b += byte(6) << 16;
      [[fallthrough]];
    case 6:
      b += byte(5) << 8;
      [[fallthrough]];
    case 5:
      b += byte(4);
      [[fallthrough]];
    case 4:
      a += word(key);
      break;
    case 3:
      a += byte(2) << 16;
      [[fallthrough]];
    case 2:
      a += byte(1) << 8;
      [[fallthrough]];
    case 1:
      a += byte(0);
      break;
    default:
      return c;
  }
  c ^= b, c -= std::rotl(b, 14);
  a ^= c, a -= std::rotl(c, 11);
  b ^= a, b -= std::rotl(a, 25);
  c ^= b, c -= std::rotl(b, 16);
  a ^= c, a -= std::rotl(c, 4);
  b ^= a, b -= std::rotl(a, 14);
  c ^= b, c -= std::rotl(b, 24);
  return c;
}

int CompareValues(const void* a, const void* b) {
  const std::uint32_t x = static_cast<const Point*>(a)->value;
  const std::uint32_t y = static_cast<const Point*>(b)->value;
  return x == y ? 0 : x > y ? 1 : -1;
}

}  // namespace

HashPointer HashOf(HashFunction function) {
  switch (function) {
    case HashFunction::kFnv1a_64:
      return Fnv1a64;
    case HashFunction::kMd5:
      return Md5;
    case HashFunction::kMurmur:
      return Murmur;
    case HashFunction::kCrc32a:
      return Crc32a;
    case HashFunction::kJenkins:
      return Jenkins;
    case HashFunction::kOneAtATime:
      return OneAtATime;
    default:
      std::abort();
  }
}

std::vector<Point> BuildContinuum(std::span<const Server> servers,
                                  std::span<const ServerIndex> live) {
  std::uint32_t total = 0;
  for (ServerIndex index : live) total += servers[index].weight;
  std::vector<Point> continuum;
  continuum.reserve(160 * (live.size() + 10));
  for (ServerIndex index : live) {
    const Server& server = servers[index];
    const std::uint32_t groups =
        internal::KetamaGroups(server.weight, total, static_cast<std::uint32_t>(live.size()));
    for (std::uint32_t group = 0; group < groups; ++group) {
      char text[273] = "";
      const int length =
          std::snprintf(text, sizeof text, "%.*s-%u", static_cast<int>(server.name.size()),
                        server.name.data(), group);
      // twemproxy hashes the text again for each of its four points.
      for (std::size_t x = 0; x < 4; ++x) {
        continuum.push_back({Md5Words(text, static_cast<std::size_t>(length))[x], index});
      }
    }
  }
  std::qsort(continuum.data(), continuum.size(), sizeof(Point), CompareValues);
  return continuum;
}

ServerIndex Dispatch(std::span<const Point> continuum, std::uint32_t hash) {
  const Point* const begin = continuum.data();
  const Point* const end = begin + continuum.size();
  const Point* left = begin;
  const Point* right = end;
  while (left < right) {
    const Point* const middle = left + (right - left) / 2;
    if (middle->value < hash) {
      left = middle + 1;
    } else {
      right = middle;
    }
  }
  return (right == end ? begin : right)->owner;
}

ServerIndex Pool::Route(std::string_view key) const {
  const char* begin = key.data();
  std::size_t length = key.size();
  if (!hash_tag.empty()) {
    const char* const end = begin + length;
    const char* const open = std::find(begin, end, hash_tag[0]);
    if (open != end) {
      const char* const close = std::find(open + 1, end, hash_tag[1]);
      if (close != end && close - open > 1) {
        begin = open + 1;
        length = static_cast<std::size_t>(close - begin);
      }
    }
  }
  return Dispatch(continuum, length == 0 ? 0 : hash(begin, length));
}

}  // namespace straightforward
