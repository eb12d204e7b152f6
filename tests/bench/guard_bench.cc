// What StaleGuard::kExact adds to a write: nothing to speak of while all servers are live, and the
// marks of its key while one is out. A write itself takes some 16 us on loopback.
#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <vector>

#include "lib/client/stale_keys.h"
#include "shardcache/pool_config.h"

namespace shardcache {
namespace {

PoolConfig Pool() {
  std::string yaml = "pool:\n  listen: 127.0.0.1:1\n  servers:\n";
  for (int i = 0; i < 10; ++i) yaml += "    - 10.0.0." + std::to_string(i + 1) + ":11211:1\n";
  return ParsePools(yaml, "bench")->front();
}

std::vector<std::string> Keys() {
  std::vector<std::string> keys;
  for (int i = 0; i < 10000; ++i) keys.push_back("session:" + std::to_string(i * 7919));
  return keys;
}

void AllLive(benchmark::State& state) {
  const Placement all = *Placement::Create(Pool());
  internal::StaleKeys keys(all, 1, std::size_t{64} << 20);
  for (auto _ : state) benchmark::DoNotOptimize(keys.active());
}
BENCHMARK(AllLive)->Name("guard/write/all_live");

void OneOut(benchmark::State& state) {
  const Placement all = *Placement::Create(Pool());
  const std::vector<ServerIndex> live = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  RouterSnapshot out{.placement = *all.Restrict(live),
                     .ejected = std::vector<bool>(all.servers().size())};
  out.ejected[0] = true;
  internal::StaleKeys keys(all, 1, std::size_t{64} << 20);
  const std::vector<std::string> names = Keys();
  std::size_t i = 0;
  for (auto _ : state) {
    const std::string& key = names[i++ % names.size()];
    const ServerIndex server = *out.Route(key);
    const auto ticket = keys.BeginWrite(key, server, out);
    keys.End(key, server, ticket, ticket.remove_first);
  }
}
BENCHMARK(OneOut)->Name("guard/write/one_out");

}  // namespace
}  // namespace shardcache

BENCHMARK_MAIN();
