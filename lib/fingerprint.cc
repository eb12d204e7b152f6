#include "lib/fingerprint.h"

#include <xxhash.h>

#include <array>
#include <string_view>

namespace shardcache::inline v0::internal {
namespace {

// Hashes numbers as little-endian bytes and texts with their length, so that the result is the
// same on every machine and no two inputs run into each other.
class Writer {
 public:
  Writer() : state_(XXH3_createState()) {
    if (state_ == nullptr) throw std::bad_alloc();
    XXH3_64bits_reset(state_);
  }
  ~Writer() { XXH3_freeState(state_); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void Number(std::uint32_t value) {
    const std::array<unsigned char, 4> bytes = {
        static_cast<unsigned char>(value), static_cast<unsigned char>(value >> 8),
        static_cast<unsigned char>(value >> 16), static_cast<unsigned char>(value >> 24)};
    XXH3_64bits_update(state_, bytes.data(), bytes.size());
  }
  void Text(std::string_view text) {
    Number(static_cast<std::uint32_t>(text.size()));
    XXH3_64bits_update(state_, text.data(), text.size());
  }
  std::uint64_t Digest() const { return XXH3_64bits_digest(state_); }

 private:
  XXH3_state_t* state_;
};

void WriteScheme(const Scheme& scheme, Writer& writer) {
  writer.Text(scheme.name);
  writer.Text(scheme.rule.prefix);
  writer.Number(scheme.rule.prefix_hashed ? 1 : 0);
  if (!scheme.rule.suffix.empty()) writer.Text(scheme.rule.suffix);
  writer.Text(scheme.hash.name);
  writer.Number(scheme.mask);
  writer.Text(scheme.computed_from);
  writer.Number(static_cast<std::uint32_t>(scheme.ring.size()));
  for (const Point& point : scheme.ring) {
    writer.Number(point.value);
    writer.Number(point.owner);
  }
  writer.Number(static_cast<std::uint32_t>(scheme.table.size()));
  for (ServerIndex owner : scheme.table) writer.Number(owner);
}

}  // namespace

std::uint64_t Fingerprint(const PlacementState& state) {
  const PlacementPool& pool = *state.pool;
  Writer writer;
  writer.Text(DistributionName(pool.distribution));
  writer.Text(HashName(pool.hash));
  writer.Number(pool.char_sign == CharSign::kSigned ? 1 : 0);
  writer.Number(pool.hash_tag ? 1 : 0);
  if (pool.hash_tag) {
    writer.Number(static_cast<unsigned char>(pool.hash_tag->open));
    writer.Number(static_cast<unsigned char>(pool.hash_tag->close));
  }
  writer.Number(static_cast<std::uint32_t>(pool.servers.size()));
  for (const Server& server : pool.servers) {
    writer.Text(server.name);
    writer.Text(server.address());
    writer.Number(server.weight);
  }
  if (pool.scheme) WriteScheme(*pool.scheme, writer);
  writer.Number(static_cast<std::uint32_t>(state.live.size()));
  for (ServerIndex index : state.live) writer.Number(index);
  writer.Number(static_cast<std::uint32_t>(state.ring.size()));
  for (const Point& point : state.ring.points()) {
    writer.Number(point.value);
    writer.Number(point.owner);
  }
  return writer.Digest();
}

}  // namespace shardcache::inline v0::internal
