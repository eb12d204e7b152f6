// Attached handles, and what tests do with them.
#ifndef SHARDCACHE_TESTS_ATTACH_ATTACHED_H_
#define SHARDCACHE_TESTS_ATTACH_ATTACHED_H_

#include <libmemcached/memcached.h>

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "shardcache/libmemcached.h"
#include "tests/harness/network.h"
#include "tests/harness/nutcracker.h"

namespace shardcache::testing {

struct MemcDeleter {
  void operator()(memcached_st* memc) const { memcached_free(memc); }
};
using Memc = std::unique_ptr<memcached_st, MemcDeleter>;

// A handle without servers whose waits end after `timeout`.
Memc NewMemc(Milliseconds timeout = Milliseconds(2000));

// The pool "attach" of `servers`, and its router.
PoolConfig AttachPool(std::span<const PoolServer> servers,
                      std::span<const std::string> settings = {},
                      const std::string& listen = "127.0.0.1:1");
std::shared_ptr<Router> AttachRouter(const PoolConfig& pool);

// A handle attached to `router`; throws std::runtime_error if that is refused.
Memc NewAttached(const std::shared_ptr<Router>& router, Milliseconds timeout = Milliseconds(2000));

// What a call returned, and what CheckCall() says of it.
struct Outcome {
  memcached_return_t rc;
  memcached_return_t checked;
  std::string value = {};

  friend bool operator==(const Outcome&, const Outcome&) = default;
};
std::ostream& operator<<(std::ostream& out, const Outcome& outcome);

Outcome Get(memcached_st* memc, std::string_view key);
Outcome Set(memcached_st* memc, std::string_view key, std::string_view value);
Outcome Delete(memcached_st* memc, std::string_view key);
Outcome Increment(memcached_st* memc, std::string_view key);
Outcome Touch(memcached_st* memc, std::string_view key);
// All keys by one memcached_mget() and memcached_fetch_result(). `outcome` is of the last fetch.
std::map<std::string, std::string> GetMany(memcached_st* memc, std::span<const std::string> keys,
                                           Outcome* outcome = nullptr);

// Of all servers and kinds.
std::uint64_t FailuresOf(const Router& router);

}  // namespace shardcache::testing

#endif  // SHARDCACHE_TESTS_ATTACH_ATTACHED_H_
