// What the clients of a pool share: the router, the guard's memory, and what goes on between calls.
#ifndef SHARDCACHE_LIB_CLIENT_CORE_H_
#define SHARDCACHE_LIB_CLIENT_CORE_H_

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "lib/client/metrics_cell.h"
#include "lib/client/return_task.h"
#include "lib/client/stale_keys.h"
#include "shardcache/client.h"

namespace shardcache::inline v0::internal {

// The counters of one client, by ring name. Thread-safe.
class MetricsOfClient {
 public:
  std::shared_ptr<MetricsCell> Of(const std::string& server);
  void AddTo(std::vector<ServerMetrics>* servers) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<MetricsCell>> cells_;
};

// Thread-safe.
class ClientCore {
 public:
  static Result<std::shared_ptr<ClientCore>> Create(const PoolConfig& pool, ClientOptions options);

  const ClientOptions& options() const { return options_; }
  std::optional<std::chrono::milliseconds> timeout() const { return options_.timeout; }
  Router& router() { return *router_; }
  // Null unless StaleGuard::kExact.
  StaleKeys* stale_keys() { return stale_keys_.get(); }

  // Whether Step() may have something to do, by a look that costs nothing.
  bool MayHaveWork(const RouterSnapshot& snapshot) const {
    return busy_.load(std::memory_order_relaxed) ||
           snapshot.version != stepped_.load(std::memory_order_relaxed);
  }
  // Carries on what there is to do about servers that are about to return, or have returned,
  // without waiting, a step each half millisecond unless `at_once`. One thread does it at a time;
  // others go on at once. Returns whether it is known that nothing is left to do.
  bool Step(bool at_once = false);

  std::shared_ptr<MetricsOfClient> NewMetrics();
  ClientMetrics Metrics() const;
  ClientMetrics MetricsOf(const MetricsOfClient& client) const;

 private:
  explicit ClientCore(ClientOptions options) : options_(std::move(options)) {}
  void Observe(const RouterEvent& event);
  bool StepTasks(TimePoint now);
  void StartTasks(const RouterSnapshot& snapshot, TimePoint now);
  void EndTask(const ReturnTask& task, ServerIndex server, TimePoint now);

  ClientOptions options_;
  std::unique_ptr<Router> router_;
  std::unique_ptr<StaleKeys> stale_keys_;

  std::mutex tasks_mutex_;  // guards the next five
  std::map<ServerIndex, ReturnTask> tasks_;
  std::map<ServerIndex, TimePoint> not_before_;  // after a failed clean-up of a live server
  std::uint64_t configuration_ = 0;
  // The version of the snapshot that the last step saw, and whether it left something to do.
  std::atomic<std::uint64_t> stepped_{0};
  std::atomic<bool> busy_{false};
  std::atomic<TimePoint::rep> next_step_{0};

  std::mutex ejected_at_mutex_;
  std::map<std::string, TimePoint> ejected_at_;  // by ring name

  mutable std::mutex metrics_mutex_;
  std::vector<std::shared_ptr<MetricsOfClient>> metrics_;
};

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_CLIENT_CORE_H_
