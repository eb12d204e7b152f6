// Why a client and a proxy disagree, and what makes them agree.
#ifndef SHARDCACHE_REMEDY_H_
#define SHARDCACHE_REMEDY_H_

#include <string>
#include <vector>

#include "shardcache/export.h"
#include "shardcache/interop.h"
#include "shardcache/pool_config.h"
#include "shardcache/result.h"

namespace shardcache::inline v0 {

// Settings of a client and of a pool under which both put every key on the same server, or (see
// `agreement`) all but a few.
struct Remedy {
  ClientSetup client;
  PoolConfig pool;
  // What is other than today, in words; empty for a side that stays as it is.
  std::vector<std::string> client_changes;
  std::vector<std::string> pool_changes;
  // Ready to paste, for a side that changes: code that makes the client, in its language (PHP,
  // Python, C), or its settings; and the pool of nutcracker.yml.
  std::string client_snippet;
  std::string pool_snippet;
  double agreement = 1;  // the part of all hashes, exactly
  // The part of the keys that are elsewhere from then on, so missed once in a warm cache: by the
  // client alone, and by the proxy alone. On 20,000 keys.
  double client_moves = 0;
  double pool_moves = 0;
};

struct Advice {
  // Whether the two agree as they are, on every hash; or, where that cannot be counted, on 20,000
  // keys.
  bool agree = false;
  std::vector<std::string> reasons;  // why not, a sentence each
  std::vector<Remedy> remedies;      // the nearest to today's settings first
  std::string verdict;               // what to do where there is no remedy, or an imperfect one
};

// Compares and searches: for each key hash, ring or table that the client can be told to use, the
// proxy's settings that do the same. Takes some hundred rings' building: up to seconds for pools
// of hundreds of servers.
//
// Errors: those of Placement::Create and ModelClient, and kInvalidArgument for a pool with
// distribution random.
[[nodiscard]] SHARDCACHE_EXPORT Result<Advice> Advise(const PoolConfig& pool,
                                                      const ClientSetup& client);

// The pool as nutcracker.yml has it, all settings but those that have no value.
SHARDCACHE_EXPORT std::string ToYaml(const PoolConfig& pool);

// Code that sets the client up: in PHP for PHP's clients, in Python for pylibmc, in C for
// libmemcached; for others a comment that names servers and settings.
SHARDCACHE_EXPORT std::string ToCode(const ClientSetup& setup);

}  // namespace shardcache::inline v0

#endif  // SHARDCACHE_REMEDY_H_
