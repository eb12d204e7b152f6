#include "tests/ejection/lockstep_world.h"

#include <algorithm>
#include <thread>

#include "shardcache/proxy_stats.h"

namespace shardcache::testing {
namespace {

constexpr int kSweepKeys = 500;
// The proxy notices a failure before the test hears of it, so its expiry comes first by as much.
// Nothing is asked from this long before an expiry...
constexpr Milliseconds kBefore{40};
// ... until this long after it.
constexpr Milliseconds kAfter{5};
constexpr Milliseconds kSweepTime{15};

const char* Name(Mode mode) {
  switch (mode) {
    case Mode::kServe:
      return "serve";
    case Mode::kRefuse:
      return "refuse";
    case Mode::kReset:
      return "reset";
    case Mode::kHang:
      return "hang";
    case Mode::kCloseMidAnswer:
      return "close in the middle";
    case Mode::kSlow:
      return "slow";
  }
  return "?";
}

FailureKind KindOf(Mode mode) {
  switch (mode) {
    case Mode::kRefuse:
      return FailureKind::kRefused;
    case Mode::kReset:
      return FailureKind::kReset;
    case Mode::kHang:
    case Mode::kSlow:
      return FailureKind::kTimeout;
    default:
      return FailureKind::kClosed;
  }
}

// Whether a server that is well was too slow for the proxy, which happens when the machine is.
bool Stalled(std::optional<ServerIndex> expected, const Answer& answer) {
  return expected && answer.status == Status::kError &&
         answer.text.find("timed out") != std::string::npos;
}

}  // namespace

LockstepWorld::LockstepWorld(const WorldOptions& options, std::uint64_t seed)
    : options_(options), random_(seed) {
  std::vector<PoolServer> servers;
  for (int i = 0; i < options.servers; ++i) {
    const std::string name = "s" + std::to_string(i);
    backends_.Add(name);
    const int weight = options.unequal_weights ? static_cast<int>(random_.Between(1, 10)) : 1;
    servers.push_back({backends_.address(i), name, weight});
  }
  modes_.resize(static_cast<std::size_t>(options.servers), Mode::kServe);
  const std::string listen = Loopback(FreePort());
  const std::vector<std::string> settings = {
      "auto_eject_hosts: true",
      "distribution: " + std::string(DistributionName(options.distribution)),
      "timeout: " + std::to_string(options.timeout.count()),
      "server_connections: " + std::to_string(options.server_connections),
      "server_failure_limit: " + std::to_string(options.failure_limit),
      "server_retry_timeout: " + std::to_string(options.retry_timeout.count())};
  const std::string yaml = MakePool("lockstep", listen, settings, servers);
  pool_ = ParsePools(yaml, "lockstep.yml")->front();
  router_ = *Router::Create(pool_);
  for (const Server& server : router_->Snapshot()->placement.servers()) {
    backend_of_.push_back(std::stoi(server.name.substr(1)));
  }
  proxy_ = std::make_unique<Nutcracker>(yaml, std::vector<std::string>{listen},
                                        NutcrackerOptions{.stats_interval = Milliseconds(20)});
  client_ = std::make_unique<TextClient>(listen);
}

bool LockstepWorld::Faulty(ServerIndex server) const {
  return modes_[static_cast<std::size_t>(backend_of_[server])] != Mode::kServe;
}

void LockstepWorld::Note(const std::string& text) { log_.push_back(text); }

void LockstepWorld::PlayEvent() {
  ++counts_.events;
  ChangeABackend();
  if (random_.Chance(0.3)) {
    std::this_thread::sleep_for(
        Milliseconds(random_.Below(static_cast<std::uint64_t>(options_.retry_timeout.count()))));
  }
  for (std::uint64_t i = random_.Between(2, 8); i > 0; --i) Request(random_.Key());
  // Faulty servers that are still live would be struck by a sweep: ask until they are out. If
  // they return faster than they go, one of them must recover.
  for (int i = 1; !Sweep(); ++i) {
    if (i % 20 == 0) RecoverOne();
    Request(random_.Key());
  }
}

// Waits until no expiry is near for `duration`.
void LockstepWorld::AvoidExpiry(Milliseconds duration) {
  while (true) {
    const TimePoint now = Clock::now();
    const auto expiry = router_->Snapshot(now)->next_rebuild;
    if (!expiry || now + duration + kBefore < *expiry) return;
    std::this_thread::sleep_until(*expiry + kAfter);
  }
}

void LockstepWorld::ReportFailures(ServerIndex server, int count, FailureKind kind) {
  for (int i = 0; i < count; ++i) {
    ++counts_.failed_requests;
    router_->ReportFailure(server, kind);
  }
}

void LockstepWorld::ChangeABackend() {
  const auto server = static_cast<ServerIndex>(random_.Below(backend_of_.size()));
  const int backend = backend_of_[server];
  Mode& mode = modes_[static_cast<std::size_t>(backend)];
  AvoidExpiry(kSweepTime);
  if (random_.Chance(0.2)) {
    const int closed = backends_.CloseIdleConnections(backend);
    Note("s" + std::to_string(backend) + " closes " + std::to_string(closed) + " idle connections");
    ReportFailures(server, closed, FailureKind::kClosed);
    // Any round trip through the proxy's event loop comes after the ends of file.
    std::this_thread::sleep_for(kAfter);
    return;
  }
  const bool recovers = mode != Mode::kServe && random_.Chance(0.7);
  const Mode next = recovers ? Mode::kServe : static_cast<Mode>(random_.Between(1, 5));
  Note("s" + std::to_string(backend) + ": " + Name(next));
  const int open = static_cast<int>(backends_.Counters(backend).open);
  backends_.SetMode(backend, next, options_.timeout * 2);
  mode = next;
  if (next == Mode::kRefuse) ReportFailures(server, open, FailureKind::kClosed);
  std::this_thread::sleep_for(kAfter);
}

void LockstepWorld::RecoverOne() {
  for (std::size_t i = 0; i < modes_.size(); ++i) {
    if (modes_[i] == Mode::kServe) continue;
    Note("s" + std::to_string(i) + ": serve, so that some server does");
    backends_.SetMode(static_cast<int>(i), Mode::kServe);
    modes_[i] = Mode::kServe;
    return;
  }
}

// After a failure that only the proxy saw: with all servers well and every timeout over, both
// sides have all of them live, and the next answers clear what the proxy counted.
void LockstepWorld::Resynchronise() {
  ++counts_.stalls;
  Note("a healthy server timed out: the machine stood still");
  for (std::size_t i = 0; i < modes_.size(); ++i) {
    backends_.SetMode(static_cast<int>(i), Mode::kServe);
    modes_[i] = Mode::kServe;
  }
  std::this_thread::sleep_for(options_.retry_timeout + options_.timeout * 2);
  Sweep();
}

void LockstepWorld::Compare(const std::string& key, std::optional<ServerIndex> expected,
                            const Answer& answer) {
  ++counts_.keys_compared;
  const bool agrees = expected ? answer.status == Status::kHit &&
                                     answer.text == "s" + std::to_string(backend_of_[*expected])
                               : answer.status == Status::kError;
  if (agrees) return;
  ++counts_.mismatches;
  Note("MISMATCH for a key of " + std::to_string(key.size()) + " bytes: expected " +
       (expected ? "s" + std::to_string(backend_of_[*expected]) : std::string("no live server")) +
       ", the proxy answered " + StatusName(answer.status) + " " + answer.text);
}

// One request, alone: it meets the fault of its server, and both sides learn of it.
void LockstepWorld::Request(const std::string& key) {
  AvoidExpiry(Milliseconds(0));
  const std::optional<ServerIndex> server = router_->Route(key);
  const Answer answer = client_->Get(key);
  if (!client_->connected()) client_->Reconnect();
  if (!server || !Faulty(*server)) {
    if (Stalled(server, answer)) return Resynchronise();
    Compare(key, server, answer);
    if (server && answer.status == Status::kHit) router_->ReportSuccess(*server);
    return;
  }
  ++counts_.keys_compared;
  if (answer.status == Status::kHit) {
    ++counts_.mismatches;
    Note("MISMATCH: the proxy got " + answer.text + " where the key's server s" +
         std::to_string(backend_of_[*server]) + " fails");
    return;
  }
  const auto before = router_->Snapshot();
  ReportFailures(*server, 1, KindOf(modes_[static_cast<std::size_t>(backend_of_[*server])]));
  const auto after = router_->Snapshot();
  if (!before->ejected[*server] && after->ejected[*server]) {
    ++counts_.ejections;
    Note("s" + std::to_string(backend_of_[*server]) + " is ejected");
  }
  if (before->has_live && !after->has_live) ++counts_.all_dead;
}

// Whether some key leads to a server that answers, or all fail at once without harm.
bool LockstepWorld::CanSweep(const RouterSnapshot& snapshot) const {
  if (!snapshot.has_live) return true;
  const auto live = snapshot.placement.live();
  return std::any_of(live.begin(), live.end(), [&](ServerIndex i) {
    return !Faulty(i) && snapshot.placement.PointCount(i) > 0;
  });
}

// Compares many keys that do no harm. False, and nothing is asked, if there are none.
bool LockstepWorld::Sweep() {
  AvoidExpiry(kSweepTime);
  const auto snapshot = router_->Snapshot();
  if (!CanSweep(*snapshot)) return false;
  std::vector<std::string> keys;
  std::vector<std::optional<ServerIndex>> expected;
  while (keys.size() < kSweepKeys) {
    std::string key = random_.Key();
    const std::optional<ServerIndex> server = snapshot->Route(key);
    if (server && Faulty(*server)) continue;
    keys.push_back(std::move(key));
    expected.push_back(server);
  }
  AvoidExpiry(kSweepTime);
  if (router_->Snapshot()->version != snapshot->version) return Sweep();
  const std::vector<Answer> answers = client_->GetMany(keys);
  if (!client_->connected()) client_->Reconnect();
  ++counts_.sweeps;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!Stalled(expected[i], answers[i])) continue;
    Resynchronise();
    return true;
  }
  const auto expiry = snapshot->next_rebuild;
  if (expiry && Clock::now() + kAfter > *expiry - kBefore) {
    counts_.ambiguous += kSweepKeys;  // the machine stalled: the expiry fell into the sweep
    return Sweep();
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    Compare(keys[i], expected[i], answers[i]);
    if (expected[i]) router_->ReportSuccess(*expected[i]);
  }
  return true;
}

bool LockstepWorld::StatisticsAgree() {
  AvoidExpiry(Milliseconds(150));
  std::this_thread::sleep_for(Milliseconds(100));  // longer than the statistics lag
  const ProxyStats stats = *ParseProxyStats(proxy_->ReadStats());
  const auto wall_now =
      std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  std::vector<std::string> there;
  for (const ProxyEjection& e : EjectionsAt(*stats.Find("lockstep"), pool_, wall_now)) {
    there.push_back(e.server);
  }
  std::vector<std::string> here;
  const auto snapshot = router_->Snapshot();
  for (ServerIndex i = 0; i < snapshot->ejected.size(); ++i) {
    if (snapshot->ejected[i]) here.push_back(snapshot->placement.server(i).name);
  }
  std::sort(there.begin(), there.end());
  std::sort(here.begin(), here.end());
  if (there == here) return true;
  Note("the statistics name " + std::to_string(there.size()) + " ejected servers, the router " +
       std::to_string(here.size()));
  return false;
}

}  // namespace shardcache::testing
