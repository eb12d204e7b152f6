#include "shardcache/movement.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <map>
#include <random>
#include <utility>

#include "shardcache/compare.h"

namespace shardcache::inline v0 {
namespace {

constexpr int kMadeUpKeys = 100000;

std::vector<std::string> MadeUpKeys() {
  std::mt19937_64 random(2);
  std::vector<std::string> keys;
  for (int i = 0; i < kMadeUpKeys; ++i) {
    char text[20];
    std::snprintf(text, sizeof text, "%016" PRIx64, static_cast<std::uint64_t>(random()));
    keys.emplace_back(text);
  }
  return keys;
}

Result<Placement> Create(const PoolConfig& pool) {
  Result<Placement> placement = Placement::Create(pool);
  if (placement.ok() && pool.distribution == Distribution::kRandom && pool.servers.size() > 1) {
    return Error{ErrorCode::kInvalidArgument,
                 "pool '" + pool.name +
                     "' has distribution random: its keys have no server to "
                     "move from or to"};
  }
  return placement;
}

std::string Fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

// The servers of both pools, and the way between them.
class Mover {
 public:
  Mover(const Placement& before, const Placement& after) : before_(before), after_(after) {
    for (const Server& server : before.servers()) {
      ServerMovement& row = Row(server.address());
      row.name_before = server.name;
      row.weight_before += server.weight;
      total_before_ += server.weight;
    }
    for (const Server& server : after.servers()) {
      ServerMovement& row = Row(server.address());
      row.name_after = server.name;
      row.weight_after += server.weight;
      total_after_ += server.weight;
    }
  }

  // REQUIRES: `shares` are parts of all keys, by server index.
  void AddShares(const std::vector<double>& before, const std::vector<double>& after) {
    for (ServerIndex i = 0; i < before.size(); ++i) {
      Row(before_.server(i).address()).before += before[i];
    }
    for (ServerIndex i = 0; i < after.size(); ++i) {
      Row(after_.server(i).address()).after += after[i];
    }
  }

  void AddFlows(const std::vector<Flow>& flows, double whole) {
    for (const Flow& flow : flows) {
      const double part = static_cast<double>(flow.amount) / whole;
      ServerMovement& from = Row(before_.server(flow.from).address());
      ServerMovement& to = Row(after_.server(flow.to).address());
      from.left += part;
      to.arrived += part;
      result_.moved += part;
      Reason(from, to) += part;
    }
  }

  Movement Finish(bool exact) {
    for (ServerMovement& row : result_.servers) {
      row.fair = Fair(row);
      result_.ideal += std::max(0.0, row.fair - FairBefore(row));
    }
    result_.exact = exact;
    return std::move(result_);
  }

 private:
  ServerMovement& Row(const std::string& address) {
    const auto [at, is_new] = rows_.emplace(address, result_.servers.size());
    if (is_new) {
      result_.servers.emplace_back();
      result_.servers.back().address = address;
    }
    return result_.servers[at->second];
  }
  // Which of the result's sums a key counts in that moves so.
  double& Reason(const ServerMovement& from, const ServerMovement& to) {
    if (from.weight_after == 0) return result_.left_gone;
    if (to.weight_before == 0) return result_.came_new;
    const std::uint64_t to_grew = std::uint64_t{to.weight_after} * from.weight_before;
    const std::uint64_t from_grew = std::uint64_t{from.weight_after} * to.weight_before;
    return to_grew > from_grew ? result_.reweighted : result_.needless;
  }
  // With one divisor for both, equal weights in equal pools are exactly equal.
  double FairBefore(const ServerMovement& row) const { return row.weight_before / total_before_; }
  double Fair(const ServerMovement& row) const { return row.weight_after / total_after_; }

  const Placement& before_;
  const Placement& after_;
  double total_before_ = 0;
  double total_after_ = 0;
  std::map<std::string, std::size_t> rows_;
  Movement result_;
};

Movement OverKeys(const Placement& before, const Placement& after,
                  std::span<const std::string_view> keys) {
  Mover mover(before, after);
  const Comparison comparison = Compare(before, after, keys);
  const auto whole = static_cast<double>(keys.size());
  std::vector<double> shares_before(before.servers().size());
  std::vector<double> shares_after(after.servers().size());
  for (std::string_view key : keys) {
    shares_before[before.Locate(key)] += 1 / whole;
    shares_after[after.Locate(key)] += 1 / whole;
  }
  mover.AddShares(shares_before, shares_after);
  mover.AddFlows(comparison.flows, whole);
  return mover.Finish(false);
}

Movement Between(const Placement& before, const Placement& after,
                 std::span<const std::string_view> keys) {
  if (!keys.empty()) return OverKeys(before, after, keys);
  const std::optional<ExactComparison> exact = Comparer(before, after).Exact();
  // Shares() are of 2^32 hashes, which crc32 does not have.
  if (!exact || exact->hashes != std::uint64_t{1} << 32) {
    const std::vector<std::string> made_up = MadeUpKeys();
    return OverKeys(before, after, std::vector<std::string_view>(made_up.begin(), made_up.end()));
  }
  Mover mover(before, after);
  mover.AddShares(before.Shares(), after.Shares());
  mover.AddFlows(exact->flows, static_cast<double>(exact->hashes));
  return mover.Finish(true);
}

// `after` with the ring names of `before`, for addresses that stay, and, where `hand_on`, those of
// servers that go to servers that come.
PoolConfig WithOldNames(const PoolConfig& before, const PoolConfig& after, bool hand_on) {
  std::map<std::string, const Server*> free;  // by address
  for (const Server& server : before.servers) free.emplace(server.address(), &server);
  PoolConfig pool = after;
  std::vector<Server*> come;
  const auto name = [](Server& server, const Server& old) {
    server.name = old.name;
    // Where the address is the same, a name that was made from it is so again.
    server.named = old.named || server.address() != old.address();
  };
  for (Server& server : pool.servers) {
    const auto found = free.find(server.address());
    if (found == free.end()) {
      come.push_back(&server);
      continue;
    }
    name(server, *found->second);
    free.erase(found);
  }
  for (const Server& old : before.servers) {
    if (!hand_on || !free.contains(old.address())) continue;
    const auto heir = std::find_if(come.begin(), come.end(), [&](const Server* server) {
      return server->weight == old.weight;
    });
    if (heir == come.end()) continue;
    name(**heir, old);
    come.erase(heir);
  }
  return pool;
}

}  // namespace

Result<Movement> MovementBetween(const PoolConfig& before, const PoolConfig& after,
                                 std::span<const std::string_view> keys) {
  const Result<Placement> from = Create(before);
  if (!from.ok()) return from.error();
  const Result<Placement> to = Create(after);
  if (!to.ok()) return to.error();
  return Between(*from, *to, keys);
}

Result<std::optional<Alternative>> LeastMovement(const PoolConfig& before, const PoolConfig& after,
                                                 std::span<const std::string_view> keys) {
  const Result<Placement> from = Create(before);
  if (!from.ok()) return from.error();
  const Result<Placement> to = Create(after);
  if (!to.ok()) return to.error();
  constexpr double kWorthIt = 1e-4;
  double least = Between(*from, *to, keys).moved - kWorthIt;
  std::optional<Alternative> best;
  const bool same_hash = before.hash == after.hash && before.distribution == after.distribution &&
                         before.hash_tag == after.hash_tag;
  for (const int how : {0, 1, 2, 3}) {  // of two, what to keep: hash and so on; the names of both
    Alternative alternative{after, {}, {}};
    if ((how & 1) != 0) {
      if (same_hash) continue;
      alternative.pool.hash = before.hash;
      alternative.pool.distribution = before.distribution;
      alternative.pool.hash_tag = before.hash_tag;
      alternative.changes.emplace_back("keep hash, distribution and hash_tag as they were");
    }
    for (const bool hand_on : {false, true}) {
      Alternative named = alternative;
      if ((how & 2) != 0) {
        named.pool = WithOldNames(before, alternative.pool, hand_on);
        if (named.pool == alternative.pool) continue;
        named.changes.emplace_back(hand_on ? "keep ring names: a server that comes takes the name "
                                             "of one that goes"
                                           : "keep the ring names of servers that stay");
      }
      const Result<Placement> placement = Create(named.pool);
      if (!placement.ok() || named.changes.empty()) continue;
      named.movement = Between(*from, *placement, keys);
      if (named.movement.moved >= least) continue;
      least = named.movement.moved - kWorthIt;
      best = std::move(named);
    }
  }
  return best;
}

std::string MovementSvg(const Movement& movement) {
  constexpr int kRow = 34;
  constexpr int kLeft = 220;
  constexpr int kBars = 500;
  double most = 1e-9;
  for (const ServerMovement& row : movement.servers) {
    most = std::max({most, row.before, row.after, row.fair});
  }
  const auto height = static_cast<int>(movement.servers.size()) * kRow + 50;
  std::string svg;
  const auto rect = [&](int x, int top, double width, const char* fill) {
    svg += "<rect x='" + std::to_string(x) + "' y='" + std::to_string(top) + "' width='" +
           Fixed(width, 1) + "' height='11' fill='" + fill + "'/>\n";
  };
  svg += "<svg xmlns='http://www.w3.org/2000/svg' width='" + std::to_string(kLeft + kBars + 90) +
         "' height='" + std::to_string(height) +
         "' font-family='sans-serif' font-size='12'>\n<rect width='100%' height='100%' "
         "fill='white'/>\n<text x='10' y='20'>share of the keys before (grey) and after (blue); "
         "the line is what the weight entitles to; " +
         Fixed(100 * movement.moved, 2) + " % move</text>\n";
  int y = 34;
  for (const ServerMovement& row : movement.servers) {
    std::string label;
    for (const char c : row.address) {
      label += c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, c);
    }
    svg += "<text x='" + std::to_string(kLeft - 8) + "' y='" + std::to_string(y + 17) +
           "' text-anchor='end'>" + label + "</text>\n";
    rect(kLeft, y, kBars * row.before / most, "#b0b0b0");
    rect(kLeft, y + 12, kBars * row.after / most, "#3070c0");
    const std::string fair = Fixed(kLeft + kBars * row.fair / most, 1);
    svg += "<line x1='" + fair + "' x2='" + fair + "' y1='" + std::to_string(y - 2) + "' y2='" +
           std::to_string(y + 25) + "' stroke='black'/>\n";
    const double end = kBars * std::max({row.before, row.after, row.fair}) / most;
    svg += "<text x='" + Fixed(kLeft + end + 6, 1) + "' y='" + std::to_string(y + 17) + "'>" +
           Fixed(100 * row.after, 2) + " %</text>\n";
    y += kRow;
  }
  return svg + "</svg>\n";
}

}  // namespace shardcache::inline v0
