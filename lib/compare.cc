#include "shardcache/compare.h"

#include <algorithm>
#include <cmath>

#include "lib/pieces.h"
#include "lib/placement_state.h"

namespace shardcache::inline v0 {
namespace {

using internal::KeyHash;
using internal::KeyRule;
using internal::PlacementAccess;
using internal::PlacementPool;

std::vector<Flow> Sorted(const std::map<std::pair<ServerIndex, ServerIndex>, std::uint64_t>& from) {
  std::vector<Flow> flows;
  for (const auto& [pair, amount] : from) flows.push_back({pair.first, pair.second, amount});
  std::stable_sort(flows.begin(), flows.end(),
                   [](const Flow& a, const Flow& b) { return a.amount > b.amount; });
  return flows;
}

const PlacementPool& PoolOf(const Placement& placement) {
  return *PlacementAccess::State(placement).pool;
}

KeyHash HashOf(const PlacementPool& pool) {
  return pool.scheme ? pool.scheme->hash : internal::KeyHashOf(pool.hash);
}

// Whether a proxy that gets what the client sends hashes what the client hashes.
bool ProxyHashesSame(const PlacementPool& proxy, const KeyRule& rule) {
  return !proxy.hash_tag && rule.part == nullptr && rule.suffix.empty() &&
         (rule.prefix.empty() || rule.prefix_hashed);
}

bool SameBytes(const PlacementPool& a, const PlacementPool& b) {
  if (!a.scheme && !b.scheme) return a.hash_tag == b.hash_tag;
  if (!a.scheme) return ProxyHashesSame(a, b.scheme->rule);
  if (!b.scheme) return ProxyHashesSame(b, a.scheme->rule);
  const KeyRule& rule_a = a.scheme->rule;
  const KeyRule& rule_b = b.scheme->rule;
  const auto hashed_prefix = [](const KeyRule& rule) {
    return rule.prefix_hashed ? rule.prefix : std::string();
  };
  return rule_a.part == rule_b.part && rule_a.clean == rule_b.clean &&
         rule_a.suffix == rule_b.suffix && hashed_prefix(rule_a) == hashed_prefix(rule_b);
}

}  // namespace

Interval WilsonInterval(std::uint64_t successes, std::uint64_t trials) {
  if (trials == 0) return {};
  constexpr double kZ = 1.959963984540054;  // 97.5 % of a normal distribution lie below
  const auto n = static_cast<double>(trials);
  const double p = static_cast<double>(successes) / n;
  const double middle = p + kZ * kZ / (2 * n);
  const double half = kZ * std::sqrt(p * (1 - p) / n + kZ * kZ / (4 * n * n));
  const double scale = 1 + kZ * kZ / n;
  // At the ends the interval is one-sided; rounding must not say otherwise.
  return {successes == 0 ? 0.0 : (middle - half) / scale,
          successes == trials ? 1.0 : (middle + half) / scale};
}

Comparer::Comparer(const Placement& first, const Placement& second, std::size_t most_examples)
    : first_(first), second_(second), most_examples_(most_examples) {
  std::map<std::string, std::size_t> ids;
  for (const Server& server : first.servers()) {
    first_ids_.push_back(ids.emplace(server.address(), ids.size()).first->second);
  }
  for (const Server& server : second.servers()) {
    second_ids_.push_back(ids.emplace(server.address(), ids.size()).first->second);
  }
}

bool Comparer::SameServer(ServerIndex first, ServerIndex second) const {
  return first_ids_[first] == second_ids_[second];
}

std::pair<ServerIndex, ServerIndex> Comparer::Locate(std::string_view key) const {
  const bool first_is_proxy = !PoolOf(first_).scheme;
  const bool second_is_proxy = !PoolOf(second_).scheme;
  if (first_is_proxy == second_is_proxy) return {first_.Locate(key), second_.Locate(key)};
  if (first_is_proxy) return {first_.Locate(second_.SentKey(key)), second_.Locate(key)};
  return {first_.Locate(key), second_.Locate(first_.SentKey(key))};
}

void Comparer::Add(std::span<const std::string_view> keys) {
  keys_ += keys.size();
  for (std::string_view key : keys) {
    const auto [first, second] = Locate(key);
    if (SameServer(first, second)) continue;
    ++disagreements_;
    ++flows_[{first, second}];
    if (examples_.size() < most_examples_) examples_.push_back({std::string(key), first, second});
  }
}

Comparison Comparer::Result() const {
  Comparison result;
  result.keys = keys_;
  result.disagreements = disagreements_;
  if (keys_ > 0) {
    result.fraction = static_cast<double>(disagreements_) / static_cast<double>(keys_);
  }
  result.interval = WilsonInterval(disagreements_, keys_);
  result.flows = Sorted(flows_);
  result.examples = examples_;
  return result;
}

bool Comparer::SameHash() const {
  const PlacementPool& a = PoolOf(first_);
  const PlacementPool& b = PoolOf(second_);
  // A pool of one server hashes nothing, so it is a constant of any hash.
  if (a.servers.size() == 1 || b.servers.size() == 1) return true;
  return SameBytes(a, b) && KeyHash::Same(HashOf(a), a.char_sign, HashOf(b), b.char_sign);
}

std::optional<ExactComparison> Comparer::Exact() const {
  if (!SameHash()) return std::nullopt;
  const PlacementPool& hashing = PoolOf(PoolOf(first_).servers.size() == 1 ? second_ : first_);
  ExactComparison exact;
  exact.hashes = HashOf(hashing).range;
  const auto first = internal::PiecesOf(first_, exact.hashes);
  const auto second = internal::PiecesOf(second_, exact.hashes);
  if (!first || !second) return std::nullopt;
  std::map<std::pair<ServerIndex, ServerIndex>, std::uint64_t> flows;
  const bool counted = internal::ForEachOverlap(
      *first, *second, [&](ServerIndex from, ServerIndex to, std::uint64_t hashes) {
        if (SameServer(from, to)) return;
        exact.disagreements += hashes;
        flows[{from, to}] += hashes;
      });
  if (!counted) return std::nullopt;
  exact.fraction = static_cast<double>(exact.disagreements) / static_cast<double>(exact.hashes);
  exact.flows = Sorted(flows);
  return exact;
}

Comparison Compare(const Placement& first, const Placement& second,
                   std::span<const std::string_view> keys) {
  Comparer comparer(first, second);
  comparer.Add(keys);
  return comparer.Result();
}

}  // namespace shardcache::inline v0
