#include "lib/client/core.h"

#include <algorithm>
#include <utility>

#include "lib/wire/request.h"

namespace shardcache::inline v0::internal {
namespace {

// Between two steps of what goes on beside the calls.
constexpr std::chrono::microseconds kStepInterval(500);
constexpr std::chrono::seconds kAfterFailedCleaning(1);

Result<void> Check(const PoolConfig& pool, const ClientOptions& options) {
  const auto refuse = [&](const std::string& what) -> Result<void> {
    return Error{ErrorCode::kInvalidArgument, "a client of pool '" + pool.name + "': " + what};
  };
  if (pool.redis) return refuse("the pool is of redis servers, this is a memcached client");
  if (!options.prefix.empty() && !IsValidKey(options.prefix)) {
    return refuse("a prefix is at most 249 bytes, without blanks and control characters");
  }
  if (options.timeout && options.timeout->count() <= 0) return refuse("timeout must be above 0");
  if (options.deadline && options.deadline->count() <= 0) return refuse("deadline must be above 0");
  return {};
}

}  // namespace

std::shared_ptr<MetricsCell> MetricsOfClient::Of(const std::string& server) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<MetricsCell>& cell = cells_[server];
  if (!cell) cell = std::make_shared<MetricsCell>();
  return cell;
}

void MetricsOfClient::AddTo(std::vector<ServerMetrics>* servers) const {
  const std::lock_guard lock(mutex_);
  for (ServerMetrics& server : *servers) {
    const auto cell = cells_.find(server.name);
    if (cell != cells_.end()) cell->second->AddTo(&server);
  }
}

Result<std::shared_ptr<ClientCore>> ClientCore::Create(const PoolConfig& pool,
                                                       ClientOptions options) {
  if (auto checked = Check(pool, options); !checked.ok()) return checked.error();
  if (!options.timeout) options.timeout = pool.timeout;
  if (!options.deadline) options.deadline = options.timeout;
  std::shared_ptr<ClientCore> core(new ClientCore(std::move(options)));
  const StaleGuardOptions& guard = core->options_.stale_guard;
  core->options_.routing.probe_before_readmission |= guard.level != StaleGuard::kOff;
  RouterOptions routing = core->options_.routing;
  if (guard.level != StaleGuard::kOff) {
    routing.observer = [raw = core.get()](const RouterEvent& event) { raw->Observe(event); };
  }
  auto router = Router::Create(pool, std::move(routing));
  if (!router.ok()) return router.error();
  core->router_ = *std::move(router);
  if (guard.level == StaleGuard::kExact) {
    const auto snapshot = core->router_->Snapshot();
    core->stale_keys_ =
        std::make_unique<StaleKeys>(snapshot->placement, snapshot->configuration, guard.memory,
                                    core->options_.hash_prefix ? 0 : core->options_.prefix.size());
  }
  return core;
}

void ClientCore::Observe(const RouterEvent& event) {
  if (event.type == RouterEvent::Type::kEjected) {
    const std::lock_guard lock(ejected_at_mutex_);
    ejected_at_[event.name] = Clock::now();
  }
  if (options_.routing.observer) options_.routing.observer(event);
}

bool ClientCore::Step(bool at_once) {
  const TimePoint now = Clock::now();
  const bool early = now.time_since_epoch().count() < next_step_.load(std::memory_order_relaxed);
  if (early && !at_once) return false;
  const std::unique_lock lock(tasks_mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return false;
  next_step_.store((now + kStepInterval).time_since_epoch().count(), std::memory_order_relaxed);
  const bool idle = StepTasks(now);
  busy_.store(!idle, std::memory_order_relaxed);
  return idle;
}

bool ClientCore::StepTasks(TimePoint now) {
  auto snapshot = router_->Snapshot();
  if (snapshot->configuration != configuration_) {
    tasks_.clear();
    not_before_.clear();
    configuration_ = snapshot->configuration;
  }
  StartTasks(*snapshot, now);
  for (auto it = tasks_.begin(); it != tasks_.end();) {
    if (!it->second.Step(now)) {
      ++it;
      continue;
    }
    EndTask(it->second, it->first, now);
    it = tasks_.erase(it);
  }
  snapshot = router_->Snapshot();
  stepped_.store(snapshot->version, std::memory_order_relaxed);
  if (stale_keys_ != nullptr) stale_keys_->Settle(*snapshot);
  if (stale_keys_ != nullptr && stale_keys_->active()) return false;
  // Without probes the router readmits by itself.
  const bool any_out = options_.routing.probe_before_readmission &&
                       std::find(snapshot->ejected.begin(), snapshot->ejected.end(), true) !=
                           snapshot->ejected.end();
  return tasks_.empty() && !any_out;
}

void ClientCore::StartTasks(const RouterSnapshot& snapshot, TimePoint now) {
  const StaleGuardOptions& guard = options_.stale_guard;
  const auto start = [&](ServerIndex server, ReturnTask::Plan plan) {
    plan.index = server;
    plan.keys = stale_keys_.get();
    plan.timeout = options_.timeout;
    // In place: requests point into it.
    tasks_.try_emplace(server, snapshot.placement.server(server), plan);
  };
  for (const ServerIndex server : router_->ProbesDue()) {
    if (tasks_.contains(server)) continue;
    ReturnTask::Plan plan{.invalidates = guard.level == StaleGuard::kFleet};
    if (stale_keys_ != nullptr && stale_keys_->Overflowed(server)) plan.invalidates = true;
    {
      const std::lock_guard lock(ejected_at_mutex_);
      plan.ejected_at = ejected_at_[snapshot.placement.server(server).name];
    }
    start(server, plan);
  }
  if (stale_keys_ == nullptr || !stale_keys_->active()) return;
  for (const ServerIndex server : snapshot.placement.live()) {
    if (snapshot.ejected[server] || tasks_.contains(server) || now < not_before_[server]) continue;
    if (!stale_keys_->Stale(server, 1).empty()) start(server, {.readmits = false});
  }
}

void ClientCore::EndTask(const ReturnTask& task, ServerIndex server, TimePoint now) {
  const auto tell = [&](const StaleGuardEvent& event) {
    if (options_.stale_guard.observer) options_.stale_guard.observer(event);
  };
  if (task.plan().invalidates && task.plan().keys != nullptr && task.succeeded()) {
    tell({.type = StaleGuardEvent::Type::kOverflow, .server = task.server_name()});
  }
  for (const StaleGuardEvent& event : task.events()) tell(event);
  if (!task.plan().readmits) {
    if (!task.succeeded()) not_before_[server] = now + kAfterFailedCleaning;
    return;
  }
  router_->ReportProbe(server, task.succeeded());
}

std::shared_ptr<MetricsOfClient> ClientCore::NewMetrics() {
  const std::lock_guard lock(metrics_mutex_);
  return metrics_.emplace_back(std::make_shared<MetricsOfClient>());
}

ClientMetrics ClientCore::Metrics() const {
  ClientMetrics metrics = MetricsOf(MetricsOfClient());
  const std::lock_guard lock(metrics_mutex_);
  for (const auto& client : metrics_) client->AddTo(&metrics.servers);
  return metrics;
}

ClientMetrics ClientCore::MetricsOf(const MetricsOfClient& client) const {
  ClientMetrics metrics;
  for (const ServerCounters& counters : router_->Counters()) {
    metrics.servers.push_back({.name = counters.name,
                               .ejections = counters.ejections,
                               .readmissions = counters.readmissions});
  }
  client.AddTo(&metrics.servers);
  return metrics;
}

}  // namespace shardcache::inline v0::internal
