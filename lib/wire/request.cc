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

// Bytes side by side, and whether there is one among them that has no place in a key: a blank or a
// control character.
using Bytes = unsigned char __attribute__((vector_size(16)));
using Found = std::array<std::uint64_t, 2>;

Found NotOfKeys(const char* p) {
  Bytes bytes;
  std::memcpy(&bytes, p, sizeof bytes);
  const auto bad = (bytes < 0x21) | (bytes == 0x7f);
  return __builtin_bit_cast(Found, bad);
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
  if (key.size() < sizeof(Bytes)) {
    char bytes[sizeof(Bytes)];
    std::memset(bytes, 'x', sizeof bytes);
    std::memcpy(bytes, key.data(), key.size());
    const Found found = NotOfKeys(bytes);
    return (found[0] | found[1]) == 0;
  }
  // The last bytes may be looked at twice.
  const char* const last = key.data() + key.size() - sizeof(Bytes);
  Found found = NotOfKeys(last);
  for (const char* p = key.data(); p < last; p += sizeof(Bytes)) {
    const Found more = NotOfKeys(p);
    found[0] |= more[0];
    found[1] |= more[1];
  }
  return (found[0] | found[1]) == 0;
}

std::size_t SerializedBound(const Request& request) {
  std::size_t size = 64 + 4 * kNumberBound + request.value.size();
  for (const std::string_view key : request.keys) size += 1 + key.size();
  return size;
}

char* Serialize(const Request& request, char* out) {
  if (request.serial != 0 || IsMeta(request.verb)) return WriteMeta(request, out);
  return IsStore(request.verb) ? WriteStore(request, out) : WriteLine(request, out);
}

}  // namespace shardcache::inline v0::internal
