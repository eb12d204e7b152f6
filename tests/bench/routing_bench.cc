// Routing and its parts: twemproxy's algorithm, libmemcached, and this library one key at a time
// and in batches. Names are part/hash/keys/servers/way; every figure is for one key.
#include <benchmark/benchmark.h>
#include <libmemcached-1.0/memcached.h>
#include <xxhash.h>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
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

std::optional<memcached_hash_t> LibmemcachedHash(HashFunction function) {
  switch (function) {
    case HashFunction::kFnv1a_64:
      return MEMCACHED_HASH_FNV1A_64;
    case HashFunction::kMurmur:
      return MEMCACHED_HASH_MURMUR;
    case HashFunction::kJenkins:
      return MEMCACHED_HASH_JENKINS;
    case HashFunction::kOneAtATime:
      return MEMCACHED_HASH_DEFAULT;
    case HashFunction::kMd5:
      return MEMCACHED_HASH_MD5;
    default:
      return std::nullopt;
  }
}

// What the benchmarks of one pool share; made when one of them first runs.
struct Pool {
  struct MemcachedFree {
    void operator()(memcached_st* client) const { memcached_free(client); }
  };

  Pool(HashFunction function, Keys::Kind kind, std::size_t servers)
      : placement(Create(function, kind, servers)),
        twemproxy{straightforward::HashOf(function), kind == Keys::Kind::kTagged ? "{}" : "",
                  placement.points()} {}

  // Debian's libmemcached aborts with more than 100 servers on a continuum.
  static bool HasLibmemcached(HashFunction function, std::size_t servers) {
    return LibmemcachedHash(function) && servers <= 100;
  }

  std::unique_ptr<memcached_st, MemcachedFree> MakeLibmemcached() const {
    std::unique_ptr<memcached_st, MemcachedFree> client(memcached_create(nullptr));
    memcached_behavior_set(client.get(), MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, 1);
    memcached_behavior_set(client.get(), MEMCACHED_BEHAVIOR_HASH,
                           *LibmemcachedHash(placement.hash_function()));
    for (const shardcache::Server& server : placement.servers()) {
      memcached_server_add(client.get(), server.host.c_str(), server.port);
    }
    return client;
  }

  Placement placement;
  straightforward::Pool twemproxy;

 private:
  static Placement Create(HashFunction function, Keys::Kind kind, std::size_t servers) {
    shardcache::PoolConfig config = MakePool(servers);
    config.hash = function;
    if (kind == Keys::Kind::kTagged) config.hash_tag = shardcache::HashTag{'{', '}'};
    return *Placement::Create(config);
  }
};

const Pool& PoolOf(HashFunction function, Keys::Kind kind, std::size_t servers) {
  static std::mutex mutex;
  static std::map<std::tuple<HashFunction, Keys::Kind, std::size_t>, Pool> pools;
  const std::lock_guard lock(mutex);
  return pools.try_emplace({function, kind, servers}, function, kind, servers).first->second;
}

template <class Function>
benchmark::internal::Benchmark* Register(const std::string& name, Function function) {
  return benchmark::RegisterBenchmark(name.c_str(), std::move(function));
}

void RegisterRouting(HashFunction function, Keys::Kind kind, const char* kind_name,
                     std::size_t servers) {
  const std::string name = "route/" + std::string(HashName(function)) + '/' + kind_name + '/' +
                           std::to_string(servers) + '/';
  Register(name + "twemproxy", [=](benchmark::State& state) {
    const Pool& pool = PoolOf(function, kind, servers);
    OneByOne(state, BenchmarkKeys(kind),
             [&](std::string_view key) { return pool.twemproxy.Route(key); });
  });
  if (kind == Keys::Kind::kMixed && Pool::HasLibmemcached(function, servers)) {
    Register(name + "libmemcached", [=](benchmark::State& state) {
      const auto client = PoolOf(function, kind, servers).MakeLibmemcached();
      OneByOne(state, BenchmarkKeys(kind), [&](std::string_view key) {
        return memcached_generate_hash(client.get(), key.data(), key.size());
      });
    });
  }
  Register(name + "one_key", [=](benchmark::State& state) {
    const Placement& placement = PoolOf(function, kind, servers).placement;
    OneByOne(state, BenchmarkKeys(kind),
             [&](std::string_view key) { return placement.Locate(key); });
  });
  for (std::size_t batch : {16, 64, 256, 4096}) {
    const auto many = [=](benchmark::State& state) {
      const Placement& placement = PoolOf(function, kind, servers).placement;
      InBatches(state, BenchmarkKeys(kind), batch,
                [&](auto part, auto owners) { placement.Locate(part, owners); });
    };
    Register(name + "batch_" + std::to_string(batch), many);
  }
}

// The same batches over and over, which stay in a core's own first cache, or all the keys, which
// come from one that the cores share.
void RegisterThreads(std::size_t servers) {
  for (const bool near : {true, false}) {
    const std::string name =
        "threads/" + std::string(near ? "near/" : "far/") + std::to_string(servers) + "/batch_256";
    const auto route = [=](benchmark::State& state) {
      const Placement& placement =
          PoolOf(HashFunction::kFnv1a_64, Keys::Kind::kMixed, servers).placement;
      const KeyList& all = BenchmarkKeys(Keys::Kind::kMixed);
      const KeyList keys(all.begin(), near ? all.begin() + 256 : all.end());
      InBatches(state, keys, 256, [&](auto part, auto owners) { placement.Locate(part, owners); });
    };
    for (const int threads : {1, 2}) Register(name, route)->Threads(threads)->UseRealTime();
  }
}

void RegisterHash(HashFunction function) {
  const std::string name = "hash/" + std::string(HashName(function)) + "/mixed/";
  const auto plain = straightforward::HashOf(function);
  Register(name + "twemproxy", [=](benchmark::State& state) {
    OneByOne(state, BenchmarkKeys(Keys::Kind::kMixed),
             [&](std::string_view key) { return plain(key.data(), key.size()); });
  });
  Register(name + "one_key", [=](benchmark::State& state) {
    OneByOne(state, BenchmarkKeys(Keys::Kind::kMixed),
             [&](std::string_view key) { return Hash(function, key); });
  });
  Register(name + "batch_256", [=](benchmark::State& state) {
    InBatches(state, BenchmarkKeys(Keys::Kind::kMixed), 256,
              [&](auto part, auto hashes) { Hash(function, part, hashes); });
  });
}

template <class LookUp>
void LookUpAll(benchmark::State& state, LookUp look_up) {
  const KeyList& keys = BenchmarkKeys(Keys::Kind::kMixed);
  std::vector<std::uint32_t> hashes(keys.size());
  std::vector<std::uint32_t> owners(keys.size());
  Hash(HashFunction::kFnv1a_64, keys, hashes);
  ForAllKeys(state, keys, [&](const KeyList&) {
    for (std::size_t i = 0; i < hashes.size(); ++i) owners[i] = look_up(hashes[i]);
  });
}

void RegisterLookup(std::size_t servers) {
  const std::string name = "lookup/-/mixed/" + std::to_string(servers) + '/';
  const auto pool = [=]() -> const Pool& {
    return PoolOf(HashFunction::kFnv1a_64, Keys::Kind::kMixed, servers);
  };
  Register(name + "twemproxy", [=](benchmark::State& state) {
    LookUpAll(state, [&, &points = pool().twemproxy.continuum](std::uint32_t hash) {
      return straightforward::Dispatch(points, hash);
    });
  });
  Register(name + "one_key", [=](benchmark::State& state) {
    LookUpAll(state, [&placement = pool().placement](std::uint32_t hash) {
      return placement.LocateHash(hash);
    });
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
  for (HashFunction function : kHashes) {
    RegisterRouting(function, Keys::Kind::kSorted, "sorted", 10);
  }
  for (std::size_t servers : {100, 1000}) RegisterThreads(servers);
  for (const auto& [kind, kind_name] : kKinds) {
    if (kind != Keys::Kind::kMixed) {
      RegisterRouting(HashFunction::kFnv1a_64, kind, kind_name, 100);
    }
  }
}
