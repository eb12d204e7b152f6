#include "lib/wire/parser.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "lib/wire/meta.h"
#include "lib/wire/text.h"

namespace shardcache::inline v0::internal {
namespace {

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
    default:
      return std::nullopt;
  }
}

// memcached pads a counter that became shorter with blanks.
std::optional<std::uint64_t> CounterOf(std::string_view text) {
  while (text.ends_with(' ')) text.remove_suffix(1);
  return ParseNumber<std::uint64_t>(text);
}

}  // namespace

std::optional<Status> Parser::ErrorStatus(Verb verb, std::string_view line) {
  // "ERROR metadump not allowed": memcached has reasons for this command alone.
  if (Is(line, "ERROR") || (verb == Verb::kMetadump && StartsWith(line, "ERROR "))) {
    return Status::kError;
  }
  if (StartsWith(line, "CLIENT_ERROR")) return Status::kClientError;
  if (StartsWith(line, "SERVER_ERROR")) return Status::kServerError;
  return std::nullopt;
}

Progress Parser::Read(Request* request, std::string_view* bytes) {
  while (true) {
    Progress progress = Progress::kMore;
    if (value_ != nullptr) {
      progress = ReadValue(bytes);
      if (value_ != nullptr || progress == Progress::kProtocol) return progress;
    } else if (TakeWholeValue(request, bytes)) {
      continue;
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
    led_ = false;
    return progress;
  }
}

Progress Parser::ReadLine(Request* request, std::string_view line) {
  if (const auto error = ErrorStatus(request->verb, line)) {
    return ErrorLine(request, *error, line);
  }
  if (!led_ && (request->serial != 0 || IsMeta(request->verb))) return ReadMetaLine(request, line);
  const bool gets = request->verb <= Verb::kGetAndTouch;
  if (gets && Take("VALUE ", &line)) return ReadValueHeader(request, line);
  if (gets && Is(line, "END")) return FinishGet(request);
  if (const auto status = PlainStatus(request->verb, line)) return Finish(request, *status);
  switch (request->verb) {
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
  const auto number = CounterOf(line);
  if (!number) return Progress::kProtocol;
  request->answers[0].number = *number;
  return Finish(request, Status::kNumber);
}

// The whole answer, or the one to the first key, which leads those to the others.
Progress Parser::ReadMetaLine(Request* request, std::string_view line) {
  const auto told = ReadMeta(line, request);
  if (!told || told->size > kMaxValue) return Progress::kProtocol;
  led_ = true;
  last_ = request->keys.size() == 1;
  next_ = last_ ? 0 : 1;
  Answer& answer = request->answers[0];
  if (told->size) return BeginValue(&answer, *told->size, told->status);
  answer.status = told->status;
  return last_ ? Progress::kDone : Progress::kMore;
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
  return BeginValue(&answer, *size, Status::kHit);
}

// What ReadValueHeader() and ReadValue() do, for a get whose next value has arrived as a whole and
// is plain, as nearly all are. Returns false, with nothing taken, where it is not so.
bool Parser::TakeWholeValue(Request* request, std::string_view* bytes) {
  if (request->verb != Verb::kGet || (request->serial != 0 && !led_)) return false;
  const std::string_view key = request->keys[next_];
  Answer& answer = request->answers[next_];
  std::string_view rest = *bytes;
  if (answer.status != Status::kPending || !Take("VALUE ", &rest) || !rest.starts_with(key)) {
    return false;
  }
  const char* const end = rest.data() + rest.size();
  const char* at = rest.data() + key.size();
  std::uint32_t flags = 0;
  std::uint32_t size = 0;
  if (end - at < 2 || *at != ' ' || (at = ReadDigits(at + 1, end, &flags)) == nullptr) return false;
  if (end - at < 2 || *at != ' ' || (at = ReadDigits(at + 1, end, &size)) == nullptr) return false;
  if (end - at < std::ptrdiff_t{4} + size || at[0] != '\r' || at[1] != '\n') return false;
  const char* const data = at + 2;
  if (data[size] != '\r' || data[size + 1] != '\n' || size > kMaxValue) return false;
  answer.flags = flags;
  answer.number = 0;
  answer.data.assign(data, size);
  answer.status = Status::kHit;
  next_ = next_ + 1 == request->keys.size() ? 0 : next_ + 1;
  bytes->remove_prefix(static_cast<std::size_t>(data + size + 2 - bytes->data()));
  return true;
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

Progress Parser::BeginValue(Answer* answer, std::uint64_t size, Status status) {
  // A lie about the size costs no memory: what arrives is what is kept.
  constexpr std::uint64_t kReserved = 1 << 20;
  answer->data.clear();
  answer->data.reserve(static_cast<std::size_t>(std::min(size, kReserved)));
  value_ = answer;
  status_ = status;
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
  Answer& answer = *std::exchange(value_, nullptr);
  if (status_ == Status::kNumber) {
    const auto number = CounterOf(answer.data);
    if (!number) return Progress::kProtocol;
    answer.number = *number;
    answer.data.clear();
  }
  answer.status = status_;
  return last_ ? Progress::kDone : Progress::kMore;
}

// The rest of the request is answered by the error. A storage command whose line the server did
// not like may have had its data read as a command, so nothing more is expected of that
// connection; nor after ERROR, which says that the two do not speak the same language; nor where
// answers to further keys follow.
Progress Parser::ErrorLine(Request* request, Status status, std::string_view line) {
  for (Answer& answer : request->answers) {
    if (answer.status != Status::kPending) continue;
    answer.status = status;
    answer.data = line;
  }
  const bool more = request->serial != 0 && !led_ && request->keys.size() > 1;
  const bool in_step = (status == Status::kServerError && !more) ||
                       (status == Status::kClientError && IsCounter(request->verb));
  return in_step ? Progress::kDone : Progress::kLast;
}

}  // namespace shardcache::inline v0::internal
