#include "lib/pieces.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "lib/placement_state.h"

namespace shardcache::inline v0::internal {
namespace {

constexpr std::uint64_t kMostSlots = 1 << 20;
constexpr std::uint64_t kMostSteps = std::uint64_t{1} << 27;

void AddPiece(Pieces& to, Piece piece, std::uint64_t range) {
  piece.end = std::min(piece.end, range);
  const std::uint64_t begin = to.pieces.empty() ? 0 : to.pieces.back().end;
  if (piece.end > begin) to.pieces.push_back(piece);
}

void AddRing(std::span<const Point> ring, std::uint64_t range, Pieces& to) {
  for (const Point& point : ring) {
    AddPiece(to, {.end = std::uint64_t{point.value} + 1, .owner = point.owner}, range);
  }
  AddPiece(to, {.end = range, .owner = ring.front().owner}, range);
}

void AddTable(const Scheme& scheme, std::uint64_t range, Pieces& to) {
  const std::uint64_t turn = std::uint64_t{scheme.mask} + 1;  // after which slots start anew
  for (std::uint64_t begin = 0; begin < range; begin += turn) {
    if (scheme.zero_is_one) {
      AddPiece(to, {.end = begin + 1, .owner = scheme.table[1 % scheme.table.size()]}, range);
    }
    const std::uint64_t size = scheme.table.size();
    AddPiece(to,
             {.end = begin + turn, .slots = scheme.table, .shift = (size - begin % size) % size},
             range);
  }
}

// The slots of twemproxy's modula, spelled out. False if they are too many.
bool AddModula(const PlacementState& state, std::uint64_t range, Pieces& to) {
  if (state.total_weight > kMostSlots) return false;
  std::vector<ServerIndex> table;
  for (const Point& last_slot : state.table.points()) {
    table.resize(last_slot.value + 1, last_slot.owner);
  }
  to.table = std::make_unique<const std::vector<ServerIndex>>(std::move(table));
  AddPiece(to, {.end = range, .slots = *to.table}, range);
  return true;
}

// Walks over the hashes of one overlap, begin to end.
class Overlap {
 public:
  Overlap(const Piece& a, const Piece& b, std::uint64_t begin, std::uint64_t end)
      : a_(a), b_(b), begin_(begin), end_(end) {}

  // After how many hashes both repeat; 1 where both are constant.
  std::uint64_t Period() const {
    return std::lcm(std::max<std::uint64_t>(a_.slots.size(), 1),
                    std::max<std::uint64_t>(b_.slots.size(), 1));
  }
  std::uint64_t Steps() const { return std::min(Period(), end_ - begin_); }

  template <typename Visit>
  void Walk(const Visit& visit) const {
    const std::uint64_t size = end_ - begin_;
    const std::uint64_t period = Period();
    for (std::uint64_t i = 0; i < Steps(); ++i) {
      const std::uint64_t times = size / period + (i < size % period ? 1 : 0);
      visit(Owner(a_, begin_ + i), Owner(b_, begin_ + i), times);
    }
  }

 private:
  static ServerIndex Owner(const Piece& piece, std::uint64_t hash) {
    return piece.slots.empty() ? piece.owner
                               : piece.slots[(hash + piece.shift) % piece.slots.size()];
  }

  const Piece& a_;
  const Piece& b_;
  std::uint64_t begin_;
  std::uint64_t end_;
};

}  // namespace

std::optional<Pieces> PiecesOf(const Placement& placement, std::uint64_t range) {
  const PlacementState& state = PlacementAccess::State(placement);
  Pieces pieces;
  if (state.pool->servers.size() == 1) {
    AddPiece(pieces, {.end = range, .owner = 0}, range);
    return pieces;
  }
  if (const Scheme* scheme = state.pool->scheme.get()) {
    if (scheme->compute || scheme->table.size() > kMostSlots) return std::nullopt;
    if (scheme->ring.empty()) {
      AddTable(*scheme, range, pieces);
    } else {
      AddRing(scheme->ring, range, pieces);
    }
    return pieces;
  }
  switch (state.pool->distribution) {
    case Distribution::kKetama:
      AddRing(placement.points(), range, pieces);
      return pieces;
    case Distribution::kModula:
      if (!AddModula(state, range, pieces)) return std::nullopt;
      return pieces;
    case Distribution::kRandom:
      return std::nullopt;
  }
  return std::nullopt;  // not reached: the enumeration is complete above
}

bool ForEachOverlap(const Pieces& a, const Pieces& b,
                    const std::function<void(ServerIndex, ServerIndex, std::uint64_t)>& visit) {
  std::uint64_t begin = 0;
  std::uint64_t steps = 0;
  for (std::size_t i = 0, j = 0; i < a.pieces.size() && j < b.pieces.size();) {
    const Piece& in_a = a.pieces[i];
    const Piece& in_b = b.pieces[j];
    const std::uint64_t end = std::min(in_a.end, in_b.end);
    const Overlap overlap(in_a, in_b, begin, end);
    if ((steps += overlap.Steps()) > kMostSteps) return false;
    overlap.Walk(visit);
    begin = end;
    if (in_a.end == end) ++i;
    if (in_b.end == end) ++j;
  }
  return true;
}

}  // namespace shardcache::inline v0::internal
