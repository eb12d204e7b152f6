#include "shardcache/remedy.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <random>
#include <utility>

#include "lib/interop/reasons.h"
#include "lib/interop/variants.h"
#include "lib/placement_state.h"
#include "shardcache/compare.h"

namespace shardcache::inline v0 {
namespace {

using internal::PlacementAccess;
using internal::Scheme;

constexpr int kSampleKeys = 20000;
constexpr double kNearlyAll = 0.9999;
constexpr std::size_t kMostRemedies = 4;

const std::vector<std::string>& SampleKeys() {
  static const std::vector<std::string> keys = [] {
    std::mt19937_64 random(1);
    std::vector<std::string> made;
    for (int i = 0; i < kSampleKeys; ++i) {
      char text[20];
      std::snprintf(text, sizeof text, "%016" PRIx64, static_cast<std::uint64_t>(random()));
      made.emplace_back(text);
    }
    return made;
  }();
  return keys;
}

double Moved(const Placement& from, const Placement& to, std::size_t count = kSampleKeys) {
  const std::vector<std::string>& keys = SampleKeys();
  const std::vector<std::string_view> views(keys.begin(),
                                            keys.begin() + static_cast<std::ptrdiff_t>(count));
  return Compare(from, to, views).fraction;
}

// The part of all hashes on which the two agree, if it is (nearly) all; 0 for others.
double Agreement(const Placement& proxy, const Placement& client) {
  constexpr std::size_t kGlance = 200;  // keys that tell most pairs apart
  if (Moved(proxy, client, kGlance) > 1.0 / kGlance) return 0;
  const std::optional<ExactComparison> exact = Comparer(proxy, client).Exact();
  if (!exact || Moved(proxy, client) > 1 - kNearlyAll) return 0;
  return exact->disagreements == 0 ? 1 : std::min(1 - exact->fraction, 1 - 1e-10);
}

std::string HashText(const Scheme& scheme) { return std::string(scheme.hash.name); }

// What `to` does otherwise than `from`, in words.
std::vector<std::string> ClientChanges(const Placement& from, const Placement& to) {
  const Scheme& before = *PlacementAccess::State(from).pool->scheme;
  const Scheme& after = *PlacementAccess::State(to).pool->scheme;
  std::vector<std::string> changes;
  if (before.name != after.name) changes.push_back(before.name + " becomes " + after.name);
  if (before.hash.name != after.hash.name) {
    changes.push_back("keys are hashed by " + HashText(after) + ", not " + HashText(before));
  }
  if (before.rule.prefix != after.rule.prefix) changes.emplace_back("no prefix before keys");
  if (after.rule.prefix_hashed != before.rule.prefix_hashed && !after.rule.prefix.empty()) {
    changes.emplace_back("the prefix is hashed too");
  }
  std::vector<std::string> addresses_before;
  std::vector<std::string> addresses_after;
  std::vector<std::pair<std::string, std::uint32_t>> weights_before;
  std::vector<std::pair<std::string, std::uint32_t>> weights_after;
  for (const Server& server : from.servers()) {
    addresses_before.push_back(server.address());
    weights_before.emplace_back(server.address(), server.weight);
  }
  for (const Server& server : to.servers()) {
    addresses_after.push_back(server.address());
    weights_after.emplace_back(server.address(), server.weight);
  }
  if (addresses_before != addresses_after) {
    std::sort(addresses_before.begin(), addresses_before.end());
    std::sort(addresses_after.begin(), addresses_after.end());
    changes.emplace_back(addresses_before == addresses_after
                             ? "servers are added in the order in which the proxy sorts them"
                             : "the servers are those of the pool");
  }
  std::sort(weights_before.begin(), weights_before.end());
  std::sort(weights_after.begin(), weights_after.end());
  if (weights_before != weights_after && addresses_before.size() == addresses_after.size()) {
    changes.emplace_back("servers have the weights of the pool");
  }
  return changes;
}

std::vector<std::string> PoolChanges(const PoolConfig& from, const PoolConfig& to) {
  std::vector<std::string> changes;
  if (from.hash != to.hash) {
    changes.push_back("hash: " + std::string(HashName(to.hash)) + ", not " +
                      std::string(HashName(from.hash)));
  }
  if (from.distribution != to.distribution) {
    changes.push_back("distribution: " + std::string(DistributionName(to.distribution)) + ", not " +
                      std::string(DistributionName(from.distribution)));
  }
  if (from.hash_tag != to.hash_tag) changes.emplace_back("no hash_tag");
  bool named = false;
  bool weighted = false;
  for (std::size_t i = 0; i < from.servers.size(); ++i) {
    named |= from.servers[i].name != to.servers[i].name;
    weighted |= from.servers[i].weight != to.servers[i].weight;
  }
  if (named) changes.emplace_back("other names for servers");
  if (weighted) changes.emplace_back("other weights for servers");
  return changes;
}

// crc32 and crc16 have few values or lie unevenly: on a ring they load few servers.
bool IsFoolish(const PoolConfig& pool, const PoolConfig& today) {
  const bool narrow = pool.hash == HashFunction::kCrc32 || pool.hash == HashFunction::kCrc16;
  return narrow && pool.distribution == Distribution::kKetama &&
         !(today.hash == pool.hash && today.distribution == pool.distribution);
}

class Search {
 public:
  Search(const PoolConfig& pool, const Placement& proxy, const ClientSetup& setup,
         const Placement& client)
      : pool_(pool), proxy_(proxy), setup_(setup), client_(client) {}

  std::vector<Remedy> Run() {
    for (const ClientSetup& variant : internal::ClientVariants(setup_, proxy_.servers())) {
      const Result<ClientModel> model = ModelClient(variant);
      if (model.ok()) TryPools(variant, model->placement);
    }
    return Choose();
  }

 private:
  void TryPools(const ClientSetup& variant, const Placement& client) {
    for (const PoolConfig& pool : internal::PoolVariants(pool_, client)) {
      if (IsFoolish(pool, pool_)) continue;
      const Result<Placement> proxy = Placement::Create(pool);
      if (!proxy.ok()) continue;
      Remedy remedy;
      remedy.agreement = Agreement(*proxy, client);
      if (remedy.agreement < kNearlyAll) continue;
      remedy.client = variant;
      remedy.pool = pool;
      remedy.client_changes = ClientChanges(client_, client);
      remedy.pool_changes = PoolChanges(pool_, pool);
      if (remedy.client_changes.empty() && remedy.pool_changes.empty()) continue;
      // What stays must stay as the user wrote it.
      if (remedy.client_changes.empty()) remedy.client = setup_;
      found_.push_back(std::move(remedy));
    }
  }

  // Leaving ketama costs more than any name: each ejection then moves nearly all keys.
  std::size_t Cost(const Remedy& remedy) const {
    const bool leaves_ketama = pool_.distribution == Distribution::kKetama &&
                               remedy.pool.distribution != Distribution::kKetama;
    return remedy.client_changes.size() + remedy.pool_changes.size() + (leaves_ketama ? 3 : 0);
  }

  // Whether `remedy` asks for all that one of `chosen` does.
  static bool IsNoNearer(const Remedy& remedy, const std::vector<Remedy>& chosen) {
    const auto includes = [](const std::vector<std::string>& all,
                             const std::vector<std::string>& some) {
      return std::all_of(some.begin(), some.end(), [&](const std::string& change) {
        return std::find(all.begin(), all.end(), change) != all.end();
      });
    };
    return std::any_of(chosen.begin(), chosen.end(), [&](const Remedy& other) {
      return includes(remedy.client_changes, other.client_changes) &&
             includes(remedy.pool_changes, other.pool_changes);
    });
  }

  // The nearest that change the client alone and the pool alone, no more than two of each; then
  // those that change both, but one is enough where there are others.
  std::vector<Remedy> Choose() {
    std::stable_sort(found_.begin(), found_.end(), [this](const Remedy& a, const Remedy& b) {
      if ((a.agreement == 1) != (b.agreement == 1)) return a.agreement == 1;
      return Cost(a) < Cost(b);
    });
    const bool perfect = !found_.empty() && found_.front().agreement == 1;
    std::vector<Remedy> chosen;
    for (const bool both : {false, true}) {
      std::size_t client_only = 0;
      std::size_t pool_only = 0;
      const std::size_t most = both && !chosen.empty() ? chosen.size() + 1 : kMostRemedies;
      for (Remedy& remedy : found_) {
        const bool changes_both = !remedy.client_changes.empty() && !remedy.pool_changes.empty();
        if (changes_both != both || chosen.size() >= most) continue;
        if (perfect && remedy.agreement < 1) continue;
        if (IsNoNearer(remedy, chosen)) continue;
        if (++(remedy.pool_changes.empty() ? client_only : pool_only) > 2) continue;
        Complete(remedy);
        chosen.push_back(std::move(remedy));
      }
    }
    return chosen;
  }

  void Complete(Remedy& remedy) const {
    if (!remedy.client_changes.empty()) {
      remedy.client_snippet = ToCode(remedy.client);
      remedy.client_moves = Moved(client_, ModelClient(remedy.client)->placement);
    }
    if (!remedy.pool_changes.empty()) {
      remedy.pool_snippet = ToYaml(remedy.pool);
      remedy.pool_moves = Moved(proxy_, *Placement::Create(remedy.pool));
    }
  }

  const PoolConfig& pool_;
  const Placement& proxy_;
  const ClientSetup& setup_;
  const Placement& client_;
  std::vector<Remedy> found_;
};

std::string Verdict(const ClientSetup& setup, const std::vector<Remedy>& remedies) {
  if (remedies.empty()) {
    return "No setting of " + setup.client +
           " or of the proxy makes the two agree. Clients that can: php-memcached, pylibmc and "
           "libmemcached with their weighted ketama ring (OPT_LIBKETAMA_COMPATIBLE, "
           "ketama_weighted, MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED).";
  }
  if (remedies.front().agreement < 1) {
    return "No setting makes every key agree; php-memcached, pylibmc and libmemcached can.";
  }
  return {};
}

}  // namespace

Result<Advice> Advise(const PoolConfig& pool, const ClientSetup& setup) {
  const Result<Placement> proxy = Placement::Create(pool);
  if (!proxy.ok()) return proxy.error();
  if (pool.distribution == Distribution::kRandom && pool.servers.size() > 1) {
    return Error{ErrorCode::kInvalidArgument,
                 "pool '" + pool.name + "' has distribution random: no client can agree with it"};
  }
  const Result<ClientModel> client = ModelClient(setup);
  if (!client.ok()) return client.error();
  Advice advice;
  const std::optional<ExactComparison> exact = Comparer(*proxy, client->placement).Exact();
  const bool sample_agrees = Moved(*proxy, client->placement) == 0;
  advice.agree = sample_agrees && (!exact || exact->disagreements == 0);
  if (advice.agree) return advice;
  advice.reasons = internal::Reasons(*proxy, client->placement);
  advice.remedies = Search(pool, *proxy, setup, client->placement).Run();
  advice.verdict = Verdict(setup, advice.remedies);
  return advice;
}

}  // namespace shardcache::inline v0
