#include "lib/client/return_task.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

namespace shardcache::inline v0::internal {
namespace {

constexpr std::size_t kDeletesAtOnce = 1000;
constexpr std::chrono::seconds kLockLife(10);
constexpr std::chrono::milliseconds kWaitForOther(100);
// Where the pool waits for ever, a probe still must come to an end.
constexpr std::chrono::seconds kLongestAnswer(10);

std::optional<std::int64_t> ParseNumber(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

ReturnTask::ReturnTask(const Server& server, const Plan& plan) : plan_(plan), connection_(server) {
  invalidated_ = !plan_.invalidates;
  read_stat_ = [this](std::string_view line) {
    line.remove_prefix(std::string_view("STAT ").size());
    const std::string_view name = line.substr(0, line.find(' '));
    const std::string_view value = line.substr(std::min(line.size(), name.size() + 1));
    if (name == "time") time_.now = ParseNumber(value).value_or(0);
    if (name == "uptime") time_.uptime = ParseNumber(value).value_or(time_.uptime);
  };
}

bool ReturnTask::Step(TimePoint now) {
  if (state_ == State::kWaiting && now >= deadline_) {
    invalidation_.FeedWaited();
    state_ = State::kReady;
  }
  if (state_ == State::kReady) AskNext(now);
  if (state_ == State::kAsking) {
    std::optional<WireFailure> failure = connection_.Send();
    if (!failure && connection_.is_open()) failure = connection_.ReceiveNow();
    if (failure) {
      Fail(failure->what);
    } else if (connection_.idle()) {
      TakeAnswers(now);
    } else if (now >= deadline_) {
      Fail("no answer in time");
    }
  }
  return state_ == State::kDone || state_ == State::kFailed;
}

void ReturnTask::Fail(std::string message) {
  connection_.Close();
  state_ = State::kFailed;
  // A server that does not answer needs no words; one that answers and is not wanted does.
  if (answered_ || !plan_.readmits) {
    events_.push_back(Event(StaleGuardEvent::Type::kFailed, std::move(message)));
  }
}

StaleGuardEvent ReturnTask::Event(StaleGuardEvent::Type type, std::string message) const {
  return {.type = type, .server = server_name(), .keys = deleted_, .message = std::move(message)};
}

void ReturnTask::Ask(Verb verb, std::string_view key, std::string_view value, std::int64_t expire) {
  Request& request = requests_.emplace_back();
  request.verb = verb;
  if (!key.empty()) {
    keys_.push_back(key);
    request.keys = {&keys_.back(), 1};
  }
  request.value = value;
  request.expire = expire;
  request.answers = {&answers_.emplace_back(), 1};
  if (verb == Verb::kStats) request.lines = &read_stat_;
  connection_.Queue(&request);
}

void ReturnTask::AskNext(TimePoint now) {
  texts_.clear();
  keys_.clear();
  answers_.clear();
  requests_.clear();
  state_ = State::kAsking;
  deadline_ = now + std::min<std::chrono::milliseconds>(plan_.timeout.value_or(kLongestAnswer),
                                                        kLongestAnswer);
  if (auto failure = connection_.Open(deadline_)) return Fail(failure->what);
  if (!invalidated_) return AskToInvalidate(now);
  if (plan_.keys != nullptr && AskToDelete()) return;
  if (!answered_) return Ask(Verb::kVersion);
  connection_.Close();
  state_ = State::kDone;
  if (deleted_ > 0) events_.push_back(Event(StaleGuardEvent::Type::kCleaned));
}

bool ReturnTask::AskToDelete() {
  copies_ = plan_.keys->Stale(plan_.index, kDeletesAtOnce);
  for (const StaleKeys::Copy& copy : copies_) Ask(Verb::kDelete, copy.key);
  return !copies_.empty();
}

void ReturnTask::AskToInvalidate(TimePoint now) {
  switch (invalidation_.next()) {
    case Invalidation::Step::kAskTime:
      asked_at_ = now;
      time_ = {.now = 0, .uptime = std::numeric_limits<std::int32_t>::max()};
      if (plan_.keys != nullptr) moment_ = plan_.keys->Moment();
      return Ask(Verb::kStats);
    case Invalidation::Step::kReadMarker:
      return Ask(Verb::kGet, kInvalidationMarker);
    case Invalidation::Step::kLock:
      return Ask(Verb::kAdd, kInvalidationLock, "1", kLockLife.count());
    case Invalidation::Step::kFlush:
      texts_.push_back(std::to_string(invalidation_.marker()));
      Ask(Verb::kFlushAll);
      return Ask(Verb::kSet, kInvalidationMarker, texts_.back());
    default:
      return Fail("the server could not be emptied");
  }
}

void ReturnTask::TakeAnswers(TimePoint now) {
  for (const Answer& answer : answers_) {
    if (answer.status < Status::kError) continue;
    answered_ = true;
    return Fail("the server answered '" + answer.data + "' to " +
                std::string(VerbName(requests_.front().verb)));
  }
  if (connection_.fd() < 0) return Fail("the connection was closed");
  answered_ = true;
  state_ = State::kReady;
  if (!invalidated_) {
    TakeInvalidationAnswers();
    if (invalidation_.next() != Invalidation::Step::kWait) return;
    state_ = State::kWaiting;
    deadline_ = now + kWaitForOther;
  } else if (!copies_.empty()) {
    plan_.keys->Deleted(plan_.index, copies_);
    deleted_ += copies_.size();
    copies_.clear();
  }
}

void ReturnTask::TakeInvalidationAnswers() {
  using Type = StaleGuardEvent::Type;
  const Answer& answer = answers_.front();
  switch (invalidation_.next()) {
    case Invalidation::Step::kAskTime: {
      if (time_.now <= 0) return Fail("the server's statistics tell no time");
      const auto out = std::chrono::floor<std::chrono::seconds>(asked_at_ - plan_.ejected_at);
      invalidation_.FeedTime(time_, out.count());
      break;
    }
    case Invalidation::Step::kReadMarker:
      invalidation_.FeedMarker(answer.status == Status::kHit ? ParseNumber(answer.data)
                                                             : std::nullopt);
      break;
    case Invalidation::Step::kLock:
      invalidation_.FeedLock(answer.status == Status::kStored);
      break;
    case Invalidation::Step::kFlush:
      invalidation_.FeedFlush(answers_[0].status == Status::kOk &&
                              answers_[1].status == Status::kStored);
      break;
    default:
      break;
  }
  if (invalidation_.next() != Invalidation::Step::kDone) return;
  invalidated_ = true;
  if (plan_.keys != nullptr) plan_.keys->Emptied(plan_.index, moment_);
  const Invalidation::End end = invalidation_.end();
  events_.push_back(Event(end == Invalidation::End::kInvalidated ? Type::kInvalidated
                          : end == Invalidation::End::kAlreadyInvalidated
                              ? Type::kAlreadyInvalidated
                              : Type::kRestarted));
}

}  // namespace shardcache::inline v0::internal
