#include "lib/wire/meta.h"

#include <algorithm>
#include <array>
#include <string>
#include <type_traits>

#include "lib/wire/text.h"

namespace shardcache::inline v0::internal {
namespace {

// Answered by VA or HD where the key is there and by EN where not; asked for with its name.
bool IsFetch(Verb verb) {
  return verb <= Verb::kGetAndTouch || verb == Verb::kTouch || verb == Verb::kMetaGet ||
         verb == Verb::kMetaLook;
}

// What is to be told, or done, beside.
char* WriteFetchFlags(const Request& request, char* out) {
  switch (request.verb) {
    case Verb::kGet:
      return Write(" v f", out);
    case Verb::kGets:
      return Write(" v f c", out);
    case Verb::kGetAndTouch:
      return WriteNumber(request.expire, Write(" v f T", out));
    case Verb::kTouch:
      return WriteNumber(request.expire, Write(" T", out));
    case Verb::kMetaGet:
      return Write(" v f c t", out);
    default:
      return Write(" c", out);
  }
}

char* WriteSerial(const Request& request, char* out) {
  return request.serial == 0 ? out : WriteNumber(request.serial, Write(" O", out));
}

char* WriteFetch(const Request& request, char* out) {
  out = WriteFetchFlags(request, WriteArgument(request.keys[0], Write("mg", out)));
  out = Write(" k\r\n", WriteSerial(request, out));
  if (request.keys.size() == 1) return out;
  out = Write(VerbName(request.verb), out);
  for (const std::string_view key : request.keys.subspan(1)) out = WriteArgument(key, out);
  return Write("\r\n", out);
}

std::string_view ModeOf(Verb verb) {
  switch (verb) {
    case Verb::kAdd:
      return " ME";
    case Verb::kReplace:
      return " MR";
    case Verb::kAppend:
      return " MA";
    case Verb::kPrepend:
      return " MP";
    default:
      return "";
  }
}

char* WriteStore(const Request& request, char* out) {
  out = WriteArgument(request.value.size(), WriteArgument(request.keys[0], Write("ms", out)));
  if (request.flags != 0) out = WriteNumber(request.flags, Write(" F", out));
  if (request.expire != 0) out = WriteNumber(request.expire, Write(" T", out));
  out = Write(ModeOf(request.verb), out);
  if (request.verb == Verb::kCas) out = WriteNumber(request.number, Write(" C", out));
  if (request.quiet) out = Write(" q", out);
  out = Write("\r\n", WriteSerial(request, out));
  return Write("\r\n", Write(request.value, out));
}

// What the code in front of an answer says; absent: nothing that a memcached says to this verb.
std::optional<Status> StatusOf(Verb verb, std::string_view code) {
  if (Is(code, "VA")) {
    if (IsCounter(verb)) return Status::kNumber;
    if (IsFetch(verb) && verb != Verb::kTouch && verb != Verb::kMetaLook) return Status::kHit;
  } else if (Is(code, "HD")) {
    if (IsStore(verb)) return Status::kStored;
    if (verb == Verb::kTouch) return Status::kTouched;
    if (verb == Verb::kMetaLook) return Status::kHit;
    if (verb == Verb::kDelete || verb == Verb::kMetaDelete) return Status::kDeleted;
  } else if (Is(code, "EN")) {
    if (IsFetch(verb)) return Status::kMiss;
  } else if (Is(code, "NF")) {
    if (!IsFetch(verb) && (!IsStore(verb) || verb == Verb::kCas)) return Status::kMiss;
  } else if (Is(code, "NS")) {
    if (IsStore(verb)) return Status::kNotStored;
  } else if (Is(code, "EX")) {
    if (verb == Verb::kCas || verb == Verb::kMetaDelete) return Status::kExists;
  }
  return std::nullopt;
}

// A key as an answer has it, if it was stored by that name.
std::string Base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char byte : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(byte);
    for (count += 8; count >= 6; count -= 6) text += kDigits[bits >> (count - 6) & 63];
  }
  if (count > 0) text += kDigits[bits << (6 - count) & 63];
  text.resize((text.size() + 3) / 4 * 4, '=');
  return text;
}

// Whether `told`, the rest of a line, is "KEY" or, where "b" is among the flags behind it, its
// base64. memcached 1.6 also marks items that were invalidated ("md KEY I"): W, X and Z.
bool IsKey(std::string_view key, std::string_view told) {
  if (told == key) return true;
  const std::string_view name = TakeWord(&told);
  bool binary = false;
  while (!told.empty()) binary |= Is(TakeWord(&told), "b");
  return binary ? name == Base64(key) : name == key;
}

// Takes a line off the front, without its CR LF; absent if there is no whole one.
std::optional<std::string_view> TakeLine(std::string_view* text) {
  const std::size_t end = text->find("\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text->substr(0, end);
  text->remove_prefix(end + 2);
  return line;
}

bool IsError(std::string_view line) {
  return Is(line, "ERROR") || StartsWith(line, "CLIENT_ERROR") || StartsWith(line, "SERVER_ERROR");
}

// Whether `version` is 1.6.18 or later.
bool NumbersMisses(std::string_view version) {
  std::array<std::uint32_t, 3> parts{};
  const char* at = version.data();
  const char* const end = at + version.size();
  for (std::uint32_t& part : parts) {
    at = ReadDigits(at, end, &part);
    if (at == nullptr) return false;
    if (&part != &parts.back() && (at == end || *at++ != '.')) return false;
  }
  return parts >= std::array<std::uint32_t, 3>{1, 6, 18};
}

// What stands behind the code and the size. An item that never expires has -1 seconds.
struct Flags {
  std::optional<std::uint32_t> serial = {};
  bool key = false;
  std::optional<std::uint32_t> flags = {};
  std::optional<std::uint64_t> cas = {};
  std::optional<std::int64_t> seconds = {};
};

// Absent: it names another key, or has no number where one belongs.
std::optional<Flags> ReadFlags(std::string_view key, std::string_view rest) {
  Flags told;
  const auto number = [&rest](auto* into) {
    rest.remove_prefix(1);
    *into = TakeNumber<typename std::remove_reference_t<decltype(*into)>::value_type>(&rest);
    return into->has_value();
  };
  bool good = true;
  while (good && !rest.empty()) {
    switch (rest.front()) {
      case 'O':
        good = number(&told.serial);
        break;
      case 'f':
        good = number(&told.flags);
        break;
      case 'c':
        good = number(&told.cas);
        break;
      case 't':
        good = number(&told.seconds);
        break;
      case 'k':
        told.key = IsKey(key, rest.substr(1));
        good = told.key;
        rest = {};
        break;
      default:
        TakeWord(&rest);
    }
  }
  if (!good) return std::nullopt;
  return told;
}

}  // namespace

Sign ReadSign(std::string_view answer) {
  const auto version = TakeLine(&answer);
  if (!version) return Sign::kMore;
  const bool knows = version->starts_with("VERSION ");
  // A server that wants a password first answers so.
  if (!knows && !IsError(*version)) return Sign::kNonsense;
  const auto sign = TakeLine(&answer);
  if (!sign) return Sign::kMore;
  if (!answer.empty()) return Sign::kNonsense;
  if (Is(*sign, "NF O0") || Is(*sign, "EX O0") || Is(*sign, "HD O0")) {
    return knows && NumbersMisses(version->substr(8)) ? Sign::kNumbers : Sign::kNoNumbers;
  }
  return IsError(*sign) || Is(*sign, "NF") ? Sign::kNoNumbers : Sign::kNonsense;
}

bool CanBeNumbered(Verb verb) {
  return IsFetch(verb) || IsStore(verb) || IsCounter(verb) || verb == Verb::kDelete ||
         verb == Verb::kMetaDelete;
}

char* WriteMeta(const Request& request, char* out) {
  if (IsFetch(request.verb)) return WriteFetch(request, out);
  if (IsStore(request.verb)) return WriteStore(request, out);
  const bool counts = IsCounter(request.verb);
  out = WriteArgument(request.keys[0], Write(counts ? "ma" : "md", out));
  if (counts) {
    if (request.verb == Verb::kDecrement) out = Write(" MD", out);
    out = Write(" v", WriteNumber(request.number, Write(" D", out)));
  } else if (request.verb == Verb::kMetaDelete) {
    out = WriteNumber(request.number, Write(" C", out));
  }
  return Write("\r\n", WriteSerial(request, out));
}

std::optional<std::uint32_t> SerialIn(std::string_view line) {
  while (!line.empty()) {
    std::string_view word = TakeWord(&line);
    if (Take("O", &word)) return ParseNumber<std::uint32_t>(word);
    if (StartsWith(word, "k")) break;
  }
  return std::nullopt;
}

std::optional<MetaAnswer> ReadMeta(std::string_view line, Request* request) {
  const Verb verb = request->verb;
  const auto status = StatusOf(verb, line.substr(0, 2));
  if (!status || (line.size() > 2 && line[2] != ' ')) return std::nullopt;
  line.remove_prefix(std::min<std::size_t>(line.size(), 3));
  MetaAnswer answer{.status = *status};
  if (*status == Status::kNumber || (*status == Status::kHit && verb != Verb::kMetaLook)) {
    answer.size = TakeNumber<std::uint64_t>(&line);
    if (!answer.size) return std::nullopt;
  }
  const auto told = ReadFlags(request->keys[0], line);
  if (!told || told->serial.value_or(0) != request->serial) return std::nullopt;
  // Before 1.6.18 a miss has neither number nor key.
  const bool names_key = IsFetch(verb) && (*status != Status::kMiss || request->serial != 0);
  if (names_key && !told->key) return std::nullopt;
  if (*status != Status::kHit) return answer;
  if (told->flags.has_value() != (verb != Verb::kMetaLook) ||
      told->cas.has_value() != (verb == Verb::kGets || verb >= Verb::kMetaGet) ||
      told->seconds.has_value() != (verb == Verb::kMetaGet)) {
    return std::nullopt;
  }
  Answer& first = request->answers[0];
  first.flags = told->flags.value_or(0);
  first.number = told->cas.value_or(0);
  if (told->seconds && *told->seconds >= 0) first.remaining = told->seconds;
  return answer;
}

}  // namespace shardcache::inline v0::internal
