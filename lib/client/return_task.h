// What is asked of a server before it is routed to again, or after.
#ifndef SHARDCACHE_LIB_CLIENT_RETURN_TASK_H_
#define SHARDCACHE_LIB_CLIENT_RETURN_TASK_H_

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "lib/client/invalidation.h"
#include "lib/client/stale_keys.h"
#include "lib/wire/connection.h"
#include "shardcache/stale_guard.h"

namespace shardcache::inline v0::internal {

// Asks one server, on a connection of its own, for a sign of life, and does with it what the stale
// guard wants. It never waits: each Step() goes as far as it can. Not thread-safe.
class ReturnTask {
 public:
  struct Plan {
    bool readmits = true;       // else it cleans a live server
    bool invalidates = false;   // empty it, as StaleGuard::kFleet does
    StaleKeys* keys = nullptr;  // delete what is stale in it
    ServerIndex index = 0;      // of the server, for `keys`
    TimePoint ejected_at = {};
    std::optional<std::chrono::milliseconds> timeout = {};  // of each answer
  };

  ReturnTask(const Server& server, const Plan& plan);

  // Returns whether it is over.
  bool Step(TimePoint now);

  const Plan& plan() const { return plan_; }
  const std::string& server_name() const { return connection_.server().name; }
  // Once it is over: whether all is done, and what that was.
  bool succeeded() const { return state_ == State::kDone; }
  const std::vector<StaleGuardEvent>& events() const { return events_; }
  std::uint64_t deleted() const { return deleted_; }

 private:
  enum class State { kReady, kAsking, kWaiting, kDone, kFailed };

  void AskNext(TimePoint now);
  bool AskToDelete();
  void AskToInvalidate(TimePoint now);
  void TakeAnswers(TimePoint now);
  void TakeInvalidationAnswers();
  void Ask(Verb verb, std::string_view key = {}, std::string_view value = {},
           std::int64_t expire = 0);
  void Fail(std::string message);
  StaleGuardEvent Event(StaleGuardEvent::Type type, std::string message = {}) const;

  Plan plan_;
  Connection connection_;
  State state_ = State::kReady;
  TimePoint deadline_ = {};
  bool answered_ = false;  // has given a sign of life

  // What was asked; kept until it is answered.
  std::deque<std::string> texts_;
  std::deque<std::string_view> keys_;
  std::deque<Answer> answers_;
  std::deque<Request> requests_;
  std::vector<StaleKeys::Copy> copies_;  // being deleted

  Invalidation invalidation_;
  bool invalidated_ = false;
  TimePoint asked_at_ = {};
  std::uint64_t moment_ = 0;  // of keys, before it was emptied
  ServerTime time_;
  std::function<void(std::string_view)> read_stat_;

  std::uint64_t deleted_ = 0;
  std::vector<StaleGuardEvent> events_;
};

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_CLIENT_RETURN_TASK_H_
