#include "lib/wire/request.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>

namespace shardcache::inline v0::internal {
namespace {

void AppendNumber(std::integral auto number, std::string* out) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out->append(digits.data(), end);
}

void AppendNumberArgument(std::integral auto number, std::string* out) {
  out->push_back(' ');
  AppendNumber(number, out);
}

void SerializeStore(const Request& request, std::string* out) {
  out->append(VerbName(request.verb)).append(" ").append(request.keys[0]);
  AppendNumberArgument(request.flags, out);
  AppendNumberArgument(request.expire, out);
  AppendNumberArgument(request.value.size(), out);
  if (request.verb == Verb::kCas) AppendNumberArgument(request.number, out);
  out->append("\r\n").append(request.value).append("\r\n");
}

void SerializeLine(const Request& request, std::string* out) {
  out->append(VerbName(request.verb));
  if (request.verb == Verb::kGetAndTouch) AppendNumberArgument(request.expire, out);
  for (const std::string_view key : request.keys) out->append(" ").append(key);
  switch (request.verb) {
    case Verb::kIncrement:
    case Verb::kDecrement:
      AppendNumberArgument(request.number, out);
      break;
    case Verb::kTouch:
      AppendNumberArgument(request.expire, out);
      break;
    case Verb::kMetaGet:
      out->append(" v f c t k");
      break;
    case Verb::kMetaDelete:
      out->append(" C");
      AppendNumber(request.number, out);
      break;
    default:
      break;
  }
  out->append("\r\n");
}

}  // namespace

std::string_view VerbName(Verb verb) {
  constexpr std::array<std::string_view, 20> kNames = {"get",
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
                                                       "lru_crawler metadump all",
                                                       "mg",
                                                       "mn",
                                                       "md"};
  return kNames[static_cast<std::size_t>(verb)];
}

bool IsValidKey(std::string_view key) {
  return !key.empty() && key.size() <= 250 && std::all_of(key.begin(), key.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte != 0x7f;
  });
}

void Serialize(const Request& request, std::string* out) {
  if (request.verb >= Verb::kSet && request.verb <= Verb::kCas) {
    SerializeStore(request, out);
  } else {
    SerializeLine(request, out);
  }
}

}  // namespace shardcache::inline v0::internal
