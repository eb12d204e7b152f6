// An application's own libmemcached handles, routed as twemproxy would.
#ifndef SHARDCACHE_LIBMEMCACHED_H_
#define SHARDCACHE_LIBMEMCACHED_H_

#include <libmemcached/memcached.h>

#include <memory>
#include <string_view>

#include "shardcache/export.h"
#include "shardcache/result.h"
#include "shardcache/router.h"

namespace shardcache::inline v0 {

// Makes `memc` route by `router`: each key goes to the server that a twemproxy of that pool sends
// it to, and the Router learns of failures and takes servers out as the proxy does. The calls of
// the application stay as they are:
//
//   std::shared_ptr<shardcache::Router> router = *shardcache::Router::Create(pool);
//   auto attached = shardcache::Attach(memc, router);
//   rc = shardcache::CheckCall(memc, memcached_set(memc, key, ...));   // CheckCall is optional
//
// Servers. If `memc` has none, it gets the pool's. If it has, they must be the pool's, in any
// order and whatever weights. One more is added, which is nowhere: where no server is live, calls
// are sent there and fail at once, in some microseconds and without any network, with
// MEMCACHED_ERRNO and a message that says so (CheckCall() says MEMCACHED_NO_SERVERS). A pool may
// have 1 to 1,000 servers and more; each costs a handle 18 KB of memory, as libmemcached is.
//
// Settings. Attach() sets the distribution and the hash function, and turns libmemcached's own
// taking out of servers off. Refused are UDP, no-reply, buffering, replicas and sorted hosts. All
// else is the application's: above all the time-outs, MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT and
// _POLL_TIMEOUT (in ms), which stand for the pool's `timeout`. A namespace
// (MEMCACHED_CALLBACK_PREFIX_KEY) is part of the key, as the proxy sees it, and may change at any
// time. Set anything that concerns hash, distribution, servers, or the functions that are called
// for clones and cleaning up, before Attach(): setting a hash detaches, see IsAttached().
//
// Threads and copies. A memcached_st is for one thread at a time; each of its memcached_clone()s,
// those of a memcached_pool_st too, is attached by itself and shares the Router, which is
// thread-safe. A handle keeps what it needs of the Router until memcached_free(). After
// Router::Reload() its calls fail as if no server were live, until Attach() is called again.
//
// Failures. libmemcached tells nobody when a call ends. So what became of a call is looked up by
// CheckCall() or, where that is not called, when the same handle is used next. One failure is
// counted for each connection that ends, as by twemproxy, with these differences:
// - a server that closes an idle connection is noticed when it is next used, by a failed call;
// - without CheckCall(), a failure counts from the handle's next call on, and not at all if
//   memcached_quit() or a call without a key comes between; for a server at a unix socket only
//   failures that differ from its last are seen;
// - memcached_server_by_key() and memcached_generate_hash() should not be called after a failed
//   call, before the next.
//
// Errors: kInvalidArgument, which says what to change; `memc` is then as it was. kIo if
// libmemcached cannot add servers, for want of memory.
//
// What stays as libmemcached 1.1.4 has it, each point as seen in this project's tests:
// - A time-out is for each wait, not for the call: a server that sends a byte now and then can
//   hold a call for ever. A hanging server takes memcached_mget() one time-out.
// - A set or delete that timed out may be applied by the server later.
// - memcached_get() does not look at the key of the answer. One answer too many on a connection
//   makes each get return the value of the key before: CheckGet() finds that.
// - A multi-get says nothing of servers that failed (CheckCall() after the last fetch does), and
//   ends at the first error line of any server, without the values that are not fetched yet. If
//   that line is ERROR, out of memory, or too large, not even CheckCall() knows.
// - An answer of another kind than the request can count as success (a VALUE to a delete, touch
//   or incr), or end the process by an assertion (a VALUE or END to a set, as Debian builds it).
// - Memory for a value is taken as the server declares its size.
// - SERVER_ERROR closes the connection. The proxy does not count that as a failure; nor is it
//   counted here.
// - flush, version, stat and others that go to all servers return MEMCACHED_SOME_ERRORS, for one
//   of the servers is nowhere; they do reach all others.
// - Calls ..._by_key route by the group key, which the proxy knows nothing of.
// Safe are: get with CheckGet(); mget with memcached_fetch_result(), the keys of which tell
// whose the values are; all else with CheckCall().
[[nodiscard]] SHARDCACHE_EXPORT Result<void> Attach(memcached_st* memc,
                                                    std::shared_ptr<Router> router);

// False also where a hash was set after Attach(), which may be called again. REQUIRES: memc.
SHARDCACHE_EXPORT bool IsAttached(const memcached_st* memc);

// To be called after a call of libmemcached that returned `rc`, and after the last fetch of a
// multi-get: tells the Router at once what became of it, and returns what really happened. That
// is `rc`, but where it claims that nothing was found or, for want of a live server, an error of
// the system:
// - the error itself, where an error was taken for a miss;
// - MEMCACHED_SOME_ERRORS after a multi-get, where some keys could not be asked for;
// - MEMCACHED_NO_SERVERS where no server is live.
// Returns `rc` if `memc` is not attached. Costs less than a microsecond.
SHARDCACHE_EXPORT memcached_return_t CheckCall(memcached_st* memc, memcached_return_t rc);

// CheckCall() for a memcached_get() of `key`: returns MEMCACHED_PROTOCOL_ERROR if the value it
// returned is another key's. Then the server's failure is counted and all connections of the
// handle are closed.
SHARDCACHE_EXPORT memcached_return_t CheckGet(memcached_st* memc, std::string_view key,
                                              memcached_return_t rc);

}  // namespace shardcache::inline v0

#endif  // SHARDCACHE_LIBMEMCACHED_H_
