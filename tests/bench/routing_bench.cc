// Routing and its parts: twemproxy's algorithm, libmemcached, and this library one key at a time
// and in batches. Names are part/hash/keys/servers/way; every figure is for one key.
#include <benchmark/benchmark.h>
#include <libmemcached-1.0/memcached.h>
#include <xxhash.h>

#include <memory>
#include <string>
#include <utility>

#include "shardcache/hash.h"
#include "shardcache/placement.h"
#include "straightforward.h"
#include "workload.h"

namespace {

using shardcache::HashFunction;
using shardcache::Placement;
using shardcache::ServerIndex;
using KeyList = std::vector<std::string_view>;

constexpr std::array<HashFunction, 6> kHashes = {HashFunction::kFnv1a_64,   HashFunction::kMurmur,
                                                 HashFunction::kJenkins,    HashFunction::kCrc32a,
                                                 HashFunction::kOneAtATime, HashFunction::kMd5};
constexpr std::array<std::pair<Keys::Kind, const char*>, 4> kKinds = {{
    {Keys::Kind::kMixed, "mixed"},
    {Keys::Kind::kFixed, "fixed21"},
    {Keys::Kind::kTagged, "tagged"},
    {Keys::Kind::kUtf8, "utf8"},
}};

// Runs `body(keys)`, which handles all of them.
template <class Body>
void ForAllKeys(benchmark::State& state, const KeyList& keys, Body body) {
  for (auto _ : state) {
    body(keys);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(keys.size()));
}

template <class Locate>
void OneByOne(benchmark::State& state, const KeyList& keys, Locate locate) {
  std::vector<std::uint32_t> answers(keys.size());
  ForAllKeys(state, keys, [&](const KeyList& all) {
    for (std::size_t i = 0; i < all.size(); ++i) answers[i] = locate(all[i]);
  });
}

template <class Locate>
void InBatches(benchmark::State& state, const KeyList& keys, std::size_t batch, Locate locate) {
  std::vector<std::uint32_t> answers(keys.size());
  ForAllKeys(state, keys, [&](const KeyList& all) {
    for (std::size_t at = 0; at < all.size(); at += batch) {
      locate(std::span(all).subspan(at, batch), std::span(answers).subspan(at, batch));
    }
  });
}

struct MemcachedFree {
  void operator()(memcached_st* client) const { memcached_free(client); }
};
using Memcached = std::shared_ptr<memcached_st>;

// None where libmemcached has no such hash, or (Debian's aborts) more than 100 servers.
Memcached MakeMemcached(HashFunction function, std::size_t servers) {
  static const std::vector<std::pair<HashFunction, memcached_hash_t>> kNames = {
      {HashFunction::kFnv1a_64, MEMCACHED_HASH_FNV1A_64},
      {HashFunction::kMurmur, MEMCACHED_HASH_MURMUR},
      {HashFunction::kJenkins, MEMCACHED_HASH_JENKINS},
      {HashFunction::kOneAtATime, MEMCACHED_HASH_DEFAULT},
      {HashFunction::kMd5, MEMCACHED_HASH_MD5}};
  const auto name = std::find_if(kNames.begin(), kNames.end(),
                                 [&](const auto& entry) { return entry.first == function; });
  if (name == kNames.end() || servers > 100) return nullptr;
  Memcached client(memcached_create(nullptr), MemcachedFree());
  memcached_behavior_set(client.get(), MEMCACHED_BEHAVIOR_DISTRIBUTION,
                         MEMCACHED_DISTRIBUTION_CONSISTENT_KETAMA);
  memcached_behavior_set(client.get(), MEMCACHED_BEHAVIOR_HASH, name->second);
  for (const shardcache::Server& server : MakePool(servers).servers) {
    memcached_server_add(client.get(), server.host.c_str(), server.port);
  }
  return client;
}

template <class Function>
benchmark::internal::Benchmark* Register(const std::string& name, Function function) {
  return benchmark::RegisterBenchmark(name.c_str(), std::move(function));
}

void RegisterRouting(HashFunction function, Keys::Kind kind, const char* kind_name,
                     std::size_t servers) {
  const std::string name = "route/" + std::string(HashName(function)) + '/' + kind_name + '/' +
                           std::to_string(servers) + '/';
  shardcache::PoolConfig config = MakePool(servers);
  config.hash = function;
  if (kind == Keys::Kind::kTagged) config.hash_tag = shardcache::HashTag{'{', '}'};
  const Placement placement = *Placement::Create(config);
  const straightforward::Pool pool{straightforward::HashOf(function),
                                   kind == Keys::Kind::kTagged ? "{}" : "", placement.points()};
  const KeyList& keys = BenchmarkKeys(kind);

  Register(name + "twemproxy", [=, &keys](benchmark::State& state) {
    OneByOne(state, keys, [&](std::string_view key) { return pool.Route(key); });
  });
  if (const Memcached client = MakeMemcached(function, servers);
      client != nullptr && kind == Keys::Kind::kMixed) {
    Register(name + "libmemcached", [=, &keys](benchmark::State& state) {
      OneByOne(state, keys, [&](std::string_view key) {
        return memcached_generate_hash(client.get(), key.data(), key.size());
      });
    });
  }
  const auto one = [=, &keys](benchmark::State& state) {
    OneByOne(state, keys, [&](std::string_view key) { return placement.Locate(key); });
  };
  Register(name + "one_key", one);
  for (std::size_t batch : {16, 64, 256, 4096}) {
    const auto many = [=, &keys](benchmark::State& state) {
      InBatches(state, keys, batch,
                [&](auto part, auto owners) { placement.Locate(part, owners); });
    };
    Register(name + "batch_" + std::to_string(batch), many);
    if (batch == 256) Register(name + "batch_256", many)->Threads(2)->UseRealTime();
  }
}

void RegisterHash(HashFunction function) {
  const std::string name = "hash/" + std::string(HashName(function)) + "/mixed/";
  const KeyList& keys = BenchmarkKeys(Keys::Kind::kMixed);
  const auto plain = straightforward::HashOf(function);
  Register(name + "twemproxy", [=, &keys](benchmark::State& state) {
    OneByOne(state, keys, [&](std::string_view key) { return plain(key.data(), key.size()); });
  });
  Register(name + "one_key", [=, &keys](benchmark::State& state) {
    OneByOne(state, keys, [&](std::string_view key) { return Hash(function, key); });
  });
  Register(name + "batch_256", [=, &keys](benchmark::State& state) {
    InBatches(state, keys, 256, [&](auto part, auto hashes) { Hash(function, part, hashes); });
  });
}

void RegisterLookup(std::size_t servers) {
  const std::string name = "lookup/-/mixed/" + std::to_string(servers) + '/';
  const Placement placement = *Placement::Create(MakePool(servers));
  const std::vector<shardcache::Point> points = placement.points();
  const KeyList& keys = BenchmarkKeys(Keys::Kind::kMixed);
  std::vector<std::uint32_t> hashes(keys.size());
  Hash(HashFunction::kFnv1a_64, keys, hashes);
  const auto measure = [=, &keys](benchmark::State& state, auto look_up) {
    std::vector<std::uint32_t> owners(hashes.size());
    ForAllKeys(state, keys, [&](const KeyList&) {
      for (std::size_t i = 0; i < hashes.size(); ++i) owners[i] = look_up(hashes[i]);
    });
  };
  Register(name + "twemproxy", [=](benchmark::State& state) {
    measure(state, [&](std::uint32_t hash) { return straightforward::Dispatch(points, hash); });
  });
  Register(name + "one_key", [=](benchmark::State& state) {
    measure(state, [&](std::uint32_t hash) { return placement.LocateHash(hash); });
  });
}

// The speed of a hash that is made for speed, over the same bytes.
void RegisterXxh3() {
  Register("hash/xxh3/mixed/one_key", [](benchmark::State& state) {
    OneByOne(state, BenchmarkKeys(Keys::Kind::kMixed), [](std::string_view key) {
      return static_cast<std::uint32_t>(XXH3_64bits(key.data(), key.size()));
    });
  });
}

}  // namespace

void RegisterRoutingBenchmarks() {
  RegisterXxh3();
  for (HashFunction function : kHashes) RegisterHash(function);
  for (std::size_t servers : {10, 100, 1000, 5000}) {
    RegisterLookup(servers);
    for (HashFunction function : kHashes) {
      RegisterRouting(function, Keys::Kind::kMixed, "mixed", servers);
    }
  }
  for (const auto& [kind, kind_name] : kKinds) {
    if (kind != Keys::Kind::kMixed) {
      RegisterRouting(HashFunction::kFnv1a_64, kind, kind_name, 100);
    }
  }
}
