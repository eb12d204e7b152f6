// Paul Hsieh's SuperFastHash with initial value 0. twemproxy: src/hashkit/nc_hsieh.c.
#include "lib/hash/bytes.h"
#include "lib/hash/reference.h"

namespace shardcache::inline v0::internal {

std::uint32_t Hsieh(std::string_view key, CharSign sign) {
  std::uint32_t hash = 0;
  const char* p = key.data();
  for (std::size_t quads = key.size() / 4; quads > 0; --quads, p += 4) {
    hash += Load16(p);
    hash = hash << 16 ^ Load16(p + 2) << 11 ^ hash;
    hash += hash >> 11;
  }
  switch (key.size() % 4) {
    case 3:
      hash += Load16(p);
      hash ^= hash << 16;
      hash ^= Widen(p[2], sign) << 18;  // the one byte that is read through a `char`
      hash += hash >> 11;
      break;
    case 2:
      hash += Load16(p);
      hash ^= hash << 11;
      hash += hash >> 17;
      break;
    case 1:
      hash += Byte(p);
      hash ^= hash << 10;
      hash += hash >> 1;
      break;
  }
  hash ^= hash << 3;
  hash += hash >> 5;
  hash ^= hash << 4;
  hash += hash >> 17;
  hash ^= hash << 25;
  hash += hash >> 6;
  return hash;
}

}  // namespace shardcache::inline v0::internal
