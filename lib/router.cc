#include "shardcache/router.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <deque>
#include <mutex>
#include <utility>

#include "lib/scheme.h"
#include "lib/snapshot_cell.h"
#include "shardcache/analysis.h"

namespace shardcache::inline v0 {
namespace {

// Names a router for the thread caches below; never used twice, unlike an address.
std::uint64_t NextRouterId() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

// Which servers have failures to be cleared by a success. Set under the router's lock, read
// without it, so that a success costs a load where there is nothing to clear.
using FailingFlags = std::vector<std::atomic<bool>>;

// A snapshot with what only the Router itself needs.
struct PublishedSnapshot : RouterSnapshot {
  std::shared_ptr<FailingFlags> failing;
};

// The snapshots that a thread used last, a place for each of a few routers.
struct CachedSnapshot {
  std::uint64_t router = 0;
  std::uint64_t version = 0;
  std::shared_ptr<const PublishedSnapshot> snapshot;
};
thread_local std::array<CachedSnapshot, 8> cached_snapshots;

bool SameServer(const Server& a, const Server& b) {
  return a.name == b.name && a.host == b.host && a.port == b.port;
}

// REQUIRES: `servers` are a placement's, and so sorted by ring name.
std::optional<ServerIndex> FindServer(std::span<const Server> servers, const Server& wanted) {
  const auto found = std::lower_bound(
      servers.begin(), servers.end(), wanted,
      [](const Server& a, const Server& b) { return RingNameLess(a.name, b.name); });
  if (found == servers.end() || !SameServer(*found, wanted)) return std::nullopt;
  return static_cast<ServerIndex>(found - servers.begin());
}

EjectionRules RulesOf(const PoolConfig& pool, const RouterOptions& options) {
  EjectionRules rules = EjectionRules::Of(pool);
  rules.probe_before_readmission = options.probe_before_readmission;
  rules.back_off_cap = options.back_off_cap;
  return rules;
}

}  // namespace

std::string_view FailureKindName(FailureKind kind) {
  constexpr std::array<std::string_view, kFailureKinds> kNames = {
      "refused", "timeout", "closed", "reset", "unresolved", "busy", "protocol", "other"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::optional<ServerIndex> RouterSnapshot::Route(std::string_view key) const {
  if (!has_live) return std::nullopt;
  const ServerIndex server = placement.Locate(key);
  if (ejected[server]) return std::nullopt;
  return server;
}

void RouterSnapshot::Route(std::span<const std::string_view> keys,
                           std::span<ServerIndex> servers) const {
  assert(keys.size() == servers.size());
  if (!has_live) {
    std::fill(servers.begin(), servers.end(), kNoServer);
    return;
  }
  placement.Locate(keys, servers);
  if (placement.live().size() < placement.servers().size()) return;  // the ejected are off it
  for (ServerIndex& server : servers) {
    if (ejected[server]) server = kNoServer;
  }
}

class Router::Impl {
 public:
  Impl(Placement all, const EjectionRules& rules, RouterOptions options)
      : id_(NextRouterId()),
        options_(std::move(options)),
        all_(std::move(all)),
        ejector_(all_.servers().size(), rules),
        servers_(all_.servers().size()),
        snapshot_(FirstSnapshot(all_)) {
    for (ServerIndex i = 0; i < servers_.size(); ++i) {
      servers_[i].counters.name = all_.server(i).name;
    }
  }

  TimePoint Now() const { return options_.clock ? options_.clock() : Clock::now(); }

  // The latest snapshot. Valid until this thread calls it again.
  const PublishedSnapshot& Current() { return *Cached(); }

  // The same after the readmissions that are due.
  const PublishedSnapshot& CurrentAt(TimePoint now) { return *CachedAt(now); }

  const std::shared_ptr<const PublishedSnapshot>& CachedAt(TimePoint now) {
    const auto& current = Cached();
    if (!current->next_rebuild || now <= *current->next_rebuild) return current;
    // Whoever is first makes the new snapshot; the others go on with this one, as if they had
    // come a moment sooner.
    if (std::unique_lock lock(mutex_, std::try_to_lock); lock.owns_lock()) {
      if (ejector_.Advance(Later(now))) Publish(lock, now, std::nullopt);
    }
    return Cached();
  }

  void ReportFailure(const RouterSnapshot* routed_by, ServerIndex server, FailureKind kind,
                     TimePoint now) {
    std::unique_lock lock(mutex_);
    const auto index = Resolve(routed_by, server);
    if (!index) return;
    ++servers_[*index].counters.failures[static_cast<std::size_t>(kind)];
    const bool rebuilt = ejector_.ReportFailure(*index, Later(now));
    Flag(*index);
    if (rebuilt) Publish(lock, now, kind);
  }

  void ReportSuccess(const RouterSnapshot* routed_by, ServerIndex server) {
    const PublishedSnapshot& current = Current();
    const bool same = routed_by == nullptr || routed_by->configuration == current.configuration;
    if (same && (server >= current.failing->size() || !(*current.failing)[server].load())) return;
    const std::unique_lock lock(mutex_);
    const auto index = Resolve(routed_by, server);
    if (!index) return;
    ejector_.ReportSuccess(*index);
    Flag(*index);
  }

  std::vector<ServerIndex> ProbesDue(TimePoint now) {
    const std::unique_lock lock(mutex_);
    return ejector_.ProbesDue(now);
  }

  void ReportProbe(ServerIndex server, bool answered, TimePoint now) {
    std::unique_lock lock(mutex_);
    if (server >= servers_.size()) return;
    if (ejector_.ReportProbe(server, answered, Later(now))) Publish(lock, now, std::nullopt);
  }

  void Follow(std::span<const RemoteEjection> ejected, TimePoint seen_at, TimePoint now) {
    std::unique_lock lock(mutex_);
    now = Later(now);
    bool rebuilt = false;
    for (ServerIndex i = 0; i < servers_.size(); ++i) {
      const auto remote =
          std::find_if(ejected.begin(), ejected.end(), [&](const RemoteEjection& e) {
            return e.server == all_.server(i).name && e.until > now;
          });
      if (remote != ejected.end()) {
        if (ejector_.retry_at(i) == remote->until) continue;
        rebuilt |= ejector_.Override(i, remote->until, now);
      } else if (!ejector_.is_live(i) && servers_[i].ejected_at <= seen_at) {
        rebuilt |= ejector_.Override(i, std::nullopt, now);
      }
      Flag(i);
    }
    if (rebuilt) Publish(lock, now, std::nullopt);
  }

  Result<void> Reload(const PoolConfig& pool, TimePoint now) {
    std::unique_lock lock(mutex_);
    const Placement before = all_;
    lock.unlock();  // for the time that the new one takes
    Result<Placement> reconfigured = internal::PlacementAccess::Reconfigure(before, pool);
    if (!reconfigured.ok()) return reconfigured.error();
    Placement all = *std::move(reconfigured);
    lock.lock();
    std::vector<std::optional<ServerIndex>> origin;
    std::vector<ServerState> servers;
    for (const Server& server : all.servers()) {
      origin.push_back(FindServer(all_.servers(), server));
      servers.push_back(origin.back() ? servers_[*origin.back()] : ServerState{});
      servers.back().counters.name = server.name;
    }
    ejector_ = Ejector(ejector_, origin, RulesOf(pool, options_), Later(now));
    all_ = std::move(all);
    servers_ = std::move(servers);
    ring_.reset();
    ++configuration_;
    Queue({.type = RouterEvent::Type::kReloaded, .time = now});
    Publish(lock, now, std::nullopt);
    return {};
  }

  std::vector<ServerCounters> Counters() const {
    const std::unique_lock lock(mutex_);
    std::vector<ServerCounters> counters;
    for (const ServerState& server : servers_) counters.push_back(server.counters);
    return counters;
  }

 private:
  struct ServerState {
    ServerCounters counters;
    bool live = true;  // as last published
    TimePoint ejected_at;
  };

  static std::shared_ptr<const PublishedSnapshot> FirstSnapshot(const Placement& all) {
    const std::size_t count = all.servers().size();
    return std::make_shared<const PublishedSnapshot>(
        PublishedSnapshot{{.placement = all, .ejected = std::vector<bool>(count)},
                          std::make_shared<FailingFlags>(count)});
  }

  const std::shared_ptr<const PublishedSnapshot>& Cached() {
    CachedSnapshot& cached = cached_snapshots[id_ % cached_snapshots.size()];
    if (cached.router != id_ || cached.version != version_.load(std::memory_order_acquire)) {
      cached.snapshot = snapshot_.Load();
      cached.router = id_;
      cached.version = cached.snapshot->version;
    }
    return cached.snapshot;
  }

  // All below REQUIRE mutex_.

  // Threads read their clocks before they get here, so `now` may be a little behind.
  TimePoint Later(TimePoint now) { return last_now_ = std::max(last_now_, now); }

  // What `server` of the snapshot `routed_by` is in the configuration in force.
  std::optional<ServerIndex> Resolve(const RouterSnapshot* routed_by, ServerIndex server) const {
    if (routed_by == nullptr || routed_by->configuration == configuration_) {
      if (server >= servers_.size()) return std::nullopt;
      return server;
    }
    if (server >= routed_by->placement.servers().size()) return std::nullopt;
    return FindServer(all_.servers(), routed_by->placement.server(server));
  }

  // Keeps the flag that ReportSuccess() looks at true to the ejector.
  void Flag(ServerIndex server) {
    (*snapshot_.Load()->failing)[server].store(ejector_.failure_count(server) > 0);
  }

  void Queue(RouterEvent event) {
    if (options_.observer) events_.push_back(std::move(event));
  }

  // Makes a snapshot of the ejector's state, puts it in force and tells of it. Lets go of
  // `lock` while the observer runs.
  void Publish(std::unique_lock<std::mutex>& lock, TimePoint now,
               std::optional<FailureKind> reason) {
    const auto old = snapshot_.Load();
    const bool reloaded = old->configuration != configuration_;
    Placement placement = PlacementNow(*old, reloaded);
    const bool told = options_.observer && !reloaded && ejector_.has_live();
    const double moved = told ? RoutingChange(old->placement, placement) : 0;
    std::vector<bool> ejected(servers_.size());
    for (ServerIndex i = 0; i < servers_.size(); ++i) ejected[i] = !ejector_.is_live(i);
    auto failing = reloaded ? std::make_shared<FailingFlags>(servers_.size()) : old->failing;
    for (ServerIndex i = 0; i < servers_.size(); ++i) {
      (*failing)[i].store(ejector_.failure_count(i) > 0);
    }
    snapshot_.Store(std::make_shared<const PublishedSnapshot>(
        PublishedSnapshot{{.placement = std::move(placement),
                           .ejected = std::move(ejected),
                           .has_live = ejector_.has_live(),
                           .next_rebuild = ejector_.next_rebuild(),
                           .version = old->version + 1,
                           .configuration = configuration_},
                          std::move(failing)}));
    version_.store(old->version + 1, std::memory_order_release);
    Tell(now, reason, moved, old->has_live);
    Deliver(lock);
  }

  // The placement that the ejector's ring asks for, the old one if that is it.
  Placement PlacementNow(const PublishedSnapshot& old, bool reloaded) {
    if (options_.keep_ring) return reloaded ? all_ : old.placement;
    if (ring_ && *ring_ == ejector_.ring()) return old.placement;
    ring_ = ejector_.ring();
    if (ring_->size() == servers_.size()) return all_;
    return *all_.Restrict(*ring_);
  }

  // Counts what changed since the last snapshot, and queues the events of it.
  void Tell(TimePoint now, std::optional<FailureKind> reason, double moved, bool had_live) {
    for (ServerIndex i = 0; i < servers_.size(); ++i) {
      ServerState& server = servers_[i];
      const bool live = ejector_.is_live(i);
      if (live == server.live) continue;
      server.live = live;
      ++(live ? server.counters.readmissions : server.counters.ejections);
      if (!live) server.ejected_at = now;
      Queue({.type = live ? RouterEvent::Type::kReadmitted : RouterEvent::Type::kEjected,
             .server = i,
             .name = server.counters.name,
             .reason = live ? std::nullopt : reason,
             .time = now,
             .until = ejector_.retry_at(i),
             .moved = moved});
    }
    if (had_live && !ejector_.has_live()) {
      Queue({.type = RouterEvent::Type::kAllDead, .time = now, .until = ejector_.next_rebuild()});
    }
  }

  void Deliver(std::unique_lock<std::mutex>& lock) {
    if (delivering_) return;  // the thread that does will deliver these too
    delivering_ = true;
    while (!events_.empty()) {
      const RouterEvent event = std::move(events_.front());
      events_.pop_front();
      lock.unlock();
      options_.observer(event);
      lock.lock();
    }
    delivering_ = false;
  }

  const std::uint64_t id_;
  const RouterOptions options_;

  mutable std::mutex mutex_;  // guards all but snapshot_ and version_, and their writing
  Placement all_;             // with every server live
  Ejector ejector_;
  std::vector<ServerState> servers_;
  std::optional<std::vector<ServerIndex>> ring_;  // of the snapshot in force, if known
  std::uint64_t configuration_ = 1;
  TimePoint last_now_ = TimePoint::min();
  std::deque<RouterEvent> events_;
  bool delivering_ = false;

  internal::SnapshotCell<PublishedSnapshot> snapshot_;
  std::atomic<std::uint64_t> version_{1};  // of the snapshot in force
};

Router::Router(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Router::~Router() = default;

Result<std::unique_ptr<Router>> Router::Create(const PoolConfig& pool, RouterOptions options) {
  Result<Placement> all = Placement::Create(pool);
  if (!all.ok()) return all.error();
  const EjectionRules rules = RulesOf(pool, options);
  return std::unique_ptr<Router>(
      new Router(std::make_unique<Impl>(*std::move(all), rules, std::move(options))));
}

std::optional<ServerIndex> Router::Route(std::string_view key) {
  const RouterSnapshot& current = impl_->Current();
  return current.next_rebuild ? Route(key, impl_->Now()) : current.Route(key);
}

std::optional<ServerIndex> Router::Route(std::string_view key, TimePoint now) {
  return impl_->CurrentAt(now).Route(key);
}

void Router::Route(std::span<const std::string_view> keys, std::span<ServerIndex> servers) {
  const RouterSnapshot& current = impl_->Current();
  if (current.next_rebuild) return Route(keys, servers, impl_->Now());
  current.Route(keys, servers);
}

void Router::Route(std::span<const std::string_view> keys, std::span<ServerIndex> servers,
                   TimePoint now) {
  impl_->CurrentAt(now).Route(keys, servers);
}

std::shared_ptr<const RouterSnapshot> Router::Snapshot() { return Snapshot(impl_->Now()); }

std::shared_ptr<const RouterSnapshot> Router::Snapshot(TimePoint now) {
  return impl_->CachedAt(now);
}

void Router::ReportFailure(ServerIndex server, FailureKind kind) {
  ReportFailure(server, kind, impl_->Now());
}

void Router::ReportFailure(ServerIndex server, FailureKind kind, TimePoint now) {
  impl_->ReportFailure(nullptr, server, kind, now);
}

void Router::ReportFailure(const RouterSnapshot& routed_by, ServerIndex server, FailureKind kind,
                           TimePoint now) {
  impl_->ReportFailure(&routed_by, server, kind, now);
}

void Router::ReportSuccess(ServerIndex server) { impl_->ReportSuccess(nullptr, server); }

void Router::ReportSuccess(const RouterSnapshot& routed_by, ServerIndex server) {
  impl_->ReportSuccess(&routed_by, server);
}

std::vector<ServerIndex> Router::ProbesDue() { return ProbesDue(impl_->Now()); }

std::vector<ServerIndex> Router::ProbesDue(TimePoint now) { return impl_->ProbesDue(now); }

void Router::ReportProbe(ServerIndex server, bool answered) {
  ReportProbe(server, answered, impl_->Now());
}

void Router::ReportProbe(ServerIndex server, bool answered, TimePoint now) {
  impl_->ReportProbe(server, answered, now);
}

void Router::Follow(std::span<const RemoteEjection> ejected, TimePoint seen_at) {
  Follow(ejected, seen_at, impl_->Now());
}

void Router::Follow(std::span<const RemoteEjection> ejected, TimePoint seen_at, TimePoint now) {
  impl_->Follow(ejected, seen_at, now);
}

Result<void> Router::Reload(const PoolConfig& pool) { return impl_->Reload(pool, impl_->Now()); }

std::vector<ServerCounters> Router::Counters() const { return impl_->Counters(); }

}  // namespace shardcache::inline v0
