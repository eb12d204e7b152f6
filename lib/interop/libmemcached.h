// libmemcached 1.1.4 as far as it places keys: the base of php-memcached and pylibmc.
#ifndef SHARDCACHE_LIB_INTEROP_LIBMEMCACHED_H_
#define SHARDCACHE_LIB_INTEROP_LIBMEMCACHED_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/scheme.h"
#include "shardcache/result.h"
#include "shardcache/server.h"

namespace shardcache::inline v0::internal {

// A memcached_st: options change it in the order in which they are set, and it rebuilds its ring
// only at some of them, so that a ring may stem from settings that hold no more.
//
// Source: libmemcached 1.1.4, src/libmemcached/{behavior,hosts,hash,virtual_bucket}.cc and
// src/libhashkit/function.cc.
class Libmemcached {
 public:
  // memcached_behavior_t, those that place keys.
  enum Behavior : std::uint64_t {
    kHash = 2,
    kKetama = 3,
    kDistribution = 9,
    kSortHosts = 12,
    kVerifyKey = 13,
    kKetamaWeighted = 16,
    kKetamaHash = 17,
    kBinaryProtocol = 18,
    kHashWithPrefixKey = 25,
    kBehaviors = 38,  // one past the last
  };
  // memcached_server_distribution_t
  enum Distribution : std::uint64_t {
    kModula,
    kConsistent,
    kConsistentKetama,
    kRandom,
    kConsistentKetamaSpy,
    kConsistentWeighted,
    kVirtualBucket,
  };
  // memcached_hash_t
  enum Hash : std::uint64_t { kDefault = 0, kMd5, kCrc, kMurmur3 = 10 };

  explicit Libmemcached(CharSign sign) : sign_(sign) {}

  // memcached_behavior_set. False if it is refused; a refused hash may change something still.
  bool SetBehavior(std::uint64_t behavior, std::uint64_t value);
  // memcached_behavior_get; 0 for what does not place keys.
  std::uint64_t GetBehavior(std::uint64_t behavior) const;
  bool SetDistribution(std::uint64_t value);
  bool SetHash(std::uint64_t value);
  // memcached_callback_set(MEMCACHED_CALLBACK_PREFIX_KEY). What SetBehavior returns. The prefix is
  // held to the rules of the protocol that is set at this moment.
  bool SetPrefix(std::string_view prefix);
  // memcached_bucket_set. REQUIRES: !buckets.empty().
  void SetBuckets(std::vector<std::uint32_t> buckets);

  // memcached_server_add_with_weight. A unix socket added so has port 11211.
  void AddServer(const Server& server);
  // memcached_server_add_unix_socket_with_weight for sockets, else the same.
  void AddServerOrSocket(const Server& server);
  // memcached_server_push of a memcached_server_list_append_with_weight list.
  void PushServers(std::span<const Server> servers);

  bool HasHost() const { return !hosts_.empty(); }
  // The servers as they were added, and the placement of keys on them.
  // Errors: kInvalidArgument for random distribution and for buckets of servers not there.
  Result<Placement> Place() const;

 private:
  struct Host {
    ServerIndex index;  // in the order of adding
    std::string name;
    std::uint32_t port;
    std::uint32_t weight;
  };

  bool IsConsistent() const;
  void Append(const Server& server, std::uint32_t unix_port);
  void RunDistribution();
  void BuildRing();
  std::string Describe() const;

  CharSign sign_;
  std::vector<Server> servers_;
  std::vector<Host> hosts_;
  std::uint64_t distribution_ = kModula;
  std::uint64_t hash_ = kDefault;
  bool weighted_ = false;
  bool sort_ = false;
  bool binary_ = false;
  std::string prefix_;
  bool hash_with_prefix_ = false;
  std::vector<Point> ring_;
  std::vector<std::string> ring_names_;  // by index; empty unless weighted
  std::optional<std::vector<std::uint32_t>> buckets_;
};

// The hash that a memcached_hash_t stands for, or nothing where libmemcached (as it is built
// without ENABLE_HASH_HSIEH) refuses it.
std::optional<KeyHash> LibmemcachedHash(std::uint64_t number);

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_INTEROP_LIBMEMCACHED_H_
