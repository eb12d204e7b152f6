// How another client than twemproxy places keys: the inside of a Placement of interop.h.
#ifndef SHARDCACHE_LIB_SCHEME_H_
#define SHARDCACHE_LIB_SCHEME_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shardcache/hash.h"
#include "shardcache/placement.h"
#include "shardcache/server.h"

namespace shardcache::inline v0::internal {

// A function from bytes to 32 bits. Equal names are the same function.
struct KeyHash {
  std::string_view name;
  std::uint32_t (*function)(std::string_view bytes, CharSign sign) = nullptr;
  bool depends_on_sign = false;
  std::uint64_t range = std::uint64_t{1} << 32;  // one past its largest value

  // Whether the two give every key the same hash, on machines of those signs.
  static bool Same(const KeyHash& a, CharSign sign_a, const KeyHash& b, CharSign sign_b) {
    return a.name == b.name && (sign_a == sign_b || !a.depends_on_sign);
  }
};

// twemproxy's `function` as a KeyHash of the same name.
KeyHash KeyHashOf(HashFunction function);

// Which bytes a client sends for a key, and which of those it hashes.
struct KeyRule {
  std::string prefix;  // the client puts it before each key
  bool prefix_hashed = false;
  // What the client does to a key with its prefix before it hashes and sends it; or nothing.
  void (*clean)(std::string& key) = nullptr;
  // The part that is hashed; or all.
  std::string_view (*part)(std::string_view key) = nullptr;
  std::string suffix;  // hashed behind that, but not sent
  // More bytes than this hash to 0.
  std::size_t longest = std::numeric_limits<std::size_t>::max();
};

// A client's placement. Once the key is hashed, exactly one of `ring`, `table` and `compute`
// says where it goes. Immutable; safe to share between threads.
struct Scheme {
  std::string name;  // what it is, for a reader: "libmemcached ketama, weighted"
  KeyRule rule;
  KeyHash hash;
  CharSign sign = CharSign::kSigned;

  // The owner of the first point at or after the hash, wrapping. Sorted as it is looked up in.
  std::vector<Point> ring;
  // For rings made as twemproxy makes its own (MD5 of NAME-0, NAME-1...): the NAME of each server.
  std::vector<std::string> ring_names;
  // table[x % table.size()], where x is the hash...
  std::vector<ServerIndex> table;
  std::uint32_t mask = ~std::uint32_t{0};  // ...cut to these low bits (2^k - 1)...
  bool zero_is_one = false;                // ...and made 1 if it is 0.
  // For schemes that have neither: from the bytes that would be hashed.
  std::function<ServerIndex(std::string_view bytes)> compute;
  // What else decides where a computed scheme puts keys, for the fingerprint.
  std::string computed_from;

  ServerIndex LocateHash(std::uint32_t value) const;
  std::uint32_t HashKey(std::string_view key) const;
  // REQUIRES: servers is the number of servers, at least 1.
  ServerIndex Locate(std::string_view key, std::size_t servers) const;
  std::string SentKey(std::string_view key) const;
  // The server's points or slots; 1 where neither is.
  std::uint32_t PointCount(ServerIndex index) const;

 private:
  std::string HashedBytes(std::string_view key) const;
};

// For the makers and readers of placements inside the library.
struct PlacementAccess {
  // All of `servers`, in the client's order, are live.
  static Placement Make(std::vector<Server> servers, Scheme scheme);
  static const PlacementState& State(const Placement& placement);
  // What Placement::Create(config) makes, with the random source of `before`. Points of servers
  // whose ring names both have are taken from `before` rather than hashed and sorted again.
  static Result<Placement> Reconfigure(const Placement& before, const PoolConfig& config);
};

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_SCHEME_H_
