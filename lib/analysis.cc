#include "shardcache/analysis.h"

#include <algorithm>
#include <utility>

#include "lib/arcs.h"

namespace shardcache::inline v0 {
namespace {

// As many hashes as stand for all of them where arcs cannot be counted. Evenly spread, but in
// no step that has a divisor in common with a table size.
constexpr std::uint32_t kSampleSize = 1 << 16;
constexpr std::uint32_t SampleHash(std::uint32_t i) { return i * 0x9e3779b1; }

// Calls `visit(owner in from, owner in to, how much)` so that the amounts sum to 1.
template <typename Visit>
void ForEachShare(const Placement& from, const Placement& to, Visit visit) {
  if (from.distribution() == Distribution::kKetama) {
    internal::ForEachArc(from.points(), to.points(),
                         [&](ServerIndex a, ServerIndex b, std::uint64_t hashes) {
                           visit(a, b, static_cast<double>(hashes) / 4294967296.0);
                         });
    return;
  }
  for (std::uint32_t i = 0; i < kSampleSize; ++i) {
    const std::uint32_t hash = SampleHash(i);
    visit(from.LocateHash(hash), to.LocateHash(hash), 1.0 / kSampleSize);
  }
}

bool EqualWeights(const Placement& placement) {
  return std::all_of(placement.live().begin(), placement.live().end(), [&](ServerIndex i) {
    return placement.server(i).weight == placement.server(placement.live().front()).weight;
  });
}

// Why the survivors of an ejection have their keys moved.
std::string Why(const Placement& before) {
  if (before.distribution() == Distribution::kModula) {
    return "modula: a server fewer changes the divisor";
  }
  if (!EqualWeights(before)) {
    return "weights: the survivors' parts of the whole change, and with them their points";
  }
  const std::size_t count = before.live().size();
  return "float points: equal servers have " +
         std::to_string(before.PointCount(before.live().front())) + " points each in a pool of " +
         std::to_string(count) + ", but not of " + std::to_string(count - 1);
}

class EffectOfOne {
 public:
  EffectOfOne(const Placement& before, ServerIndex victim) : before_(before), after_(before) {
    effect_.server = victim;
    std::vector<ServerIndex> rest;
    for (ServerIndex index : before.live()) {
      if (index != victim) rest.push_back(index);
    }
    after_ = *before.Restrict(rest);
    for (ServerIndex index : rest) {
      const std::uint32_t had = before.PointCount(index);
      const std::uint32_t has = after_.PointCount(index);
      if (had == has) continue;
      ++effect_.servers_changed;
      (has < had ? effect_.points_lost : effect_.points_gained) +=
          has < had ? had - has : has - had;
    }
  }

  EjectionEffect OverAllHashes() {
    ForEachShare(before_, after_, [this](ServerIndex from, ServerIndex to, double share) {
      Count(from, to, share);
    });
    return Finish();
  }

  EjectionEffect Over(std::span<const std::uint32_t> hashes) {
    for (std::uint32_t hash : hashes) {
      Count(before_.LocateHash(hash), after_.LocateHash(hash), 1);
    }
    return Finish();
  }

 private:
  void Count(ServerIndex from, ServerIndex to, double amount) {
    if (from == effect_.server) {
      effect_.own += amount;
      return;
    }
    effect_.survivors += amount;
    if (from != to) effect_.survivors_moved += amount;
  }

  EjectionEffect Finish() {
    if (effect_.survivors_moved > 0) effect_.why = Why(before_);
    return std::move(effect_);
  }

  const Placement& before_;
  Placement after_;
  EjectionEffect effect_;
};

Result<void> CheckEjectable(const Placement& placement) {
  if (placement.distribution() == Distribution::kRandom) {
    return Error{ErrorCode::kInvalidArgument,
                 "distribution random: a key has no server of its own, so an ejection moves none"};
  }
  if (placement.live().size() < 2) {
    return Error{ErrorCode::kInvalidArgument,
                 "only one server is live: with its ejection every request fails"};
  }
  return {};
}

template <typename Measure>
Result<std::vector<EjectionEffect>> ForEachVictim(const Placement& placement, Measure measure) {
  if (Result<void> ejectable = CheckEjectable(placement); !ejectable.ok()) return ejectable.error();
  std::vector<EjectionEffect> effects;
  for (ServerIndex victim : placement.live()) {
    EffectOfOne effect(placement, victim);
    effects.push_back(measure(effect));
  }
  return effects;
}

}  // namespace

double RoutingChange(const Placement& from, const Placement& to) {
  if (from.distribution() == Distribution::kRandom) return 0;
  double moved = 0;
  ForEachShare(from, to, [&](ServerIndex a, ServerIndex b, double share) {
    if (a != b) moved += share;
  });
  return moved;
}

Result<std::vector<EjectionEffect>> EjectionEffects(const Placement& placement) {
  return ForEachVictim(placement, [](EffectOfOne& effect) { return effect.OverAllHashes(); });
}

Result<std::vector<EjectionEffect>> EjectionEffects(const Placement& placement,
                                                    std::span<const std::uint32_t> hashes) {
  return ForEachVictim(placement, [&](EffectOfOne& effect) { return effect.Over(hashes); });
}

Result<EjectionEffect> EjectionEffectOf(const Placement& placement, ServerIndex server) {
  if (Result<void> ejectable = CheckEjectable(placement); !ejectable.ok()) return ejectable.error();
  if (server >= placement.servers().size() || !placement.is_live(server)) {
    return Error{ErrorCode::kInvalidArgument,
                 "server " + std::to_string(server) + " is not a live server of the pool"};
  }
  return EffectOfOne(placement, server).OverAllHashes();
}

}  // namespace shardcache::inline v0
