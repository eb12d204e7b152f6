// Routing while servers come and go: names are router/servers/way/quiet or ejecting. The latter
// has another thread eject a server 1,000 times a second, each for half a millisecond, so that
// there are 2,000 snapshots a second.
#include <benchmark/benchmark.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "shardcache/router.h"
#include "workload.h"

namespace {

using shardcache::Clock;
using shardcache::PoolConfig;
using shardcache::Router;
using shardcache::ServerIndex;
using shardcache::TimePoint;

constexpr auto kPeriod = std::chrono::milliseconds(1);
constexpr auto kOut = std::chrono::microseconds(500);

// Ejects and readmits until it is destroyed.
class Ejections {
 public:
  Ejections(Router& router, std::size_t servers)
      : thread_([this, &router, servers] {
          ServerIndex victim = 0;
          for (TimePoint next = Clock::now(); !done_; next += kPeriod) {
            const shardcache::RemoteEjection out{router.Snapshot()->placement.server(victim).name,
                                                 next, next + std::chrono::hours(1)};
            router.Follow(std::span(&out, 1), next);
            std::this_thread::sleep_until(next + kOut);
            router.Follow({}, next + kOut);
            std::this_thread::sleep_until(next + kPeriod);
            victim = static_cast<ServerIndex>((victim + 1) % servers);
          }
        }) {}
  ~Ejections() {
    done_ = true;
    thread_.join();
  }
  Ejections(const Ejections&) = delete;
  Ejections& operator=(const Ejections&) = delete;

 private:
  std::atomic<bool> done_{false};
  std::thread thread_;
};

void Route(benchmark::State& state, std::size_t servers, std::size_t batch, bool ejecting) {
  PoolConfig pool = MakePool(servers);
  pool.auto_eject_hosts = true;
  const auto router = *Router::Create(pool);
  const auto ejections = ejecting ? std::make_unique<Ejections>(*router, servers) : nullptr;
  const std::vector<std::string_view>& keys = BenchmarkKeys(Keys::Kind::kMixed);
  std::vector<ServerIndex> owners(batch);
  std::size_t at = 0;
  for (auto _ : state) {
    const auto some = std::span(keys).subspan(at, batch);
    // The clock is read for each call, quiet or not, as a client does for its deadlines.
    if (batch == 1) {
      benchmark::DoNotOptimize(router->Route(some.front(), Clock::now()));
    } else {
      router->Route(some, owners, Clock::now());
      benchmark::DoNotOptimize(owners.data());
    }
    at = at + 2 * batch <= keys.size() ? at + batch : 0;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * batch));
}

}  // namespace

void RegisterRouterBenchmarks() {
  for (const std::size_t servers : {std::size_t{10}, std::size_t{100}}) {
    for (const std::size_t batch : {std::size_t{1}, std::size_t{256}}) {
      for (const bool ejecting : {false, true}) {
        const std::string name = "router/" + std::to_string(servers) +
                                 (batch == 1 ? "/one_key" : "/batch_256") +
                                 (ejecting ? "/ejecting" : "/quiet");
        benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
          Route(state, servers, batch, ejecting);
        })->UseRealTime();
      }
    }
  }
}
