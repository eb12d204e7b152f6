#include "bindings/cli/bench_request.h"

#include <charconv>

namespace shardcache::cli {
namespace {

using internal::Status;
using internal::Verb;

Ending EndingOf(FailureKind kind) {
  switch (kind) {
    case FailureKind::kRefused:
      return Ending::kRefused;
    case FailureKind::kTimeout:
      return Ending::kTimeout;
    case FailureKind::kClosed:
    case FailureKind::kReset:
      return Ending::kLost;
    case FailureKind::kProtocol:
      return Ending::kProtocol;
    default:
      return Ending::kOther;
  }
}

std::uint64_t Digits(std::uint64_t number) {
  char text[20];
  return static_cast<std::uint64_t>(std::to_chars(text, text + sizeof text, number).ptr - text);
}

}  // namespace

void BenchRequest::Make(const Workload::Choice& choice, Tally* tally) {
  choice_ = choice;
  workload_.MakeKey(choice.key, &key_);
  key_view_ = key_;
  answer_.status = Status::kPending;
  request_ = {.verb = choice.get ? Verb::kGet : Verb::kSet,
              .keys = {&key_view_, 1},
              .value = choice.get ? std::string_view() : workload_.ValueOf(choice.key),
              .expire = workload_.expire(),
              .answers = {&answer_, 1}};
  tally->bytes_sent +=
      RequestBytes(choice.get, key_.size(), request_.value.size(), request_.expire);
}

Ending BenchRequest::Judge(std::string_view value) const {
  if (answer_.status >= Status::kError) return Ending::kServerError;
  if (!choice_.get) return answer_.status == Status::kStored ? Ending::kStored : Ending::kWrong;
  if (answer_.status == Status::kMiss) return Ending::kMiss;
  return answer_.status == Status::kHit && answer_.data == value ? Ending::kHit : Ending::kWrong;
}

void BenchRequest::CountAnswer(const Server& server, Histogram::Duration time, Tally* tally) const {
  const std::string_view value = workload_.ValueOf(choice_.key);
  const Ending ending = Judge(value);
  tally->bytes_received += AnswerBytes(ending, key_.size(), value.size());
  if (!IsError(ending)) {
    tally->Add(ending);
    tally->response.Add(time);
    return;
  }
  const bool told = ending == Ending::kServerError;
  tally->AddError(ending, server.address() + ", key \"" + key_ +
                              "\": " + (told ? answer_.data : "not the value that was stored"));
}

void BenchRequest::CountFailure(const Server& server, const internal::WireFailure& failure,
                                Tally* tally) const {
  tally->AddError(EndingOf(failure.kind),
                  server.address() + ", key \"" + key_ + "\": " + failure.what);
}

std::uint64_t RequestBytes(bool get, std::size_t key, std::size_t value, std::int64_t expire) {
  if (get) return sizeof "get \r\n" - 1 + key;
  return sizeof "set  0  \r\n\r\n" - 1 + key + Digits(static_cast<std::uint64_t>(expire)) +
         Digits(value) + value;
}

std::uint64_t AnswerBytes(Ending ending, std::size_t key, std::size_t value) {
  switch (ending) {
    case Ending::kStored:
      return sizeof "STORED\r\n" - 1;
    case Ending::kMiss:
      return sizeof "END\r\n" - 1;
    case Ending::kHit:
      return sizeof "VALUE  0 \r\n\r\nEND\r\n" - 1 + key + Digits(value) + value;
    default:
      return 0;
  }
}

}  // namespace shardcache::cli
