// What routing an attached libmemcached handle costs, beside libmemcached's own hashing. Names are
// WHAT/SERVERS/HOW: `choose` only asks for the server of a key, `set` and `get` ask real
// memcacheds; `ketama` and `modula` are libmemcached's own, with the hash that the pool has,
// `attached` leaves CheckCall() out, and `checked` does not.
#include <benchmark/benchmark.h>
#include <libmemcached/memcached.h>

#include <cstdlib>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "shardcache/libmemcached.h"
#include "shardcache/pool_config.h"
#include "tests/harness/memcached_server.h"

namespace {

using shardcache::testing::MemcachedServer;

using Memc = std::unique_ptr<memcached_st, decltype(&memcached_free)>;

std::vector<std::string> Keys() {
  std::vector<std::string> keys;
  for (int i = 0; i < 4096; ++i) keys.push_back("user:" + std::to_string(i * 7919));
  return keys;
}

// A handle for the servers at 127.0.0.1 and `ports`.
Memc Handle(const std::vector<int>& ports, const std::string& how) {
  Memc memc(memcached_create(nullptr), &memcached_free);
  std::string yaml = "alpha:\n  listen: 127.0.0.1:1\n  auto_eject_hosts: true\n  servers:\n";
  for (const int port : ports) yaml += "  - 127.0.0.1:" + std::to_string(port) + ":1\n";
  if (how == "ketama") {
    memcached_behavior_set(memc.get(), MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, 1);
  }
  memcached_behavior_set(memc.get(), MEMCACHED_BEHAVIOR_HASH, MEMCACHED_HASH_FNV1A_64);
  if (how == "ketama" || how == "modula") {
    for (const int port : ports) {
      memcached_server_add(memc.get(), "127.0.0.1", static_cast<in_port_t>(port));
    }
    return memc;
  }
  auto router = shardcache::Router::Create(shardcache::ParsePools(yaml, "bench")->front());
  if (!shardcache::Attach(memc.get(), *std::move(router)).ok()) std::abort();
  return memc;
}

void Choose(benchmark::State& state, int servers, const std::string& how) {
  std::vector<int> ports;
  for (int i = 0; i < servers; ++i) ports.push_back(20000 + i);
  const Memc memc = Handle(ports, how);
  const std::vector<std::string> keys = Keys();
  std::size_t at = 0;
  for (auto _ : state) {
    const std::string& key = keys[at++ % keys.size()];
    benchmark::DoNotOptimize(memcached_generate_hash(memc.get(), key.data(), key.size()));
  }
}

void Call(benchmark::State& state, const std::vector<int>& ports, const std::string& how,
          bool set) {
  const Memc memc = Handle(ports, how);
  const std::vector<std::string> keys = Keys();
  std::size_t at = 0;
  for (auto _ : state) {
    const std::string& key = keys[at++ % keys.size()];
    memcached_return_t rc = MEMCACHED_FAILURE;
    if (set) {
      rc = memcached_set(memc.get(), key.data(), key.size(), "value", 5, 0, 0);
      if (how == "checked") rc = shardcache::CheckCall(memc.get(), rc);
    } else {
      std::size_t size = 0;
      std::free(memcached_get(memc.get(), key.data(), key.size(), &size, nullptr, &rc));
      if (how == "checked") rc = shardcache::CheckGet(memc.get(), key, rc);
    }
    if (rc != MEMCACHED_SUCCESS && rc != MEMCACHED_NOTFOUND) state.SkipWithError("a call failed");
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::deque<MemcachedServer> servers(4);
  std::vector<int> ports;
  for (const MemcachedServer& server : servers) {
    ports.push_back(shardcache::testing::Address(server.address()).port());
  }
  for (const int count : {4, 100}) {
    for (const std::string how : {"modula", "ketama", "attached"}) {
      benchmark::RegisterBenchmark(("choose/" + std::to_string(count) + "/" + how).c_str(),
                                   [=](benchmark::State& state) { Choose(state, count, how); });
    }
  }
  for (const std::string what : {"set", "get"}) {
    for (const std::string how : {"modula", "ketama", "attached", "checked"}) {
      benchmark::RegisterBenchmark((what + "/4/" + how).c_str(), [=](benchmark::State& state) {
        Call(state, ports, how, what == "set");
      });
    }
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
