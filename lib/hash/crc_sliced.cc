// CRCs eight bytes at a time ("slicing by 8", Kounavis and Berry, 2005).
//
// A CRC is linear: the register after eight bytes is the sum of what each byte alone, and the
// register before, make of it. Table k tells what a byte makes that k more bytes follow; so eight
// look-ups, which do not wait for one another, take the place of eight that do.
#include <array>
#include <cstdint>

#include "lib/hash/bytes.h"
#include "lib/hash/one_key.h"

namespace shardcache::inline v0::internal {
namespace {

template <class Word>
using Tables = std::array<std::array<Word, 256>, 8>;

constexpr Tables<std::uint32_t> MakeCrc32Tables() {
  Tables<std::uint32_t> tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
    tables[0][byte] = crc;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t crc = tables[k - 1][byte];
      tables[k][byte] = crc >> 8 ^ tables[0][crc & 0xff];
    }
  }
  return tables;
}

constexpr Tables<std::uint16_t> MakeCrc16Tables() {
  Tables<std::uint16_t> tables{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    unsigned crc = byte << 8;
    for (int bit = 0; bit < 8; ++bit) crc = crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1;
    tables[0][byte] = static_cast<std::uint16_t>(crc);
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const unsigned crc = tables[k - 1][byte];
      tables[k][byte] = static_cast<std::uint16_t>(crc << 8 ^ tables[0][crc >> 8]);
    }
  }
  return tables;
}

constexpr auto k32 = MakeCrc32Tables();
constexpr auto k16 = MakeCrc16Tables();

}  // namespace

std::uint32_t SlicedCrc32a(std::string_view key) {
  std::uint32_t crc = ~std::uint32_t{0};
  const char* p = key.data();
  std::size_t left = key.size();
  for (; left >= 8; left -= 8, p += 8) {
    const std::uint32_t low = crc ^ Load32(p);
    const std::uint32_t high = Load32(p + 4);
    crc = k32[7][low & 0xff] ^ k32[6][low >> 8 & 0xff] ^ k32[5][low >> 16 & 0xff] ^
          k32[4][low >> 24] ^ k32[3][high & 0xff] ^ k32[2][high >> 8 & 0xff] ^
          k32[1][high >> 16 & 0xff] ^ k32[0][high >> 24];
  }
  for (; left > 0; --left, ++p) crc = crc >> 8 ^ k32[0][(crc ^ Byte(p)) & 0xff];
  return ~crc;
}

// The upper half of twemproxy's register holds what the two steps before the last shifted there:
// it has no influence on the lower half. So all but the last bytes need no upper half.
std::uint32_t FastCrc16(std::string_view key) {
  std::uint32_t crc = 0;
  const char* p = key.data();
  std::size_t left = key.size();
  for (; left >= 8 + 2; left -= 8, p += 8) {
    crc = k16[7][(crc >> 8 ^ Byte(p)) & 0xff] ^ k16[6][(crc ^ Byte(p + 1)) & 0xff] ^
          k16[5][Byte(p + 2)] ^ k16[4][Byte(p + 3)] ^ k16[3][Byte(p + 4)] ^ k16[2][Byte(p + 5)] ^
          k16[1][Byte(p + 6)] ^ k16[0][Byte(p + 7)];
  }
  for (; left > 0; --left, ++p) crc = crc << 8 ^ k16[0][(crc >> 8 ^ Byte(p)) & 0xff];
  return crc;
}

}  // namespace shardcache::inline v0::internal
