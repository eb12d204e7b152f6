// Making and changing the continuum. Names are part/servers/way; every figure is for one ring,
// ready to be routed by.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <numeric>
#include <string>
#include <vector>

#include "shardcache/placement.h"
#include "shardcache/router.h"
#include "straightforward.h"
#include "workload.h"

namespace {

using shardcache::Placement;
using shardcache::PoolConfig;
using shardcache::ServerIndex;

std::vector<ServerIndex> All(std::size_t servers) {
  std::vector<ServerIndex> live(servers);
  std::iota(live.begin(), live.end(), 0);
  return live;
}

// One server is ejected, a different one each time.
std::vector<ServerIndex> AllBut(std::size_t servers, std::size_t ejected) {
  std::vector<ServerIndex> live = All(servers);
  live.erase(live.begin() + static_cast<std::ptrdiff_t>(ejected % servers));
  return live;
}

std::size_t AllocatedBytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

void BuildStraightforward(benchmark::State& state, std::size_t servers) {
  const Placement placement = *Placement::Create(MakePool(servers));
  const std::vector<ServerIndex> live = All(servers);
  for (auto _ : state) {
    benchmark::DoNotOptimize(straightforward::BuildContinuum(placement.servers(), live));
  }
}

void Build(benchmark::State& state, std::size_t servers) {
  const PoolConfig pool = MakePool(servers);
  for (auto _ : state) benchmark::DoNotOptimize(Placement::Create(pool));
}

void EjectStraightforward(benchmark::State& state, std::size_t servers) {
  const Placement placement = *Placement::Create(MakePool(servers));
  std::size_t ejected = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        straightforward::BuildContinuum(placement.servers(), AllBut(servers, ejected++)));
  }
}

void Eject(benchmark::State& state, std::size_t servers) {
  const Placement placement = *Placement::Create(MakePool(servers));
  std::size_t ejected = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(placement.Restrict(AllBut(servers, ejected++)));
  }
}

// A server's weight changes, a different one's each time.
PoolConfig WithWeightChanged(PoolConfig pool, std::size_t server) {
  pool.servers[server % pool.servers.size()].weight = 2;
  return pool;
}

void ReloadStraightforward(benchmark::State& state, std::size_t servers) {
  const Placement changed = *Placement::Create(WithWeightChanged(MakePool(servers), 0));
  const std::vector<ServerIndex> live = All(servers);
  for (auto _ : state) {
    benchmark::DoNotOptimize(straightforward::BuildContinuum(changed.servers(), live));
  }
}

void Reload(benchmark::State& state, std::size_t servers) {
  const PoolConfig pool = MakePool(servers);
  const auto router = *shardcache::Router::Create(pool);
  std::size_t changed = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const PoolConfig next = WithWeightChanged(pool, changed++);
    state.ResumeTiming();
    benchmark::DoNotOptimize(router->Reload(next).ok());
  }
}

// What a pool's first placement costs, with all that it keeps for later ones, and what each
// further one does.
void Memory(benchmark::State& state, std::size_t servers) {
  const PoolConfig pool = MakePool(servers);
  for (auto _ : state) {
    const std::size_t before = AllocatedBytes();
    const Placement all = *Placement::Create(pool);
    const std::size_t with_first = AllocatedBytes();
    const Placement next = *all.Restrict(AllBut(servers, 0));
    const std::size_t with_next = AllocatedBytes();
    const auto count = static_cast<double>(servers);
    state.counters["first_bytes_per_server"] = static_cast<double>(with_first - before) / count;
    state.counters["next_bytes_per_server"] = static_cast<double>(with_next - with_first) / count;
  }
}

}  // namespace

void RegisterRingBenchmarks() {
  const auto add = [](const std::string& name, std::size_t servers, auto function) {
    benchmark::RegisterBenchmark(name.c_str(), function, servers)->Unit(benchmark::kMicrosecond);
  };
  for (std::size_t servers : {10, 100, 1000, 5000}) {
    const std::string suffix = '/' + std::to_string(servers) + '/';
    add("build" + suffix + "twemproxy", servers, BuildStraightforward);
    add("build" + suffix + "shardcache", servers, Build);
    add("eject" + suffix + "twemproxy", servers, EjectStraightforward);
    add("eject" + suffix + "shardcache", servers, Eject);
    add("reload" + suffix + "twemproxy", servers, ReloadStraightforward);
    add("reload" + suffix + "shardcache", servers, Reload);
    add("memory" + suffix + "shardcache", servers, Memory);
  }
}
