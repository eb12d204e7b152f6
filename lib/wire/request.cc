#include "lib/wire/request.h"

#include <array>
#include <cstring>

#include "lib/wire/meta.h"
#include "lib/wire/text.h"

namespace shardcache::inline v0::internal {
namespace {

char* WriteStore(const Request& request, char* out) {
  out = WriteArgument(request.keys[0], Write(VerbName(request.verb), out));
  out = WriteArgument(request.flags, out);
  out = WriteArgument(request.expire, out);
  out = WriteArgument(request.value.size(), out);
  if (request.verb == Verb::kCas) out = WriteArgument(request.number, out);
  out = Write("\r\n", out);
  return Write("\r\n", Write(request.value, out));
}

char* WriteLine(const Request& request, char* out) {
  out = Write(VerbName(request.verb), out);
  if (request.verb == Verb::kGetAndTouch) out = WriteArgument(request.expire, out);
  for (const std::string_view key : request.keys) out = WriteArgument(key, out);
  switch (request.verb) {
    case Verb::kIncrement:
    case Verb::kDecrement:
      out = WriteArgument(request.number, out);
      break;
    case Verb::kTouch:
      out = WriteArgument(request.expire, out);
      break;
    case Verb::kMetadump:
      if (request.keys.empty()) out = Write(" all", out);
      break;
    default:
      break;
  }
  return Write("\r\n", out);
}

constexpr std::uint64_t kEach = 0x0101010101010101;
constexpr std::uint64_t kHigh = kEach * 0x80;

// Of eight bytes, has a high bit for those that have no place in a key: blanks and control
// characters. (And perhaps for one behind such a one; other bits are of no meaning.)
std::uint64_t NotOfKeys(std::uint64_t bytes) {
  const std::uint64_t del = bytes ^ kEach * 0x7f;
  return ((bytes - kEach * 0x21) & ~bytes) | ((del - kEach) & ~del);
}

}  // namespace

std::string_view VerbName(Verb verb) {
  static constexpr std::array<std::string_view, 21> kNames = {"get",
                                                              "gets",
                                                              "gat",
                                                              "set",
                                                              "add",
                                                              "replace",
                                                              "append",
                                                              "prepend",
                                                              "cas",
                                                              "delete",
                                                              "incr",
                                                              "decr",
                                                              "touch",
                                                              "flush_all",
                                                              "version",
                                                              "stats",
                                                              "lru_crawler metadump",
                                                              "mg",
                                                              "mg",
                                                              "mn",
                                                              "md"};
  return kNames[static_cast<std::size_t>(verb)];
}

bool IsValidKey(std::string_view key) {
  if (key.empty() || key.size() > 250) return false;
  // The last bytes may be looked at twice; of a short key the rest is harmless ones.
  std::uint64_t bytes = ~std::uint64_t{0};
  if (key.size() < sizeof bytes) {
    std::memcpy(&bytes, key.data(), key.size());
    return (NotOfKeys(bytes) & kHigh) == 0;
  }
  std::uint64_t found = 0;
  for (std::size_t at = 0; at + sizeof bytes < key.size(); at += sizeof bytes) {
    std::memcpy(&bytes, key.data() + at, sizeof bytes);
    found |= NotOfKeys(bytes);
  }
  std::memcpy(&bytes, key.data() + key.size() - sizeof bytes, sizeof bytes);
  return ((found | NotOfKeys(bytes)) & kHigh) == 0;
}

std::size_t SerializedBound(const Request& request) {
  std::size_t size = 64 + 4 * kNumberBound + request.value.size();
  for (const std::string_view key : request.keys) size += 1 + key.size();
  return size;
}

char* Serialize(const Request& request, char* out) {
  if (request.serial != 0 || IsMeta(request.verb)) return WriteMeta(request, out);
  const bool stores = request.verb >= Verb::kSet && request.verb <= Verb::kCas;
  return stores ? WriteStore(request, out) : WriteLine(request, out);
}

}  // namespace shardcache::inline v0::internal
