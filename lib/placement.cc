#include "shardcache/placement.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <utility>

#include "lib/fingerprint.h"
#include "lib/ketama.h"
#include "lib/placement_state.h"

namespace shardcache::inline v0 {
namespace {

using internal::PlacementPool;
using internal::PlacementState;
using internal::PointIndex;
using internal::Way;

Error Invalid(const PoolConfig& pool, std::string message, std::string server = {}) {
  return {ErrorCode::kInvalidConfig, "pool '" + pool.name + "': " + std::move(message),
          std::move(server)};
}

// Checks what twemproxy's own reading of a configuration guarantees, and the sum of weights.
Result<void> CheckServers(const PoolConfig& pool, std::span<const Server> sorted) {
  if (sorted.empty()) return Invalid(pool, "has no servers");
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const Server& server = sorted[i];
    if (server.weight == 0 || server.weight > std::numeric_limits<std::int32_t>::max()) {
      return Invalid(pool,
                     "server \"" + server.name + "\" has weight " + std::to_string(server.weight) +
                         ", which is not between 1 and 2147483647",
                     server.name);
    }
    if (i > 0 && server.name == sorted[i - 1].name) {
      return Invalid(pool, "two servers have the ring name \"" + server.name + '"', server.name);
    }
    total += server.weight;
  }
  if (total > std::numeric_limits<std::uint32_t>::max()) {
    return Invalid(pool, "the weights sum to " + std::to_string(total) +
                             ", and past 4294967295 twemproxy overruns its own tables; "
                             "divide them all by the same number");
  }
  return {};
}

std::uint32_t SystemRandom() {
  thread_local std::mt19937 generator{std::random_device{}()};
  return static_cast<std::uint32_t>(generator());
}

std::string_view TaggedPart(HashTag tag, std::string_view key) {
  const std::size_t open = key.find(tag.open);
  if (open == std::string_view::npos) return key;
  const std::size_t close = key.find(tag.close, open + 1);
  if (close == std::string_view::npos || close == open + 1) return key;
  return key.substr(open + 1, close - open - 1);
}

// Placement::HashKey() where the placement is twemproxy's.
std::uint32_t HashOne(const PlacementPool& pool, std::string_view key) {
  if (key.empty()) return 0;
  return pool.one_key_hash(pool.hash_tag ? TaggedPart(*pool.hash_tag, key) : key);
}

// How many keys are hashed and then located at a time.
constexpr std::size_t kChunk = 256;

// Placement::HashKey() of each key. REQUIRES: keys.size() <= kChunk.
void HashKeys(const PlacementPool& pool, std::span<const std::string_view> keys,
              std::span<std::uint32_t> hashes) {
  if (pool.hash_tag) {
    std::array<std::string_view, kChunk> parts;
    std::transform(keys.begin(), keys.end(), parts.begin(),
                   [&](std::string_view key) { return TaggedPart(*pool.hash_tag, key); });
    Hash(pool.hash, std::span(parts).first(keys.size()), hashes, pool.char_sign);
  } else {
    Hash(pool.hash, keys, hashes, pool.char_sign);
  }
  bool any_empty = false;
  for (std::string_view key : keys) any_empty |= key.empty();
  for (std::size_t i = 0; any_empty && i < keys.size(); ++i) {
    if (keys[i].empty()) hashes[i] = 0;
  }
}

PointIndex MakeTable(const PlacementPool& pool, std::span<const ServerIndex> live,
                     std::uint32_t total_weight) {
  PointIndex table(live.size(), pool.servers.size(), total_weight);
  PointIndex::Writer writer(table);
  for (std::uint32_t end = 0; ServerIndex index : live) {
    end += pool.servers[index].weight;
    writer.Add({end - 1, index});
  }
  writer.Finish();
  return table;
}

Way WayOf(Distribution distribution) {
  switch (distribution) {
    case Distribution::kKetama:
      return Way::kRing;
    case Distribution::kModula:
      return Way::kTable;
    case Distribution::kRandom:
      return Way::kRandom;
  }
  return Way::kOneServer;  // not reached: the enumeration is complete above
}

// The servers of `config` in the order of their ring names.
std::vector<Server> Sorted(const PoolConfig& config) {
  std::vector<const Server*> order(config.servers.size());
  std::transform(config.servers.begin(), config.servers.end(), order.begin(),
                 [](const Server& server) { return &server; });
  std::sort(order.begin(), order.end(),
            [](const Server* a, const Server* b) { return RingNameLess(a->name, b->name); });
  std::vector<Server> servers;
  servers.reserve(order.size());
  for (const Server* server : order) servers.push_back(*server);
  return servers;
}

Result<std::shared_ptr<PlacementPool>> MakePool(const PoolConfig& config,
                                                Placement::RandomSource random) {
  auto pool = std::make_shared<PlacementPool>();
  pool->servers = Sorted(config);
  if (Result<void> valid = CheckServers(config, pool->servers); !valid.ok()) return valid.error();
  pool->distribution = config.distribution;
  pool->hash = config.hash;
  pool->char_sign = config.char_sign;
  pool->hash_tag = config.hash_tag;
  pool->random = random ? std::move(random) : SystemRandom;
  pool->one_key_hash = internal::FastestHash(pool->hash, pool->char_sign);
  pool->way = pool->servers.size() == 1 ? Way::kOneServer : WayOf(pool->distribution);
  return pool;
}

std::vector<ServerIndex> AllOf(const PlacementPool& pool) {
  std::vector<ServerIndex> all(pool.servers.size());
  std::iota(all.begin(), all.end(), 0);
  return all;
}

std::shared_ptr<const PlacementState> MakeState(std::shared_ptr<const PlacementPool> pool,
                                                std::vector<ServerIndex> live) {
  auto state = std::make_shared<PlacementState>();
  state->is_live.resize(pool->servers.size());
  for (ServerIndex index : live) state->is_live[index] = true;
  state->total_weight = internal::TotalWeight(pool->servers, live);
  switch (pool->distribution) {
    case Distribution::kKetama:
      state->ring =
          pool->ketama_points.Ring(pool->servers, internal::KetamaGroupsOf(pool->servers, live));
      break;
    case Distribution::kModula:
      state->table = MakeTable(*pool, live, state->total_weight);
      break;
    case Distribution::kRandom:
      break;
  }
  state->live = std::move(live);
  state->pool = std::move(pool);
  return state;
}

}  // namespace

Placement::Placement(std::shared_ptr<const PlacementState> state) : state_(std::move(state)) {}

Result<Placement> Placement::Create(const PoolConfig& config, RandomSource random) {
  Result<std::shared_ptr<PlacementPool>> pool = MakePool(config, std::move(random));
  if (!pool.ok()) return pool.error();
  return Placement(MakeState(*pool, AllOf(**pool)));
}

Result<Placement> internal::PlacementAccess::Reconfigure(const Placement& before,
                                                         const PoolConfig& config) {
  const PlacementPool& old = *before.state_->pool;
  Result<std::shared_ptr<PlacementPool>> pool = MakePool(config, old.random);
  if (!pool.ok()) return pool.error();
  if (!old.scheme) (*pool)->ketama_points.Inherit(old.ketama_points, old.servers, (*pool)->servers);
  return Placement(MakeState(*pool, AllOf(**pool)));
}

Result<Placement> Placement::Restrict(std::span<const ServerIndex> live) const {
  if (state_->pool->scheme) {
    return Error{ErrorCode::kInvalidArgument,
                 "a placement of another client (" + state_->pool->scheme->name +
                     ") cannot be restricted: what it does when a server fails is not modelled"};
  }
  if (live.empty()) {
    return Error{ErrorCode::kInvalidArgument, "a placement needs at least one live server"};
  }
  std::vector<ServerIndex> sorted(live.begin(), live.end());
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  if (sorted.back() >= servers().size()) {
    return Error{ErrorCode::kInvalidArgument, "there is no server " +
                                                  std::to_string(sorted.back()) + " in a pool of " +
                                                  std::to_string(servers().size())};
  }
  return Placement(MakeState(state_->pool, std::move(sorted)));
}

ServerIndex Placement::LocateHash(std::uint32_t hash) const {
  const PlacementState& state = *state_;
  const PlacementPool& pool = *state.pool;
  switch (pool.way) {
    case Way::kRing:
      return state.ring.Owner(hash);
    case Way::kTable:
      return state.table.Owner(hash % state.total_weight);
    case Way::kRandom:
      return state.live[pool.random() % state.live.size()];
    case Way::kScheme:
      return pool.scheme->compute ? 0 : pool.scheme->LocateHash(hash);
    case Way::kOneServer:
      return 0;
  }
  return 0;  // not reached: the enumeration is complete above
}

std::uint32_t Placement::HashKey(std::string_view key) const {
  const PlacementPool& pool = *state_->pool;
  if (pool.scheme) return pool.scheme->compute ? 0 : pool.scheme->HashKey(key);
  return HashOne(pool, key);
}

ServerIndex Placement::Locate(std::string_view key) const {
  const PlacementState& state = *state_;
  const PlacementPool& pool = *state.pool;
  if (pool.way == Way::kRing) [[likely]]
    return state.ring.Owner(HashOne(pool, key));
  if (pool.way == Way::kScheme) return pool.scheme->Locate(key, pool.servers.size());
  return LocateHash(pool.way == Way::kTable ? HashOne(pool, key) : 0);
}

void Placement::Locate(std::span<const std::string_view> keys,
                       std::span<ServerIndex> owners) const {
  assert(keys.size() == owners.size());
  const PlacementPool& pool = *state_->pool;
  if (pool.way == Way::kOneServer) return std::fill(owners.begin(), owners.end(), 0);
  if (pool.way == Way::kScheme) {
    std::transform(keys.begin(), keys.end(), owners.begin(),
                   [this](std::string_view key) { return Locate(key); });
    return;
  }
  if (pool.way == Way::kRandom) {
    return std::generate(owners.begin(), owners.end(), [this] { return LocateHash(0); });
  }
  std::array<std::uint32_t, kChunk> hashes;
  for (std::size_t at = 0; at < keys.size(); at += kChunk) {
    const std::size_t count = std::min(kChunk, keys.size() - at);
    const std::span chunk = std::span(hashes).first(count);
    HashKeys(pool, keys.subspan(at, count), chunk);
    if (pool.way == Way::kTable) {
      for (std::uint32_t& hash : chunk) hash %= state_->total_weight;
      state_->table.Owners(chunk, owners.subspan(at, count));
    } else {
      state_->ring.Owners(chunk, owners.subspan(at, count));
    }
  }
}

std::string_view Placement::HashedPart(std::string_view key) const {
  return state_->pool->hash_tag ? TaggedPart(*state_->pool->hash_tag, key) : key;
}

std::span<const Server> Placement::servers() const { return state_->pool->servers; }
std::span<const ServerIndex> Placement::live() const { return state_->live; }
bool Placement::is_live(ServerIndex index) const { return state_->is_live[index]; }
Distribution Placement::distribution() const { return state_->pool->distribution; }
HashFunction Placement::hash_function() const { return state_->pool->hash; }
CharSign Placement::char_sign() const { return state_->pool->char_sign; }

std::string_view Placement::scheme() const {
  return state_->pool->scheme ? std::string_view(state_->pool->scheme->name) : "twemproxy";
}

std::string Placement::SentKey(std::string_view key) const {
  return state_->pool->scheme ? state_->pool->scheme->SentKey(key) : std::string(key);
}

std::vector<Point> Placement::points() const {
  if (state_->pool->scheme) return state_->pool->scheme->ring;
  return state_->ring.points();
}

std::uint32_t Placement::PointCount(ServerIndex index) const {
  const PlacementPool& pool = *state_->pool;
  if (!is_live(index)) return 0;
  if (pool.scheme) return pool.scheme->PointCount(index);
  switch (pool.distribution) {
    case Distribution::kKetama:
      return internal::kPointsPerGroup *
             internal::KetamaGroups(pool.servers[index].weight, state_->total_weight,
                                    static_cast<std::uint32_t>(state_->live.size()));
    case Distribution::kModula:
      return pool.servers[index].weight;
    case Distribution::kRandom:
      return 1;
  }
  return 0;  // not reached: the enumeration is complete above
}

std::vector<double> Placement::Shares() const {
  std::vector<double> shares(servers().size());
  if (distribution() == Distribution::kKetama) {
    constexpr double kCircle = 4294967296.0;
    const std::vector<Point> ring = points();
    std::uint64_t before = 0;  // one past the last hash that is given away
    for (const Point& point : ring) {
      const std::uint64_t end = std::uint64_t{point.value} + 1;
      shares[point.owner] += static_cast<double>(end - before) / kCircle;
      before = end;
    }
    shares[ring.front().owner] += (kCircle - static_cast<double>(before)) / kCircle;
    return shares;
  }
  std::uint64_t total = 0;
  for (ServerIndex index : live()) total += PointCount(index);
  for (ServerIndex index : live()) {
    shares[index] = static_cast<double>(PointCount(index)) / static_cast<double>(total);
  }
  return shares;
}

std::uint64_t Placement::fingerprint() const { return internal::Fingerprint(*state_); }

}  // namespace shardcache::inline v0
