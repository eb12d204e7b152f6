#include "lib/wire/parser.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

namespace shardcache::inline v0::internal {
namespace {

// Compared as numbers, for the length of a literal is known to the compiler.
template <std::size_t kSize>
bool StartsWith(std::string_view text, const char (&prefix)[kSize]) {
  return text.size() >= kSize - 1 && std::memcmp(text.data(), prefix, kSize - 1) == 0;
}

template <std::size_t kSize>
bool Is(std::string_view text, const char (&other)[kSize]) {
  return text.size() == kSize - 1 && std::memcmp(text.data(), other, kSize - 1) == 0;
}

// Takes "PREFIX" off the front of `*text`.
template <std::size_t kSize>
bool Take(const char (&prefix)[kSize], std::string_view* text) {
  if (!StartsWith(*text, prefix)) return false;
  text->remove_prefix(kSize - 1);
  return true;
}

// Takes the bytes up to the next blank, and that, off the front; all of it if there is none.
std::string_view TakeWord(std::string_view* text) {
  const std::string_view word = text->substr(0, text->find(' '));
  text->remove_prefix(std::min(text->size(), word.size() + 1));
  return word;
}

// Takes a number of plain digits and the blank behind it off the front.
template <typename Number>
std::optional<Number> TakeNumber(std::string_view* text) {
  Number number = 0;
  const char* const end = text->data() + text->size();
  const auto [behind, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc() || (behind != end && *behind != ' ')) return std::nullopt;
  text->remove_prefix(std::min(text->size(), static_cast<std::size_t>(behind - text->data()) + 1));
  return number;
}

// A number of plain digits and nothing else.
template <typename Number>
std::optional<Number> ParseNumber(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Progress Finish(Request* request, Status status) {
  request->answers[0].status = status;
  return Progress::kDone;
}

// What a line of one word says to a request for which that is an answer.
std::optional<Status> PlainStatus(Verb verb, std::string_view line) {
  switch (verb) {
    case Verb::kCas:
      if (Is(line, "EXISTS")) return Status::kExists;
      if (Is(line, "NOT_FOUND")) return Status::kMiss;
      [[fallthrough]];
    case Verb::kSet:
    case Verb::kAdd:
    case Verb::kReplace:
    case Verb::kAppend:
    case Verb::kPrepend:
      if (Is(line, "STORED")) return Status::kStored;
      if (Is(line, "NOT_STORED")) return Status::kNotStored;
      return std::nullopt;
    case Verb::kDelete:
      if (Is(line, "DELETED")) return Status::kDeleted;
      if (Is(line, "NOT_FOUND")) return Status::kMiss;
      return std::nullopt;
    case Verb::kTouch:
      if (Is(line, "TOUCHED")) return Status::kTouched;
      if (Is(line, "NOT_FOUND")) return Status::kMiss;
      return std::nullopt;
    case Verb::kIncrement:
    case Verb::kDecrement:
      if (Is(line, "NOT_FOUND")) return Status::kMiss;
      return std::nullopt;
    case Verb::kFlushAll:
      if (Is(line, "OK")) return Status::kOk;
      return std::nullopt;
    case Verb::kMetaNoop:
      if (Is(line, "MN")) return Status::kOk;
      return std::nullopt;
    case Verb::kMetaDelete:
      if (Is(line, "HD")) return Status::kDeleted;
      if (Is(line, "NF")) return Status::kMiss;
      if (Is(line, "EX")) return Status::kExists;
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

// A key as a meta answer has it, if it was stored by that name.
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

// Takes "KEY" or, where "b" is among the flags behind it, its base64 off the front, and those
// flags. memcached 1.6 also marks items that were invalidated ("md KEY I"): W, X and Z.
bool TakeMetaKey(std::string_view key, std::string_view* rest) {
  const std::string_view told = TakeWord(rest);
  bool binary = false;
  while (!rest->empty()) binary |= Is(TakeWord(rest), "b");
  return binary ? told == Base64(key) : told == key;
}

bool IsCounter(Verb verb) { return verb == Verb::kIncrement || verb == Verb::kDecrement; }

// memcached pads a counter that became shorter with blanks.
std::string_view WithoutTrailingBlanks(std::string_view text) {
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

Progress Parser::Read(Request* request, std::string_view* bytes) {
  while (true) {
    Progress progress = Progress::kMore;
    if (value_ != nullptr) {
      progress = ReadValue(bytes);
      if (value_ != nullptr || progress == Progress::kProtocol) return progress;
    } else {
      const std::size_t end = bytes->find('\n');
      if (end >= kMaxLine) {  // also where there is none
        return std::min(end, bytes->size()) < kMaxLine ? Progress::kMore : Progress::kProtocol;
      }
      std::string_view line = bytes->substr(0, end);
      bytes->remove_prefix(end + 1);
      // A metadump of 1.6.18 ends its lines so too, all but the last.
      if (line.ends_with('\r')) {
        line.remove_suffix(1);
      } else if (request->verb != Verb::kMetadump) {
        return Progress::kProtocol;
      }
      progress = ReadLine(request, line);
    }
    if (progress == Progress::kMore) continue;
    next_ = 0;
    return progress;
  }
}

Progress Parser::ReadLine(Request* request, std::string_view line) {
  const bool gets = request->verb <= Verb::kGetAndTouch;
  if (gets && Take("VALUE ", &line)) return ReadValueHeader(request, line);
  if (gets && Is(line, "END")) return FinishGet(request);
  if (const auto status = PlainStatus(request->verb, line)) return Finish(request, *status);
  // "ERROR metadump not allowed": memcached has reasons for this command alone.
  if (Is(line, "ERROR") || (request->verb == Verb::kMetadump && StartsWith(line, "ERROR "))) {
    return ErrorLine(request, Status::kError, line);
  }
  if (StartsWith(line, "CLIENT_ERROR")) return ErrorLine(request, Status::kClientError, line);
  if (StartsWith(line, "SERVER_ERROR")) return ErrorLine(request, Status::kServerError, line);
  switch (request->verb) {
    case Verb::kMetaGet:
    case Verb::kMetaLook:
      if (Is(line, "EN")) return Finish(request, Status::kMiss);
      // memcached 1.6.18 returns the flags of a miss too.
      if (Take("EN k", &line)) {
        if (line != request->keys[0]) return Progress::kProtocol;
        return Finish(request, Status::kMiss);
      }
      if (request->verb == Verb::kMetaLook) {
        return Take("HD c", &line) ? FinishLook(request, line) : Progress::kProtocol;
      }
      return Take("VA ", &line) ? ReadMetaHeader(request, line) : Progress::kProtocol;
    case Verb::kStats:
    case Verb::kMetadump:
      return ReadListLine(request, line);
    case Verb::kVersion:
      if (!Take("VERSION ", &line)) return Progress::kProtocol;
      request->answers[0].data = line;
      return Finish(request, Status::kOk);
    default:
      break;
  }
  if (!IsCounter(request->verb)) return Progress::kProtocol;
  const auto number = ParseNumber<std::uint64_t>(WithoutTrailingBlanks(line));
  if (!number) return Progress::kProtocol;
  request->answers[0].number = *number;
  return Finish(request, Status::kNumber);
}

Progress Parser::FinishGet(Request* request) {
  for (Answer& answer : request->answers) {
    if (answer.status == Status::kPending) answer.status = Status::kMiss;
  }
  return Progress::kDone;
}

// "KEY FLAGS BYTES [CAS]" of a key that was asked for and not answered yet. A memcached answers
// in the order asked; a proxy may not.
Progress Parser::ReadValueHeader(Request* request, std::string_view rest) {
  std::size_t index = next_;
  const std::size_t count = request->keys.size();
  for (std::size_t tried = 0;; ++tried, index = index + 1 == count ? 0 : index + 1) {
    if (tried == count) return Progress::kProtocol;
    const std::string_view key = request->keys[index];
    if (request->answers[index].status == Status::kPending && rest.starts_with(key) &&
        rest.size() > key.size() && rest[key.size()] == ' ') {
      break;
    }
  }
  next_ = index + 1 == count ? 0 : index + 1;
  rest.remove_prefix(request->keys[index].size() + 1);
  const auto flags = TakeNumber<std::uint32_t>(&rest);
  const auto size = TakeNumber<std::uint64_t>(&rest);
  // memcached gives the cas value to "gets" alone.
  std::optional<std::uint64_t> cas = 0;
  if (request->verb == Verb::kGets) cas = TakeNumber<std::uint64_t>(&rest);
  if (!flags || !size || !cas || !rest.empty() || *size > kMaxValue) return Progress::kProtocol;
  Answer& answer = request->answers[index];
  answer.flags = *flags;
  answer.number = *cas;
  last_ = false;
  return BeginValue(&answer, *size);
}

// "BYTES fFLAGS cCAS tSECONDS kKEY" and perhaps more; t-1 for an item that never expires.
Progress Parser::ReadMetaHeader(Request* request, std::string_view rest) {
  Answer& answer = request->answers[0];
  const auto size = TakeNumber<std::uint64_t>(&rest);
  std::optional<std::uint32_t> flags;
  std::optional<std::uint64_t> cas;
  std::optional<std::int64_t> seconds;
  bool is_key = false;
  while (!rest.empty()) {
    if (Take("k", &rest)) {
      is_key = TakeMetaKey(request->keys[0], &rest);
      break;
    }
    std::string_view word = TakeWord(&rest);
    if (Take("f", &word)) {
      flags = ParseNumber<std::uint32_t>(word);
    } else if (Take("c", &word)) {
      cas = ParseNumber<std::uint64_t>(word);
    } else if (Take("t", &word)) {
      seconds = ParseNumber<std::int64_t>(word);
    }
  }
  if (!size || *size > kMaxValue || !flags || !cas || !seconds || !is_key) {
    return Progress::kProtocol;
  }
  answer.flags = *flags;
  answer.number = *cas;
  if (*seconds >= 0) answer.remaining = *seconds;
  last_ = true;
  return BeginValue(&answer, *size);
}

// "CAS kKEY" and perhaps more.
Progress Parser::FinishLook(Request* request, std::string_view rest) {
  const auto cas = TakeNumber<std::uint64_t>(&rest);
  if (!cas || !Take("k", &rest) || !TakeMetaKey(request->keys[0], &rest)) {
    return Progress::kProtocol;
  }
  request->answers[0].number = *cas;
  return Finish(request, Status::kHit);
}

Progress Parser::ReadListLine(Request* request, std::string_view line) {
  if (Is(line, "END")) return Finish(request, Status::kOk);
  if (request->verb == Verb::kMetadump) {
    // What memcached 1.6.43 says first, and all that an empty server of before 1.6.9 says.
    if (Is(line, "OK")) return Progress::kMore;
    if (StartsWith(line, "NOTSTARTED")) return Finish(request, Status::kOk);
    if (StartsWith(line, "BUSY") || StartsWith(line, "BADCLASS") || Is(line, "NOT OK")) {
      return ErrorLine(request, Status::kServerError, line);
    }
  }
  if (!line.starts_with(request->verb == Verb::kStats ? "STAT " : "key=")) {
    return Progress::kProtocol;
  }
  if (request->lines != nullptr) (*request->lines)(line);
  return Progress::kMore;
}

Progress Parser::BeginValue(Answer* answer, std::uint64_t size) {
  // A lie about the size costs no memory: what arrives is what is kept.
  constexpr std::uint64_t kReserved = 1 << 20;
  answer->data.clear();
  answer->data.reserve(static_cast<std::size_t>(std::min(size, kReserved)));
  value_ = answer;
  missing_ = size + 2;
  return Progress::kMore;
}

Progress Parser::ReadValue(std::string_view* bytes) {
  if (missing_ > 2) {
    const auto size =
        static_cast<std::size_t>(std::min<std::uint64_t>(missing_ - 2, bytes->size()));
    value_->data.append(bytes->substr(0, size));
    bytes->remove_prefix(size);
    missing_ -= size;
  }
  while (missing_ <= 2 && missing_ > 0 && !bytes->empty()) {
    if (bytes->front() != (missing_ == 2 ? '\r' : '\n')) return Progress::kProtocol;
    bytes->remove_prefix(1);
    --missing_;
  }
  if (missing_ > 0) return Progress::kMore;
  std::exchange(value_, nullptr)->status = Status::kHit;
  return last_ ? Progress::kDone : Progress::kMore;
}

// The rest of the request is answered by the error. A storage command whose line the server did
// not like may have had its data read as a command, so nothing more is expected of that
// connection; nor after ERROR, which says that the two do not speak the same language.
Progress Parser::ErrorLine(Request* request, Status status, std::string_view line) {
  for (Answer& answer : request->answers) {
    if (answer.status != Status::kPending) continue;
    answer.status = status;
    answer.data = line;
  }
  const bool in_step = status == Status::kServerError ||
                       (status == Status::kClientError && IsCounter(request->verb));
  return in_step ? Progress::kDone : Progress::kLast;
}

}  // namespace shardcache::inline v0::internal
