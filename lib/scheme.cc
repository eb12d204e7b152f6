#include "lib/scheme.h"

#include <algorithm>
#include <array>
#include <memory>
#include <numeric>
#include <utility>

#include "lib/ketama.h"
#include "lib/placement_state.h"

namespace shardcache::inline v0::internal {
namespace {

template <HashFunction kFunction>
std::uint32_t HashAs(std::string_view bytes, CharSign sign) {
  return Hash(kFunction, bytes, sign);
}

template <std::size_t... kI>
constexpr auto MakeFunctions(std::index_sequence<kI...>) {
  return std::array{&HashAs<kHashFunctions[kI]>...};
}

constexpr auto kFunctions = MakeFunctions(std::make_index_sequence<kHashFunctions.size()>());

}  // namespace

KeyHash KeyHashOf(HashFunction function) {
  KeyHash hash;
  hash.name = HashName(function);
  hash.function = kFunctions[static_cast<std::size_t>(function)];
  hash.depends_on_sign = DependsOnCharSign(function);
  if (function == HashFunction::kCrc32) hash.range = 1 << 15;
  return hash;
}

ServerIndex Scheme::LocateHash(std::uint32_t value) const {
  if (!ring.empty()) return KetamaOwner(ring, value);
  std::uint32_t slot = value & mask;
  if (zero_is_one && slot == 0) slot = 1;
  return table[slot % table.size()];
}

std::uint32_t Scheme::PointCount(ServerIndex index) const {
  if (compute) return 1;
  const auto in_ring = std::count_if(ring.begin(), ring.end(),
                                     [&](const Point& point) { return point.owner == index; });
  return static_cast<std::uint32_t>(in_ring + std::count(table.begin(), table.end(), index));
}

std::string Scheme::SentKey(std::string_view key) const {
  std::string sent = rule.prefix;
  sent += key;
  if (rule.clean != nullptr) rule.clean(sent);
  return sent;
}

std::string Scheme::HashedBytes(std::string_view key) const {
  std::string bytes = rule.prefix_hashed || rule.prefix.empty() ? SentKey(key) : std::string(key);
  if (rule.part != nullptr) bytes = rule.part(bytes);
  return bytes + rule.suffix;
}

std::uint32_t Scheme::HashKey(std::string_view key) const {
  const std::string bytes = HashedBytes(key);
  return bytes.size() > rule.longest ? 0 : hash.function(bytes, sign);
}

ServerIndex Scheme::Locate(std::string_view key, std::size_t servers) const {
  if (servers == 1) return 0;
  return compute ? compute(HashedBytes(key)) : LocateHash(HashKey(key));
}

Placement PlacementAccess::Make(std::vector<Server> servers, Scheme scheme) {
  auto pool = std::make_shared<PlacementPool>();
  pool->servers = std::move(servers);
  // The nearest of twemproxy's; nothing looks at it but who asks the placement for it.
  pool->distribution = scheme.ring.empty() ? Distribution::kModula : Distribution::kKetama;
  pool->char_sign = scheme.sign;
  auto state = std::make_shared<PlacementState>();
  state->live.resize(pool->servers.size());
  std::iota(state->live.begin(), state->live.end(), 0);
  state->is_live.assign(pool->servers.size(), true);
  pool->way = pool->servers.size() == 1 ? Way::kOneServer : Way::kScheme;
  pool->scheme = std::make_shared<const Scheme>(std::move(scheme));
  state->pool = std::move(pool);
  return Placement(std::move(state));
}

const PlacementState& PlacementAccess::State(const Placement& placement) {
  return *placement.state_;
}

}  // namespace shardcache::inline v0::internal
