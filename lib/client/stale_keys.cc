#include "lib/client/stale_keys.h"

#include <algorithm>
#include <utility>

namespace shardcache::inline v0::internal {
namespace {

// More changes than this in who is live, before all is cleaned up, are not followed.
constexpr std::size_t kLongestHistory = 64;

bool SameLive(const Placement& a, const Placement& b) {
  return std::equal(a.live().begin(), a.live().end(), b.live().begin(), b.live().end());
}

}  // namespace

StaleKeys::StaleKeys(const Placement& home, std::uint64_t configuration, std::size_t memory,
                     std::size_t unhashed)
    : memory_(memory), unhashed_(unhashed) {
  Reset(home, configuration);
}

void StaleKeys::Reset(const Placement& home, std::uint64_t configuration) {
  const std::size_t count = home.servers().size();
  history_ = {home};
  configuration_ = configuration;
  servers_.assign(count, {});
  ejected_.assign(count, false);
  overflow_.assign(count, false);
  used_ = 0;
  active_.store(false, std::memory_order_release);
}

// Keeps the placement of `snapshot` among those that writes were routed by.
void StaleKeys::Remember(const RouterSnapshot& snapshot) {
  if (snapshot.configuration != configuration_) {
    std::vector<ServerIndex> all(snapshot.placement.servers().size());
    for (ServerIndex i = 0; i < all.size(); ++i) all[i] = i;
    Reset(*snapshot.placement.Restrict(all), snapshot.configuration);
  }
  ejected_ = snapshot.ejected;
  const auto known = std::find_if(history_.begin(), history_.end(), [&](const Placement& p) {
    return SameLive(p, snapshot.placement);
  });
  if (known != history_.end()) return;
  if (history_.size() < kLongestHistory) {
    history_.push_back(snapshot.placement);
    active_.store(true, std::memory_order_release);
    return;
  }
  for (ServerIndex i = 0; i < ejected_.size(); ++i) overflow_[i] = overflow_[i] || ejected_[i];
}

StaleKeys::State* StaleKeys::Find(std::string_view key, ServerIndex server) {
  const auto found = servers_[server].find(std::string(key));
  return found == servers_[server].end() ? nullptr : &found->second;
}

// Null when memory is used up: then the servers that are out must be emptied when they return.
StaleKeys::State* StaleKeys::FindOrAdd(std::string_view key, ServerIndex server) {
  if (State* const found = Find(key, server)) return found;
  if (used_ + CostOf(key) > memory_) {
    for (ServerIndex i = 0; i < ejected_.size(); ++i) overflow_[i] = overflow_[i] || ejected_[i];
    return nullptr;
  }
  used_ += CostOf(key);
  active_.store(true, std::memory_order_release);
  return &servers_[server].emplace(key, State{}).first->second;
}

void StaleKeys::Mark(std::string_view key, ServerIndex server) {
  State* const state = FindOrAdd(key, server);
  if (state == nullptr) return;
  state->stale = true;
  state->marked = moment_;
}

void StaleKeys::EraseIfNothing(const std::string& key, ServerIndex server) {
  const auto found = servers_[server].find(key);
  if (found == servers_[server].end()) return;
  const State& state = found->second;
  const bool stray = Owner(history_[0], key) != server;
  if (state.stale || state.writers > 0 || stray) return;
  servers_[server].erase(found);
  used_ -= CostOf(key);
}

StaleKeys::Ticket StaleKeys::BeginWrite(std::string_view key, ServerIndex server,
                                        const RouterSnapshot& snapshot) {
  const std::lock_guard lock(mutex_);
  Remember(snapshot);
  ++moment_;
  for (const Placement& placement : history_) {
    const ServerIndex owner = Owner(placement, key);
    if (owner != server) Mark(key, owner);
  }
  Ticket ticket{.begun = moment_};
  const bool stray = Owner(history_[0], key) != server;
  State* const state = stray ? FindOrAdd(key, server) : Find(key, server);
  if (state != nullptr) {
    ++state->writers;
    ticket.writes = true;
    ticket.remove_first = state->stale;
  }
  return ticket;
}

StaleKeys::Ticket StaleKeys::BeginRead(std::string_view key, ServerIndex server) {
  const std::lock_guard lock(mutex_);
  if (server >= servers_.size()) return {};
  const State* const state = Find(key, server);
  return {.begun = moment_, .remove_first = state != nullptr && state->stale};
}

void StaleKeys::End(std::string_view key, ServerIndex server, const Ticket& ticket, bool removed) {
  if (!ticket.writes && !(ticket.remove_first && removed)) return;
  const std::lock_guard lock(mutex_);
  if (server >= servers_.size()) return;
  State* const state = Find(key, server);
  if (state == nullptr) return;
  if (ticket.writes && state->writers > 0) --state->writers;
  if (removed && state->stale && state->marked <= ticket.begun) {
    state->stale = false;
    // What a read has deleted is no stray either.
    if (!ticket.writes && state->writers == 0) {
      used_ -= CostOf(key);
      servers_[server].erase(std::string(key));
      return;
    }
  }
  EraseIfNothing(std::string(key), server);
}

std::vector<StaleKeys::Copy> StaleKeys::Stale(ServerIndex server, std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  std::vector<Copy> copies;
  if (server >= servers_.size()) return copies;
  for (const auto& [key, state] : servers_[server]) {
    if (copies.size() == limit) break;
    if (state.stale && state.writers == 0) copies.push_back({key, state.marked});
  }
  return copies;
}

void StaleKeys::Deleted(ServerIndex server, const std::vector<Copy>& copies) {
  const std::lock_guard lock(mutex_);
  if (server >= servers_.size()) return;
  for (const Copy& copy : copies) {
    State* const state = Find(copy.key, server);
    if (state == nullptr || !state->stale || state->marked != copy.marked) continue;
    state->stale = false;
    if (state->writers > 0) continue;
    used_ -= CostOf(copy.key);
    servers_[server].erase(copy.key);
  }
}

std::uint64_t StaleKeys::Moment() const {
  const std::lock_guard lock(mutex_);
  return moment_;
}

void StaleKeys::Emptied(ServerIndex server, std::uint64_t begun) {
  const std::lock_guard lock(mutex_);
  if (server >= servers_.size()) return;
  overflow_[server] = false;
  Copies& copies = servers_[server];
  for (auto it = copies.begin(); it != copies.end();) {
    State& state = it->second;
    const bool gone = state.stale && state.marked <= begun;
    if (gone) state.stale = false;
    if (!gone || state.writers > 0) {
      ++it;
      continue;
    }
    used_ -= CostOf(it->first);
    it = copies.erase(it);
  }
}

void StaleKeys::Settle(const RouterSnapshot& snapshot) {
  const std::lock_guard lock(mutex_);
  Remember(snapshot);
  bool nothing_left = true;
  for (ServerIndex server = 0; server < servers_.size(); ++server) {
    for (auto& [key, state] : servers_[server]) {
      nothing_left = false;
      if (state.stale || Owner(snapshot.placement, key) == server) continue;
      state.stale = true;
      state.marked = moment_;
    }
  }
  const bool all_live = std::none_of(ejected_.begin(), ejected_.end(), [](bool e) { return e; });
  if (!nothing_left || !all_live) return;
  history_.erase(history_.begin() + 1, history_.end());
  active_.store(false, std::memory_order_release);
}

bool StaleKeys::Overflowed(ServerIndex server) const {
  const std::lock_guard lock(mutex_);
  return server < overflow_.size() && overflow_[server];
}

std::string StaleKeys::Dump() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (const Copies& copies : servers_) {
    std::vector<std::string> lines;
    for (const auto& [key, state] : copies) {
      lines.push_back(key + (state.stale ? " stale " : " stray ") + std::to_string(state.marked) +
                      " " + std::to_string(state.writers) + ",");
    }
    std::sort(lines.begin(), lines.end());
    for (const std::string& line : lines) text += line;
    text += ';';
  }
  for (const Placement& placement : history_) {
    for (const ServerIndex live : placement.live()) text += std::to_string(live) + ' ';
    text += '/';
  }
  return text + std::to_string(moment_);
}

}  // namespace shardcache::inline v0::internal
