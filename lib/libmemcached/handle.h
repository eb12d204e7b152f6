// What an attached memcached_st carries: how its keys are routed, and what became of its calls.
#ifndef SHARDCACHE_LIB_LIBMEMCACHED_HANDLE_H_
#define SHARDCACHE_LIB_LIBMEMCACHED_HANDLE_H_

#include <libmemcached/memcached.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shardcache/router.h"

namespace shardcache::inline v0::internal {

// The place in a handle's server list that stands for no server. No socket can be there, so that
// libmemcached's connect() fails at once, and says this text in its error message.
inline constexpr char kNowhere[] = "/dev/null/shardcache: no server of the pool is live";

// Where the servers of a Router's configuration are in a handle's list. Immutable, and shared by
// clones.
struct ServerList {
  std::uint64_t configuration = 0;
  std::vector<std::uint32_t> positions;  // by ServerIndex
  std::uint32_t nowhere = 0;             // the position of kNowhere
};

// The state of one attached memcached_st, which lives as long: libmemcached hands it to Hash() as
// the hash function's context, OnClone() makes a clone's own, OnCleanup() deletes it. Used by the
// thread that uses the memcached_st.
//
// libmemcached has no hook for the end of a call, so what became of one is looked up afterwards:
// by Check(), or when the next call asks for its server. The public interface shows for each
// server whether a connection is open (by its local port) and the last error ever recorded, but
// not when that was; so a server is looked at after each call that was routed to it.
class Handle {
 public:
  Handle(memcached_st* memc, std::shared_ptr<Router> router,
         std::shared_ptr<const ServerList> servers);

  // The state of `memc`, or null if it is not attached.
  static Handle* Of(const memcached_st* memc);

  // Attaches the memcached_st of `handle`, anew if it was.
  static void Install(std::unique_ptr<Handle> handle);

  // See CheckCall() and CheckGet().
  memcached_return_t Check(memcached_return_t rc);
  memcached_return_t CheckGet(std::string_view key, memcached_return_t rc);

 private:
  // What was seen of a server when it was last looked at.
  struct Sight {
    std::uint64_t query = 0;      // the last call that was routed to it
    bool open = false;            // it had a connection
    const char* error = nullptr;  // the text of its last error: tells two apart, mostly
  };
  struct Failure {
    memcached_return_t rc;
    FailureKind kind;
  };
  enum class Outcome { kUnknown, kAnswered, kFailed };

  static std::uint32_t Hash(const char* key, std::size_t size, void* context);
  static memcached_return_t OnClone(memcached_st* clone, const memcached_st* source);
  static memcached_return_t OnCleanup(const memcached_st* memc);

  std::uint32_t Route(std::string_view key);
  std::optional<ServerIndex> Locate(std::string_view key);
  void Settle(std::uint64_t query, bool errors_are_current);
  Outcome LookAt(ServerIndex server, bool calls_unseen, bool errors_are_current);
  Outcome LookAtSocket(const memcached_instance_st* instance, bool changed,
                       bool errors_are_current);
  bool SurelyAnswered(memcached_return_t rc);
  void Report(ServerIndex server, Outcome outcome);
  const memcached_instance_st* Instance(ServerIndex server) const;

  memcached_st* memc_;
  std::shared_ptr<Router> router_;
  std::shared_ptr<const ServerList> servers_;
  memcached_clone_fn next_on_clone_ = nullptr;  // the application's own
  memcached_cleanup_fn next_on_cleanup_ = nullptr;

  // Of the call that was routed last, by libmemcached's number for it. A multi-get is one call.
  std::uint64_t query_;
  std::shared_ptr<const RouterSnapshot> snapshot_;
  std::optional<ServerIndex> server_;  // of its last key
  std::size_t keys_ = 0;               // routed in it
  bool nowhere_ = false;               // some of them nowhere
  std::optional<Failure> failed_;      // what a server failed with in it

  std::vector<Sight> sights_;         // by ServerIndex
  std::vector<ServerIndex> pending_;  // routed to and not looked at since
  std::string key_;                   // with its namespace
};

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_LIBMEMCACHED_HANDLE_H_
