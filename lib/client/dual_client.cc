#include "shardcache/dual_client.h"

#include <algorithm>
#include <utility>

namespace shardcache::inline v0 {
namespace {

// Whether a server has refused the command itself, which is one that it does not know.
bool IsUnknownCommand(const Error& error) {
  return error.code == ErrorCode::kRefusedByServer && error.message.ends_with("ERROR") &&
         !error.message.ends_with("_ERROR");
}

Operation AddOf(std::string_view key, const LivingValue& found) {
  return {.command = Command::kAdd,
          .key = key,
          .value = found.value.data,
          .flags = found.value.flags,
          .expire = found.remaining};
}

}  // namespace

Result<DualClient> DualClient::Create(const PoolConfig& old_pool, const PoolConfig& new_pool,
                                      DualOptions options) {
  auto old_client = Client::Create(old_pool, options.old_client);
  if (!old_client.ok()) return old_client.error();
  auto new_client = Client::Create(new_pool, options.new_client);
  if (!new_client.ok()) return new_client.error();
  return DualClient(*std::move(old_client), *std::move(new_client), std::move(options));
}

bool DualClient::OldIsOver() const {
  return options_.until && std::chrono::system_clock::now() >= *options_.until;
}

std::vector<Result<std::optional<LivingValue>>> DualClient::ReadOld(
    std::span<const std::string_view> keys) {
  if (old_tells_expiration_) {
    auto results = old_.GetManyWithExpiration(keys);
    const bool unknown = std::any_of(results.begin(), results.end(), [](const auto& result) {
      return !result.ok() && IsUnknownCommand(result.error());
    });
    if (!unknown) return results;
    old_tells_expiration_ = false;
  }
  std::vector<Result<std::optional<LivingValue>>> results;
  for (auto& result : old_.GetMany(keys)) {
    if (!result.ok()) {
      results.emplace_back(result.error());
    } else if (!*result) {
      results.emplace_back(std::nullopt);
    } else {
      results.emplace_back(LivingValue{**std::move(result), options_.unknown_expiration});
    }
  }
  return results;
}

std::vector<Result<std::optional<Value>>> DualClient::GetMany(
    std::span<const std::string_view> keys) {
  auto results = new_.GetMany(keys);
  std::vector<std::size_t> missing;
  std::vector<std::string_view> missing_keys;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!results[i].ok()) continue;
    if (*results[i]) {
      ++counters_.hits_in_new;
    } else {
      missing.push_back(i);
      missing_keys.push_back(keys[i]);
    }
  }
  if (missing.empty() || OldIsOver()) {
    counters_.misses += missing.size();
    return results;
  }
  const auto found = ReadOld(missing_keys);
  std::vector<std::size_t> brought;
  std::vector<Operation> adds;
  for (std::size_t j = 0; j < missing.size(); ++j) {
    if (!found[j].ok()) {
      results[missing[j]] = found[j].error();
    } else if (!*found[j]) {
      ++counters_.misses;
    } else {
      ++counters_.hits_in_old;
      results[missing[j]] = std::optional<Value>((*found[j])->value);
      brought.push_back(missing[j]);
      adds.push_back(AddOf(missing_keys[j], **found[j]));
    }
  }
  const auto added = new_.Execute(adds);
  for (std::size_t j = 0; j < added.size(); ++j) {
    // Somebody was faster, with something newer. That the value could not be added harms nobody.
    if (added[j].ok() && added[j]->outcome == Outcome::kNotStored) {
      auto newer = new_.Get(keys[brought[j]]);
      if (!newer.ok() || *newer) results[brought[j]] = std::move(newer);
    }
  }
  return results;
}

Result<std::optional<Value>> DualClient::Get(std::string_view key) {
  return std::move(GetMany({&key, 1}).front());
}

// Whether the new layout has the key now because the old one had it.
Result<bool> DualClient::BringOver(std::string_view key) {
  if (OldIsOver()) return false;
  const auto found = std::move(ReadOld({&key, 1}).front());
  if (!found.ok()) return found.error();
  if (!*found) return false;
  const Operation add = AddOf(key, **found);
  const auto added = std::move(new_.Execute({&add, 1}).front());
  if (!added.ok()) return added.error();
  return true;
}

Result<Reply> DualClient::ExecuteInNew(const Operation& operation) {
  return std::move(new_.Execute({&operation, 1}).front());
}

Result<Reply> DualClient::Execute(const Operation& operation) {
  const Command command = operation.command;
  if (command == Command::kSet || command == Command::kDelete) {
    bool was_in_old = false;
    if (!OldIsOver()) {
      const auto deleted = old_.Delete(operation.key);
      if (!deleted.ok()) return deleted.error();
      was_in_old = *deleted;
    }
    Result<Reply> reply = ExecuteInNew(operation);
    if (reply.ok() && reply->outcome == Outcome::kMiss && was_in_old) {
      reply->outcome = Outcome::kDeleted;
    }
    return reply;
  }
  if (command == Command::kAdd) {
    if (const auto brought = BringOver(operation.key); !brought.ok()) return brought.error();
    return ExecuteInNew(operation);
  }
  Result<Reply> reply = ExecuteInNew(operation);
  const bool lacks =
      reply.ok() && (reply->outcome == Outcome::kMiss || reply->outcome == Outcome::kNotStored);
  if (!lacks) return reply;
  const auto brought = BringOver(operation.key);
  if (!brought.ok()) return brought.error();
  return *brought ? ExecuteInNew(operation) : std::move(reply);
}

Result<Outcome> DualClient::Set(std::string_view key, std::string_view value, Expiration expire,
                                std::uint32_t flags) {
  const auto reply = Execute(
      {.command = Command::kSet, .key = key, .value = value, .flags = flags, .expire = expire});
  if (!reply.ok()) return reply.error();
  return reply->outcome;
}

Result<bool> DualClient::Delete(std::string_view key) {
  const auto reply = Execute({.command = Command::kDelete, .key = key});
  if (!reply.ok()) return reply.error();
  return reply->outcome == Outcome::kDeleted;
}

}  // namespace shardcache::inline v0
