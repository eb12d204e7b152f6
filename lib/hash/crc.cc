// Cyclic redundancy checks. twemproxy: src/hashkit/nc_crc16.c, nc_crc32.c.
#include <array>

#include "lib/hash/reference.h"

namespace shardcache::inline v0::internal {
namespace {

// One entry per byte value: the remainder after that byte alone. Most significant bit first,
// as CRC-16/XMODEM is defined.
constexpr std::array<std::uint16_t, 256> MakeCrc16Table() {
  std::array<std::uint16_t, 256> table{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    unsigned crc = byte << 8;
    for (int bit = 0; bit < 8; ++bit) crc = crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1;
    table[byte] = static_cast<std::uint16_t>(crc);
  }
  return table;
}

// Least significant bit first, as CRC-32 (ISO-HDLC, zlib) is defined.
constexpr std::array<std::uint32_t, 256> MakeCrc32Table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
    table[byte] = crc;
  }
  return table;
}

constexpr auto kCrc16 = MakeCrc16Table();
constexpr auto kCrc32 = MakeCrc32Table();

}  // namespace

std::uint32_t Crc16(std::string_view key) {
  // The register is 32 bits wide and never cut to 16, so its upper half keeps what a real
  // CRC-16 would have shifted out.
  std::uint32_t crc = 0;
  for (char byte : key) {
    crc = crc << 8 ^ kCrc16[(crc >> 8 ^ static_cast<std::uint8_t>(byte)) & 0xff];
  }
  return crc;
}

std::uint32_t Crc32a(std::string_view key) {
  std::uint32_t crc = ~std::uint32_t{0};
  for (char byte : key) crc = crc >> 8 ^ kCrc32[(crc ^ static_cast<std::uint8_t>(byte)) & 0xff];
  return ~crc;
}

std::uint32_t Crc32(std::string_view key) { return Crc32a(key) >> 16 & 0x7fff; }

}  // namespace shardcache::inline v0::internal
