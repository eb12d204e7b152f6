// A real nutcracker and an attached handle side by side through real faults: each finds out by
// itself who fails, and after every event both must send every key to the same server.
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <optional>
#include <set>
#include <sstream>
#include <thread>
#include <vector>

#include "tests/attach/attached.h"
#include "tests/harness/echo_backends.h"
#include "tests/harness/random.h"
#include "tests/harness/text_client.h"

namespace shardcache::testing {
namespace {

constexpr int kSweepKeys = 500;
// Nothing is asked from this long before a server's return, as one side sees it, until this long
// after it. The proxy may fail later by its timeout: of an end of file within an answer it learns
// by that alone.
constexpr Milliseconds kBefore{60};
constexpr Milliseconds kAfter{220};
// A request that takes longer than the timeout by this was held up by the machine, and each side
// may have been so at another moment.
constexpr Milliseconds kStall{40};
constexpr Milliseconds kSweepTime{60};

struct Options {
  int servers = 5;
  int failure_limit = 2;
  std::string distribution = "ketama";
  Milliseconds timeout{150};
  Milliseconds retry_timeout{700};
};

std::vector<std::string> Settings(const Options& options) {
  return {"auto_eject_hosts: true", "distribution: " + options.distribution,
          "timeout: " + std::to_string(options.timeout.count()),
          "server_failure_limit: " + std::to_string(options.failure_limit),
          "server_retry_timeout: " + std::to_string(options.retry_timeout.count())};
}

class World {
 public:
  World(const Options& options, std::uint64_t seed) : options_(options), random_(seed) {
    std::vector<PoolServer> servers;
    for (int i = 0; i < options.servers; ++i) {
      const std::string name = "s" + std::to_string(i);
      backends_.Add(name);
      servers.push_back({.address = backends_.address(i), .name = name});
    }
    modes_.resize(servers.size(), Mode::kServe);
    connected_.resize(servers.size(), false);
    const std::string listen = Loopback(FreePort());
    router_ = AttachRouter(AttachPool(servers, Settings(options), listen));
    proxy_ = std::make_unique<Nutcracker>(MakePool("attach", listen, Settings(options), servers),
                                          std::vector<std::string>{listen});
    client_ = std::make_unique<TextClient>(listen);
    memc_ = NewAttached(router_, options.timeout);
  }

  void PlayEvent() {
    ChangeABackend();
    if (random_.Chance(0.3)) {
      std::this_thread::sleep_for(
          Milliseconds(random_.Below(static_cast<std::uint64_t>(options_.retry_timeout.count()))));
    }
    for (std::uint64_t i = random_.Between(2, 8); i > 0 && mismatches == 0; --i) {
      Request(random_.Key());
    }
    for (int i = 1; mismatches == 0 && !Sweep(); ++i) {
      if (i % 20 == 0) RecoverOne();
      Request(random_.Key());
    }
  }

  int compared = 0;
  int failed = 0;
  int mismatches = 0;
  int stalls = 0;
  std::string log;

 private:
  // The server in `mode_` and the rest by number, which is that of its name.
  std::optional<std::size_t> Route(const std::string& key) {
    const auto snapshot = router_->Snapshot();
    const auto server = snapshot->Route(key);
    if (!server) return std::nullopt;
    return std::stoul(snapshot->placement.server(*server).name.substr(1));
  }
  bool Faulty(std::optional<std::size_t> server) const {
    return server && modes_[*server] != Mode::kServe;
  }
  void Note(const std::string& text) { log += text + '\n'; }

  // If a server was ejected since `begin`, when the snapshot was `version`: when it will return.
  // All are kept, not the router's next alone: one that returns a little after another is late by
  // its own measure, and the proxy's by a timeout more.
  void NoteEjection(TimePoint begin, std::uint64_t version) {
    if (router_->Snapshot()->version == version) return;
    expiries_.insert(begin + options_.retry_timeout);
    expiries_.insert(Clock::now() + options_.retry_timeout);
  }

  // Waits until no server is about to return on either side, nor will be for `duration`.
  void AvoidExpiry(Milliseconds duration) {
    while (true) {
      const auto now = Clock::now();
      const auto near = expiries_.lower_bound(now - kAfter);
      if (near == expiries_.end() || now + duration + kBefore < *near) return;
      std::this_thread::sleep_until(*near + kAfter + Milliseconds(1));
    }
  }

  void ChangeABackend() {
    const std::size_t server = random_.Below(modes_.size());
    const int backend = static_cast<int>(server);
    AvoidExpiry(kSweepTime);
    const auto changed = Clock::now();
    const bool closes = random_.Chance(0.2);
    if (closes) {
      Note("s" + std::to_string(server) + " closes its idle connections");
      backends_.CloseIdleConnections(backend);
    } else {
      const bool recovers = modes_[server] != Mode::kServe && random_.Chance(0.7);
      modes_[server] = recovers ? Mode::kServe : static_cast<Mode>(random_.Between(1, 5));
      Note("s" + std::to_string(server) + ": mode " +
           std::to_string(static_cast<int>(modes_[server])));
      backends_.SetMode(backend, modes_[server], options_.timeout * 2);
    }
    std::this_thread::sleep_for(Milliseconds(5));
    // The proxy has seen its connection close; the handle does when it next uses its own.
    if ((closes || modes_[server] == Mode::kRefuse) && connected_[server]) {
      const auto version = router_->Snapshot()->version;
      UseClosed(server);
      NoteEjection(changed, version);
    }
  }

  // Asks the handle alone for a key of a server that closed its connection.
  void UseClosed(std::size_t server) {
    connected_[server] = false;
    const auto snapshot = router_->Snapshot();
    if (!snapshot->has_live) return UseClosedOfDead(server);
    for (int i = 0; i < 100000; ++i) {
      const std::string key = random_.Key();
      if (Route(key) != server) continue;
      const std::uint64_t before = FailuresOf(*router_);
      const Outcome outcome = Get(memc_.get(), key);
      if (outcome.checked == MEMCACHED_CONNECTION_FAILURE && FailuresOf(*router_) == before + 1) {
        return;
      }
      ++mismatches;
      std::ostringstream text;
      text << outcome;
      return Note("MISMATCH: a closed connection gave " + text.str());
    }
    UseClosedOfDead(server);
  }

  // No key leads to an ejected server, so that only the proxy counts the closing.
  void UseClosedOfDead(std::size_t server) {
    const auto snapshot = router_->Snapshot();
    for (ServerIndex i = 0; i < snapshot->placement.servers().size(); ++i) {
      if (snapshot->placement.server(i).name == "s" + std::to_string(server)) {
        router_->ReportFailure(i, FailureKind::kClosed);
      }
    }
  }

  void RecoverOne() {
    for (std::size_t i = 0; i < modes_.size(); ++i) {
      if (modes_[i] == Mode::kServe) continue;
      Note("s" + std::to_string(i) + ": serve, so that some server does");
      backends_.SetMode(static_cast<int>(i), Mode::kServe);
      modes_[i] = Mode::kServe;
      return;
    }
  }

  // After a stall, which the two sides may have met differently: with all servers well and every
  // retry over, both have all of them live.
  void Resynchronise() {
    ++stalls;
    Note("the machine stood still");
    for (std::size_t i = 0; i < modes_.size(); ++i) {
      backends_.SetMode(static_cast<int>(i), Mode::kServe);
      modes_[i] = Mode::kServe;
    }
    std::this_thread::sleep_for(options_.retry_timeout + options_.timeout * 2);
    Sweep();
  }

  // One key through both at once.
  void Request(const std::string& key) {
    AvoidExpiry(Milliseconds(0));
    const auto server = Route(key);
    const auto version = router_->Snapshot()->version;
    const auto begin = Clock::now();
    auto asked = std::async(std::launch::async, [&] { return client_->Get(key); });
    const Outcome outcome = Get(memc_.get(), key);
    const Answer answer = asked.get();
    NoteEjection(begin, version);
    if (!client_->connected()) client_->Reconnect();
    ++compared;
    if (server) connected_[*server] = outcome.rc == MEMCACHED_SUCCESS;
    const bool healthy_timed_out =
        server && !Faulty(server) &&
        (outcome.rc == MEMCACHED_TIMEOUT || answer.text.find("timed out") != std::string::npos);
    if (healthy_timed_out || Clock::now() - begin > options_.timeout + kStall) {
      return Resynchronise();
    }
    const bool hit = outcome.rc == MEMCACHED_SUCCESS;
    std::ostringstream what;
    what << "  " << (server ? "s" + std::to_string(*server) : "none") << ": proxy " << answer
         << ", handle " << outcome << ", failures " << FailuresOf(*router_);
    Note(what.str());
    if (!hit) ++failed;
    const bool agree = hit ? answer == Answer{Status::kHit, outcome.value}
                           : answer.status == Status::kError && outcome.value.empty();
    const bool expected = hit == (server && !Faulty(server)) &&
                          outcome.checked != MEMCACHED_NOTFOUND &&
                          (server || outcome.checked == MEMCACHED_NO_SERVERS);
    if (agree && expected) return;
    ++mismatches;
    std::ostringstream text;
    text << "MISMATCH: expected " << (server ? "s" + std::to_string(*server) : "none")
         << ", the proxy says " << answer << ", the handle " << outcome;
    Note(text.str());
  }

  // Whether some key leads to a server that answers, or all fail at once without harm.
  bool CanSweep() const {
    const auto snapshot = router_->Snapshot();
    if (!snapshot->has_live) return true;
    const auto live = snapshot->placement.live();
    return std::any_of(live.begin(), live.end(), [&](ServerIndex i) {
      return !Faulty(std::stoul(snapshot->placement.server(i).name.substr(1)));
    });
  }

  // Many keys that do no harm. False, and nothing is asked, if there are none.
  bool Sweep() {
    AvoidExpiry(kSweepTime);
    if (!CanSweep()) return false;
    const auto snapshot = router_->Snapshot();
    std::vector<std::string> keys;
    while (keys.size() < kSweepKeys) {
      std::string key = random_.Key();
      if (!Faulty(Route(key))) keys.push_back(std::move(key));
    }
    AvoidExpiry(kSweepTime);
    if (router_->Snapshot()->version != snapshot->version) return Sweep();
    const auto next = expiries_.lower_bound(Clock::now());
    const std::vector<Answer> answers = client_->GetMany(keys);
    if (!client_->connected()) client_->Reconnect();
    const auto values = GetMany(memc_.get(), keys);
    if (next != expiries_.end() && Clock::now() + kBefore / 2 > *next) return Sweep();
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (const auto server = Route(keys[i])) connected_[*server] = true;
      // All of these servers are well: the end of a connection of before was late. Counted.
      if (snapshot->has_live && answers[i].status == Status::kError) {
        Resynchronise();
        return true;
      }
      const auto value = values.find(keys[i]);
      const bool agree = value != values.end()
                             ? answers[i] == Answer{Status::kHit, value->second}
                             : answers[i].status == Status::kError && !snapshot->has_live;
      ++compared;
      if (agree) continue;
      ++mismatches;
      std::ostringstream text;
      text << "MISMATCH in a sweep: the proxy says " << answers[i] << ", the handle "
           << (value == values.end() ? "nothing" : value->second);
      Note(text.str());
      break;
    }
    return true;
  }

  Options options_;
  Random random_;
  EchoBackends backends_;
  std::vector<Mode> modes_;
  std::vector<bool> connected_;  // the handle, and so the proxy
  std::shared_ptr<Router> router_;
  std::unique_ptr<Nutcracker> proxy_;
  std::unique_ptr<TextClient> client_;
  Memc memc_;
  std::set<TimePoint> expiries_;  // of all ejections so far, and some moments more
};

void Play(const Options& options, std::uint64_t salt, int events) {
  World world(options, Seed() + salt);
  for (int i = 0; i < events && world.mismatches == 0; ++i) world.PlayEvent();
  std::printf("events %d, keys compared %d, failed %d, mismatches %d, stalls %d\n", events,
              world.compared, world.failed, world.mismatches, world.stalls);
  EXPECT_EQ(world.mismatches, 0) << "SHARDCACHE_SEED=" << Seed() << '\n' << world.log;
  EXPECT_GE(world.compared, kSweepKeys * events);
  EXPECT_GT(world.failed, 0);
  EXPECT_LE(world.stalls, events / 4);
}

TEST(AttachLockstepTest, KetamaOfFiveServers) { Play({}, 21, 40); }

TEST(AttachLockstepTest, KetamaOfTwentySixServersEjectedAtOnce) {
  Play({.servers = 26, .failure_limit = 1, .retry_timeout = Milliseconds(900)}, 22, 30);
}

TEST(AttachLockstepTest, ModulaWithALimitOfThree) {
  Play({.servers = 4, .failure_limit = 3, .distribution = "modula"}, 23, 30);
}

TEST(AttachLockstepTest, TwoServersThatAllDie) {
  Play({.servers = 2, .failure_limit = 1, .timeout = Milliseconds(100)}, 24, 30);
}

TEST(AttachLockstepTest, OneServerForWhichLibmemcachedWouldNotHash) {
  Play({.servers = 1, .failure_limit = 2, .timeout = Milliseconds(100)}, 25, 30);
}

}  // namespace
}  // namespace shardcache::testing
