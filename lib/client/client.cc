#include "shardcache/client.h"

#include <algorithm>
#include <array>
#include <limits>
#include <thread>
#include <utility>

#include "lib/client/core.h"
#include "lib/client/engine.h"

namespace shardcache::inline v0 {
namespace {

using internal::Answer;
using internal::Item;
using internal::Status;
using internal::Verb;

// What memcached takes for a moment and not for a duration is sent as one.
std::int64_t WireExpire(const Expiration& expire) {
  if (!expire) return 0;
  if (expire->count() <= 0) return -1;
  constexpr std::chrono::seconds kLongestDuration = std::chrono::hours(24 * 30);
  if (*expire <= kLongestDuration) return expire->count();
  const auto now =
      std::chrono::ceil<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
  // memcached counts in 32 bits: what ends later never ends.
  const std::int64_t left = std::numeric_limits<std::int32_t>::max() - now.count();
  return expire->count() >= left ? 0 : now.count() + expire->count();
}

Verb VerbOf(Command command) {
  static constexpr std::array<Verb, 13> kVerbs = {
      Verb::kGet,       Verb::kGets,      Verb::kGetAndTouch, Verb::kSet, Verb::kAdd,
      Verb::kReplace,   Verb::kAppend,    Verb::kPrepend,     Verb::kCas, Verb::kDelete,
      Verb::kIncrement, Verb::kDecrement, Verb::kTouch};
  return kVerbs[static_cast<std::size_t>(command)];
}

Outcome OutcomeOf(Status status) {
  switch (status) {
    case Status::kHit:
      return Outcome::kHit;
    case Status::kStored:
      return Outcome::kStored;
    case Status::kNotStored:
      return Outcome::kNotStored;
    case Status::kExists:
      return Outcome::kExists;
    case Status::kDeleted:
      return Outcome::kDeleted;
    case Status::kTouched:
      return Outcome::kTouched;
    case Status::kNumber:
      return Outcome::kCounted;
    default:
      return Outcome::kMiss;
  }
}

void Fill(const Operation& operation, Item* item) {
  const bool counts =
      operation.command == Command::kIncrement || operation.command == Command::kDecrement;
  item->key = operation.key;
  item->request.verb = VerbOf(operation.command);
  item->request.value = operation.value;
  item->request.flags = operation.flags;
  item->request.expire = WireExpire(operation.expire);
  item->request.number = counts ? operation.delta : operation.cas;
}

Value ValueOf(Answer&& answer) {
  return {.data = std::move(answer.data), .flags = answer.flags, .cas = answer.number};
}

Result<std::optional<Value>> ReadResult(Item&& item) {
  if (item.error) return std::move(*item.error);
  if (item.answer.status == Status::kMiss) return std::optional<Value>();
  return std::optional<Value>(ValueOf(std::move(item.answer)));
}

Result<Reply> ReplyOf(Item&& item) {
  if (item.error) return std::move(*item.error);
  const Outcome outcome = OutcomeOf(item.answer.status);
  if (outcome != Outcome::kHit) return Reply{.outcome = outcome, .counter = item.answer.number};
  return Reply{.outcome = outcome, .value = ValueOf(std::move(item.answer))};
}

// One request, alone.
Item Ask(internal::ClientEngine* engine, const Operation& operation) {
  Item item;
  Fill(operation, &item);
  engine->Perform(&item);
  return item;
}

Result<Outcome> AskOutcome(internal::ClientEngine* engine, const Operation& operation) {
  Item item = Ask(engine, operation);
  if (item.error) return std::move(*item.error);
  return OutcomeOf(item.answer.status);
}

Result<bool> AskWhether(internal::ClientEngine* engine, const Operation& operation) {
  const Result<Outcome> outcome = AskOutcome(engine, operation);
  if (!outcome.ok()) return outcome.error();
  return *outcome != Outcome::kMiss;
}

Result<std::optional<std::uint64_t>> AskCounter(internal::ClientEngine* engine,
                                                const Operation& operation) {
  Item item = Ask(engine, operation);
  if (item.error) return std::move(*item.error);
  if (item.answer.status == Status::kMiss) return std::optional<std::uint64_t>();
  return std::optional<std::uint64_t>(item.answer.number);
}

}  // namespace

std::string_view OutcomeName(Outcome outcome) {
  constexpr std::array<std::string_view, 8> kNames = {"hit",    "miss",    "stored",  "not_stored",
                                                      "exists", "deleted", "touched", "counted"};
  return kNames[static_cast<std::size_t>(outcome)];
}

Client::Client(std::unique_ptr<internal::ClientEngine> engine) : engine_(std::move(engine)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::Create(const PoolConfig& pool, ClientOptions options) {
  auto core = internal::ClientCore::Create(pool, std::move(options));
  if (!core.ok()) return core.error();
  return Client(std::make_unique<internal::ClientEngine>(*std::move(core)));
}

Result<std::optional<Value>> Client::Get(std::string_view key) {
  return ReadResult(Ask(engine_.get(), {.command = Command::kGet, .key = key}));
}

Result<std::optional<Value>> Client::Gets(std::string_view key) {
  return ReadResult(Ask(engine_.get(), {.command = Command::kGets, .key = key}));
}

Result<std::optional<Value>> Client::GetAndTouch(std::string_view key, Expiration expire) {
  return ReadResult(
      Ask(engine_.get(), {.command = Command::kGetAndTouch, .key = key, .expire = expire}));
}

std::vector<Result<std::optional<Value>>> Client::GetMany(std::span<const std::string_view> keys) {
  std::vector<Result<std::optional<Value>>> results;
  results.reserve(keys.size());
  engine_->GetMany(keys, [&](Answer&& answer, std::unique_ptr<Error> error) {
    if (error) return void(results.emplace_back(std::move(*error)));
    results.emplace_back(std::nullopt);
    if (answer.status == Status::kMiss) return;
    Value& value = (*results.back()).emplace();
    value.data = std::move(answer.data);
    value.flags = answer.flags;
  });
  return results;
}

std::vector<Result<std::optional<LivingValue>>> Client::GetManyWithExpiration(
    std::span<const std::string_view> keys) {
  std::vector<Item> items(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    items[i].request.verb = Verb::kMetaGet;
    items[i].key = keys[i];
  }
  engine_->Perform(items);
  std::vector<Result<std::optional<LivingValue>>> results;
  results.reserve(items.size());
  for (Item& item : items) {
    Expiration remaining;
    if (item.answer.remaining) remaining = std::chrono::seconds(*item.answer.remaining);
    auto read = ReadResult(std::move(item));
    if (!read.ok()) {
      results.emplace_back(read.error());
    } else if (!*read) {
      results.emplace_back(std::nullopt);
    } else {
      results.emplace_back(LivingValue{**std::move(read), remaining});
    }
  }
  return results;
}

Result<Outcome> Client::Set(std::string_view key, std::string_view value, Expiration expire,
                            std::uint32_t flags) {
  return AskOutcome(
      engine_.get(),
      {.command = Command::kSet, .key = key, .value = value, .flags = flags, .expire = expire});
}

Result<Outcome> Client::Add(std::string_view key, std::string_view value, Expiration expire,
                            std::uint32_t flags) {
  return AskOutcome(
      engine_.get(),
      {.command = Command::kAdd, .key = key, .value = value, .flags = flags, .expire = expire});
}

Result<Outcome> Client::Replace(std::string_view key, std::string_view value, Expiration expire,
                                std::uint32_t flags) {
  return AskOutcome(
      engine_.get(),
      {.command = Command::kReplace, .key = key, .value = value, .flags = flags, .expire = expire});
}

Result<Outcome> Client::Append(std::string_view key, std::string_view value) {
  return AskOutcome(engine_.get(), {.command = Command::kAppend, .key = key, .value = value});
}

Result<Outcome> Client::Prepend(std::string_view key, std::string_view value) {
  return AskOutcome(engine_.get(), {.command = Command::kPrepend, .key = key, .value = value});
}

Result<Outcome> Client::Cas(std::string_view key, std::string_view value, std::uint64_t cas,
                            Expiration expire, std::uint32_t flags) {
  return AskOutcome(engine_.get(), {.command = Command::kCas,
                                    .key = key,
                                    .value = value,
                                    .flags = flags,
                                    .expire = expire,
                                    .cas = cas});
}

Result<bool> Client::Delete(std::string_view key) {
  return AskWhether(engine_.get(), {.command = Command::kDelete, .key = key});
}

Result<bool> Client::Touch(std::string_view key, Expiration expire) {
  return AskWhether(engine_.get(), {.command = Command::kTouch, .key = key, .expire = expire});
}

Result<std::optional<std::uint64_t>> Client::Increment(std::string_view key, std::uint64_t delta) {
  return AskCounter(engine_.get(), {.command = Command::kIncrement, .key = key, .delta = delta});
}

Result<std::optional<std::uint64_t>> Client::Decrement(std::string_view key, std::uint64_t delta) {
  return AskCounter(engine_.get(), {.command = Command::kDecrement, .key = key, .delta = delta});
}

std::vector<Result<Reply>> Client::Execute(std::span<const Operation> operations) {
  std::vector<Item> items(operations.size());
  for (std::size_t i = 0; i < items.size(); ++i) Fill(operations[i], &items[i]);
  engine_->Perform(items);
  std::vector<Result<Reply>> replies;
  replies.reserve(items.size());
  for (Item& item : items) replies.push_back(ReplyOf(std::move(item)));
  return replies;
}

std::map<std::string, Result<std::string>> Client::Version() {
  std::map<std::string, Result<std::string>> versions;
  for (auto& server : engine_->AskAll(Verb::kVersion)) {
    if (server.error) {
      versions.emplace(server.server.name, std::move(*server.error));
    } else {
      versions.emplace(server.server.name, std::move(server.answer.data));
    }
  }
  return versions;
}

std::map<std::string, Result<void>> Client::FlushAll() {
  std::map<std::string, Result<void>> flushed;
  for (auto& server : engine_->AskAll(Verb::kFlushAll)) {
    flushed.emplace(server.server.name,
                    server.error ? Result<void>(std::move(*server.error)) : Result<void>());
  }
  return flushed;
}

std::map<std::string, Result<std::map<std::string, std::string>>> Client::Stats(
    std::string_view sort) {
  std::map<std::string, Result<std::map<std::string, std::string>>> all;
  for (auto& server : engine_->AskAll(Verb::kStats, sort)) {
    if (server.error) {
      all.emplace(server.server.name, std::move(*server.error));
      continue;
    }
    std::map<std::string, std::string> stats;
    for (const std::string& line : server.lines) {  // "STAT NAME VALUE"
      const std::size_t name = line.find(' ') + 1;
      const std::size_t blank = std::min(line.find(' ', name), line.size());
      stats[line.substr(name, blank - name)] = line.substr(std::min(blank + 1, line.size()));
    }
    all.emplace(server.server.name, std::move(stats));
  }
  return all;
}

void Client::CheckIdle() { engine_->CheckIdle(); }

bool Client::Maintain(std::chrono::milliseconds limit) {
  const TimePoint end = Clock::now() + limit;
  while (!engine_->core().Step(/*at_once=*/true)) {
    if (Clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

Router& Client::router() const { return engine_->core().router(); }

ClientMetrics Client::Metrics() const { return engine_->Metrics(); }

}  // namespace shardcache::inline v0
