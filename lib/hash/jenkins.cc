// Bob Jenkins' lookup3 `hashlittle` (2006) with initial value 13. twemproxy:
// src/hashkit/nc_jenkins.c.
#include <bit>

#include "lib/hash/bytes.h"
#include "lib/hash/reference.h"

namespace shardcache::inline v0::internal {
namespace {

struct State {
  std::uint32_t a, b, c;

  void Mix() {
    a -= c, a ^= std::rotl(c, 4), c += b;
    b -= a, b ^= std::rotl(a, 6), a += c;
    c -= b, c ^= std::rotl(b, 8), b += a;
    a -= c, a ^= std::rotl(c, 16), c += b;
    b -= a, b ^= std::rotl(a, 19), a += c;
    c -= b, c ^= std::rotl(b, 4), b += a;
  }

  void Final() {
    c ^= b, c -= std::rotl(b, 14);
    a ^= c, a -= std::rotl(c, 11);
    b ^= a, b -= std::rotl(a, 25);
    c ^= b, c -= std::rotl(b, 16);
    a ^= c, a -= std::rotl(c, 4);
    b ^= a, b -= std::rotl(a, 14);
    c ^= b, c -= std::rotl(b, 24);
  }
};

// The `count` (0 to 4) bytes at `p` as a little-endian word, zero above.
std::uint32_t LoadPart(const char* p, std::size_t count) {
  std::uint32_t word = 0;
  for (std::size_t i = 0; i < count; ++i) word |= Byte(p + i) << 8 * i;
  return word;
}

}  // namespace

std::uint32_t Jenkins(std::string_view key) {
  const std::uint32_t start = 0xdeadbeef + static_cast<std::uint32_t>(key.size()) + 13;
  State s{start, start, start};
  const char* p = key.data();
  std::size_t left = key.size();
  for (; left > 12; left -= 12, p += 12) {
    s.a += Load32(p);
    s.b += Load32(p + 4);
    s.c += Load32(p + 8);
    s.Mix();
  }
  if (left == 0) return s.c;  // only an empty key ends here: it is returned unmixed
  const auto part = [&](std::size_t from) {
    return left <= from ? 0 : LoadPart(p + from, left - from < 4 ? left - from : 4);
  };
  s.a += part(0);
  s.b += part(4);
  s.c += part(8);
  s.Final();
  return s.c;
}

}  // namespace shardcache::inline v0::internal
