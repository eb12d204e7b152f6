// Every interleaving of a small world, step by step, with the guard's own code: 2 clients, a
// writer that knows nothing of them, 2 servers, 1 key, an outage and the beginning of the next.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "lib/client/invalidation.h"
#include "lib/client/stale_keys.h"
#include "tests/client/pool.h"

namespace shardcache {
namespace {

using internal::Invalidation;
using internal::ServerTime;
using internal::StaleKeys;

// ---- StaleGuard::kExact ----

constexpr int kNothing = -1;   // no such key
constexpr int kInitial = 100;  // what the home held at the beginning
constexpr int kForeign = 200;  // what the other writer wrote

// The key's home is server 0. Two clients of one pool each write the key and then read it; the
// server is ejected, cleaned, readmitted, and ejected again.
class ExactWorld {
 public:
  ExactWorld() : stale_(Given().all, 1, std::size_t{1} << 20) {}

  static constexpr int kThreads = 4;  // two clients, the outage, the other writer

  // Lets thread `t` make its next step; false if it has none.
  bool Step(int t) {
    if (t == 0 || t == 1) return StepClient(&clients_[t], t);
    return t == 2 ? StepOutage() : StepForeign();
  }

  // All that decides what can happen from here on.
  std::string State() const {
    std::string state = stale_.Dump() + '|' + std::to_string(held_[0]) + ',' +
                        std::to_string(held_[1]) + '|' + (is_out_ ? 'o' : 'f');
    for (const Client& c : clients_) {
      state += '|' + std::to_string(c.step) + (c.sees_out ? 'o' : 'f') +
               std::to_string(c.ticket.begun) + (c.ticket.remove_first ? 'r' : '-') +
               (c.has_ticket ? 't' : '-') + std::to_string(c.after) + '.' +
               std::to_string(c.before_read);
    }
    state += '|' + std::to_string(outage_step_) + '|' + std::to_string(foreign_step_) + '|' +
             std::to_string(taken_.size());
    for (const auto& copy : taken_) state += ' ' + std::to_string(copy.marked);
    return state + '|' + std::to_string(ended_);
  }

  const std::string& violation() const { return violation_; }
  int reads() const { return reads_; }

 private:
  struct Client {
    int step = 0;
    bool sees_out = false;  // the snapshot in its hands
    bool has_ticket = false;
    StaleKeys::Ticket ticket = {};
    int after = 0;        // writes that had ended when its write began, as bits
    int before_read = 0;  // and when its read began
  };

  // What never changes.
  struct Fixed {
    Placement all = *Placement::Create(testing::PoolOf({"127.0.0.1:11", "127.0.0.1:12"}));
    RouterSnapshot full{.placement = all, .ejected = {false, false}, .version = 1};
    RouterSnapshot out{.placement = *all.Restrict(std::array<ServerIndex, 1>{1}),
                       .ejected = {true, false},
                       .version = 2};
    std::string key;

    Fixed() {
      for (int i = 0; key.empty(); ++i) {
        if (all.Locate(std::to_string(i)) == 0) key = std::to_string(i);
      }
    }
  };
  static const Fixed& Given() {
    static const Fixed fixed;
    return fixed;
  }

  const RouterSnapshot& Seen(const Client& c) const {
    return c.sees_out ? Given().out : Given().full;
  }
  ServerIndex Target(const Client& c) const { return c.sees_out ? 1 : 0; }

  // The steps of a write and then of a read, as ClientEngine::Perform() makes them.
  bool StepClient(Client* c, int id) {
    const ServerIndex server = Target(*c);
    switch (c->step++) {
      case 0:
        c->after = ended_;
        c->sees_out = is_out_;
        return true;
      case 1:
        c->has_ticket = c->sees_out || stale_.active();
        c->ticket = c->has_ticket ? stale_.BeginWrite(key_, server, Seen(*c)) : StaleKeys::Ticket{};
        return true;
      case 2:
        held_[server] = id;  // after the deletion, if there is one
        return true;
      case 3:
        if (c->has_ticket) stale_.End(key_, server, c->ticket, c->ticket.remove_first);
        ended_ |= 1 << id;
        return true;
      case 4:
        c->before_read = ended_;
        c->sees_out = is_out_;
        return true;
      case 5:
        c->has_ticket = c->sees_out || stale_.active();
        c->ticket = c->has_ticket ? stale_.BeginRead(key_, server) : StaleKeys::Ticket{};
        return true;
      case 6:
        if (c->ticket.remove_first) held_[server] = kNothing;
        Check(*c, held_[server]);
        return true;
      case 7:
        if (c->has_ticket) stale_.End(key_, server, c->ticket, c->ticket.remove_first);
        return true;
      default:
        return false;
    }
  }

  void Check(const Client& c, int value) {
    ++reads_;
    if (value == kNothing || value == kForeign) return;
    for (int w = 0; w < 2; ++w) {
      const bool ended_before = (c.before_read & (1 << w)) != 0;
      const bool newer = value == kInitial || (clients_[w].after & (1 << value)) != 0;
      if (w != value && ended_before && newer) {
        violation_ = "read " + std::to_string(value) + " though write " + std::to_string(w) +
                     " is newer and had ended";
      }
    }
  }

  // The steps of ReturnTask and ClientCore round an outage.
  bool StepOutage() {
    const auto remove = [&](ServerIndex server, int again) {
      if (outage_step_ % 10 == 0) {
        taken_ = stale_.Stale(server, 10);
        outage_step_ += taken_.empty() ? again : 1;
      } else if (outage_step_ % 10 == 1) {
        held_[server] = kNothing;
        ++outage_step_;
      } else {
        stale_.Deleted(server, taken_);
        taken_.clear();
        outage_step_ -= 2;
      }
      return true;
    };
    switch (outage_step_ / 10) {
      case 0:
        is_out_ = true;
        outage_step_ = 10;
        return true;
      case 1:
        return remove(0, 10);
      case 2:
        is_out_ = false;
        outage_step_ = 30;
        return true;
      case 3:
        stale_.Settle(Given().full);
        outage_step_ = 40;
        return true;
      case 4:
        return remove(1, 10);
      case 5:
        stale_.Settle(Given().full);
        outage_step_ = 60;
        return true;
      case 6:
        is_out_ = true;
        outage_step_ = 70;
        return true;
      default:
        return false;
    }
  }

  // A proxy that has ejected the server writes too.
  bool StepForeign() {
    if (foreign_step_ == 1) return false;
    ++foreign_step_;
    held_[1] = kForeign;
    return true;
  }

  const std::string& key_ = Given().key;
  StaleKeys stale_;

  std::array<int, 2> held_ = {kInitial, kNothing};
  bool is_out_ = false;
  std::array<Client, 2> clients_;
  int ended_ = 0;  // writes that have ended, as bits
  int outage_step_ = 0;
  int foreign_step_ = 0;
  std::vector<StaleKeys::Copy> taken_;
  std::string violation_;
  int reads_ = 0;
};

TEST(GuardInterleavingsTest, ExactNeverLetsAnOlderValueBeRead) {
  std::unordered_set<std::string> seen;
  std::vector<std::vector<int>> open = {{}};
  long long reads = 0;
  while (!open.empty()) {
    const std::vector<int> path = std::move(open.back());
    open.pop_back();
    for (int t = 0; t < ExactWorld::kThreads; ++t) {
      ExactWorld world;
      for (const int step : path) world.Step(step);
      const int reads_before = world.reads();
      if (!world.Step(t)) continue;
      reads += world.reads() - reads_before;
      std::string order;
      for (const int step : path) order += std::to_string(step);
      ASSERT_EQ(world.violation(), "") << "order of threads " << order << t;
      if (!seen.insert(world.State()).second) continue;
      std::vector<int> next = path;
      next.push_back(t);
      open.push_back(std::move(next));
    }
  }
  std::printf("%zu states, %lld reads checked\n", seen.size(), reads);
  EXPECT_GT(seen.size(), 10000u);
}

// ---- StaleGuard::kFleet ----

// One server, two clients in processes of their own that eject it and empty it before they return
// to it, and a writer that never ejects it. Time goes in halves of a second.
struct FleetWorld {
  struct Client {
    int step = 0;  // 0: live, 1: ejected, 2: back
    int ejected_at = 0;
    int held_then = 0;  // what the server held at that moment
    Invalidation invalidation;
    bool half_done = false;  // has flushed but not marked
    bool dead = false;
  };

  static constexpr int kLastTime = 4;
  int time = 0;
  int phase = 0;        // of the server's second
  int started_at = -4;  // the server's process
  int value = 1;        // of the key; 0: nothing. Each write makes a new one
  int last_value = 1;
  std::optional<std::int64_t> marker;
  bool locked = false;
  bool may_restart = false;
  bool may_die = false;
  std::array<Client, 2> clients;

  int told = 0;  // the time of the server's last tick
  std::int64_t Second() const { return 1000 + (told + phase) / 2; }

  std::string State() const {
    std::string state = std::to_string(time) + ' ' + std::to_string(told) + ' ' +
                        std::to_string(started_at) + ' ' + std::to_string(value) + ' ' +
                        std::to_string(last_value) + ' ' + std::to_string(marker.value_or(-1)) +
                        (locked ? 'l' : '-');
    for (const Client& c : clients) {
      // Of a client that is back only this matters.
      state += '|' + std::to_string(c.step) + ' ' + std::to_string(c.held_then);
      if (c.step == 2 || c.dead) continue;
      state += ' ' + std::to_string(c.ejected_at) + ' ' +
               std::to_string(static_cast<int>(c.invalidation.next())) + ' ' +
               c.invalidation.Dump();
      // These two are told no time yet, or anew.
      if (c.invalidation.next() == Invalidation::Step::kAskTime) continue;
      if (c.invalidation.next() == Invalidation::Step::kWait) continue;
      state += ' ' + std::to_string(c.invalidation.marker()) + ' ' +
               std::to_string(c.invalidation.begun()) + (c.half_done ? 'h' : '-');
    }
    return state;
  }

  // One step of client i; false if it has none.
  bool StepClient(int i) {
    Client& c = clients[static_cast<std::size_t>(i)];
    if (c.dead || c.step == 2) return false;
    if (c.step == 0) {
      c.step = 1;
      c.ejected_at = time;
      c.held_then = value;
      return true;
    }
    Invalidation& invalidation = c.invalidation;
    switch (invalidation.next()) {
      case Invalidation::Step::kAskTime:
        invalidation.FeedTime({.now = Second(), .uptime = (told - started_at) / 2},
                              (time - c.ejected_at) / 2);
        return true;
      case Invalidation::Step::kReadMarker:
        invalidation.FeedMarker(marker);
        return true;
      case Invalidation::Step::kLock:
        invalidation.FeedLock(!locked);
        locked = true;
        return true;
      case Invalidation::Step::kFlush:
        if (!c.half_done) {
          value = 0;
          marker.reset();
          locked = false;
          c.half_done = true;
        } else {
          marker = invalidation.marker();
          invalidation.FeedFlush(true);
        }
        return true;
      case Invalidation::Step::kWait:
        invalidation.FeedWaited();
        return true;
      case Invalidation::Step::kDone:
        c.step = 2;
        return true;
      case Invalidation::Step::kFailed:
        return false;
    }
    return false;
  }

  // What else may happen: 0 time passes, 5 the server notices, 1 somebody writes, 2 the server
  // restarts, 3 the lock expires, 4 the first client dies.
  bool StepOther(int what) {
    if (what == 0) {
      if (time == kLastTime) return false;
      ++time;
      return true;
    }
    if (what == 1) {
      if (last_value == 2) return false;
      value = ++last_value;
      return true;
    }
    if (what == 2) {
      if (!may_restart || started_at >= 0) return false;
      started_at = told = time;
      value = 0;
      marker.reset();
      locked = false;
      return true;
    }
    if (what == 5) {
      if (told == time) return false;
      told = time;
      return true;
    }
    if (what == 3) {
      if (!locked) return false;
      locked = false;
      return true;
    }
    Client& c = clients[0];
    if (!may_die || c.dead || c.step != 1) return false;
    c.dead = true;
    return true;
  }
};

// How often each end was reached.
std::array<int, 3> Explore(const FleetWorld& first) {
  std::unordered_set<std::string> seen;
  std::vector<FleetWorld> open = {first};
  open[0].StepClient(0);  // the first to eject the server does so at the beginning
  std::array<int, 3> ends{};
  while (!open.empty()) {
    const FleetWorld world = open.back();
    open.pop_back();
    for (int choice = 0; choice < 8; ++choice) {
      FleetWorld next = world;
      if (!(choice < 2 ? next.StepClient(choice) : next.StepOther(choice - 2))) continue;
      for (const auto& c : next.clients) {
        // Back in use, the client may read at any moment.
        if (c.step != 2 || c.held_then == 0 || next.value != c.held_then) continue;
        ADD_FAILURE() << world.State() << " choice " << choice;
        return ends;
      }
      if (!seen.insert(next.State()).second) continue;
      for (std::size_t i = 0; i < 2; ++i) {
        if (next.clients[i].step == 2 && world.clients[i].step == 1) {
          ++ends[static_cast<std::size_t>(next.clients[i].invalidation.end())];
        }
      }
      open.push_back(std::move(next));
    }
  }
  std::printf("%zu states; emptied %d, found empty %d, restarted %d\n", seen.size(), ends[0],
              ends[1], ends[2]);
  return ends;
}

TEST(GuardInterleavingsTest, FleetNeverLetsAValueFromBeforeTheOutageBeRead) {
  for (const int phase : {0, 1}) {
    FleetWorld dying;
    dying.phase = phase;
    dying.may_die = true;
    const auto ends = Explore(dying);
    EXPECT_GT(ends[static_cast<int>(Invalidation::End::kInvalidated)], 0);
    EXPECT_GT(ends[static_cast<int>(Invalidation::End::kAlreadyInvalidated)], 0);
  }
  FleetWorld restarting;
  restarting.may_restart = true;
  EXPECT_GT(Explore(restarting)[static_cast<int>(Invalidation::End::kRestarted)], 0);
}

}  // namespace
}  // namespace shardcache
