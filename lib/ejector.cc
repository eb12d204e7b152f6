#include "shardcache/ejector.h"

#include <algorithm>
#include <cassert>
#include <numeric>

namespace shardcache::inline v0 {

EjectionRules EjectionRules::Of(const PoolConfig& pool) {
  EjectionRules rules;
  rules.auto_eject_hosts = pool.auto_eject_hosts;
  rules.server_failure_limit = pool.server_failure_limit;
  rules.server_retry_timeout = pool.server_retry_timeout;
  return rules;
}

Ejector::Ejector(std::size_t server_count, const EjectionRules& rules)
    : rules_(rules), servers_(server_count), ring_(server_count), live_count_(server_count) {
  assert(server_count > 0);
  std::iota(ring_.begin(), ring_.end(), 0);
}

Ejector::Ejector(const Ejector& old, std::span<const std::optional<ServerIndex>> origin,
                 const EjectionRules& rules, TimePoint now)
    : Ejector(origin.size(), rules) {
  if (!rules.auto_eject_hosts) return;
  for (std::size_t i = 0; i < origin.size(); ++i) {
    if (origin[i]) servers_[i] = old.servers_[*origin[i]];
  }
  Rebuild(now);
}

bool Ejector::Advance(TimePoint now) {
  if (!next_rebuild_ || now <= *next_rebuild_) return false;
  Rebuild(now);
  return true;
}

bool Ejector::ReportFailure(ServerIndex server, TimePoint now) {
  if (!rules_.auto_eject_hosts) return false;
  State& state = servers_[server];
  ++state.failure_count;
  if (state.failure_count < rules_.server_failure_limit) return false;
  Eject(state, now, Cause::kFailure);
  Rebuild(now);
  return true;
}

void Ejector::ReportSuccess(ServerIndex server) {
  State& state = servers_[server];
  if (state.failure_count == 0) return;
  state.failure_count = 0;
  // An answer that was under way when the server was ejected must not stand in for a probe.
  if (!rules_.probe_before_readmission) state.retry_at.reset();
}

bool Ejector::ReportProbe(ServerIndex server, bool answered, TimePoint now) {
  State& state = servers_[server];
  const bool due =
      rules_.probe_before_readmission && state.out && state.retry_at && *state.retry_at <= now;
  if (!due) return false;
  if (answered) {
    state.retry_at.reset();
  } else {
    Eject(state, now, Cause::kProbe);
  }
  Rebuild(now);
  return true;
}

bool Ejector::Override(ServerIndex server, std::optional<TimePoint> until, TimePoint now) {
  if (!rules_.auto_eject_hosts) return false;
  State& state = servers_[server];
  state.failure_count = 0;
  state.retry_at = until;
  Rebuild(now);
  return true;
}

std::vector<ServerIndex> Ejector::ProbesDue(TimePoint now) const {
  std::vector<ServerIndex> due;
  if (!rules_.probe_before_readmission) return due;
  for (ServerIndex i = 0; i < servers_.size(); ++i) {
    if (servers_[i].out && servers_[i].retry_at && *servers_[i].retry_at <= now) due.push_back(i);
  }
  return due;
}

// Sets until when `server` is out. The caller rebuilds.
void Ejector::Eject(State& server, TimePoint now, Cause cause) {
  std::chrono::milliseconds timeout = rules_.server_retry_timeout;
  if (rules_.back_off_cap) {
    if (server.out && cause == Cause::kFailure) {
      // A straggler: a connection of before the ejection. It must not double the timeout.
      timeout = std::max(timeout, server.last_timeout);
    } else if (server.out ||
               (server.readmitted_at && now - *server.readmitted_at < server.last_timeout)) {
      timeout = std::max(timeout, std::min(server.last_timeout * 2, *rules_.back_off_cap));
    }
  }
  server.failure_count = 0;
  server.last_timeout = timeout;
  server.retry_at = now + timeout;
}

void Ejector::Rebuild(TimePoint now) {
  next_rebuild_.reset();
  std::vector<ServerIndex> live;
  for (ServerIndex i = 0; i < servers_.size(); ++i) {
    State& server = servers_[i];
    if (server.retry_at && *server.retry_at <= now && !rules_.probe_before_readmission) {
      server.retry_at.reset();
    }
    if (!server.retry_at) {
      if (server.out) server.readmitted_at = now;
      server.out = false;
      live.push_back(i);
      continue;
    }
    server.out = true;
    // One whose time is over waits for a probe, not for a moment.
    if (*server.retry_at > now && (!next_rebuild_ || *server.retry_at < *next_rebuild_)) {
      next_rebuild_ = server.retry_at;
    }
  }
  live_count_ = live.size();
  if (!live.empty()) ring_ = std::move(live);
}

}  // namespace shardcache::inline v0
