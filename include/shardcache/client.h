// A memcached client that places keys and ejects servers as twemproxy does.
//
//   shardcache::Result<shardcache::PoolConfig> pool = ...;      // see pool_config.h
//   auto clients = shardcache::ClientPool::Create(
//       *pool, {.stale_guard = {.level = shardcache::StaleGuard::kExact}});
//   auto client = (*clients)->Take();                           // for this thread
//   auto user = client->Get("user:42");
//   if (!user.ok()) return Fail(user.error().message);  // no answer: who, and why
//   if (!*user) return Miss();                          // an answer: there is no such key
//   Use((*user)->data);
//
// Link shardcache::client.
#ifndef SHARDCACHE_CLIENT_H_
#define SHARDCACHE_CLIENT_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shardcache/client_metrics.h"
#include "shardcache/export.h"
#include "shardcache/pool_config.h"
#include "shardcache/result.h"
#include "shardcache/router.h"
#include "shardcache/stale_guard.h"

namespace shardcache::inline v0 {

// How long an item lives: seconds from now, rounded up; absent, until it is evicted. Of any
// length: what memcached would take for a date (more than 30 days) is sent as one. Zero and less:
// the item is gone at once.
using Expiration = std::optional<std::chrono::seconds>;

// What a server holds under a key.
struct Value {
  std::string data;         // any bytes
  std::uint32_t flags = 0;  // of whoever stored it: what `data` is to be read as
  // What Operation::cas must be to replace exactly this value; 0 where it was not asked for.
  std::uint64_t cas = 0;

  friend bool operator==(const Value&, const Value&) = default;
};

// A value, and how long it has still to live; absent: until it is evicted.
struct LivingValue {
  Value value;
  Expiration remaining = {};
};

enum class Command : std::uint8_t {
  kGet,
  kGets,         // a get with the value's cas
  kGetAndTouch,  // a get that gives the item a new expiration; older proxies do not know it
  kSet,
  kAdd,      // only if there is no such key
  kReplace,  // only if there is
  kAppend,   // to the value that is there; flags and expiration stay
  kPrepend,
  kCas,  // only if the value is still the one that Gets() returned
  kDelete,
  kIncrement,  // a value of decimal digits; wraps round at 2^64
  kDecrement,  // stops at 0
  kTouch,      // a new expiration
};

// One request of a batch. The views must live until the call returns.
struct Operation {
  Command command = Command::kGet;
  std::string_view key;         // 1 to 250 bytes with the prefix; no blank, no control character
  std::string_view value = {};  // of the storing commands
  std::uint32_t flags = 0;      // of kSet, kAdd, kReplace, kCas
  Expiration expire = {};       // of those, and kGetAndTouch, kTouch
  std::uint64_t cas = 0;        // of kCas
  std::uint64_t delta = 1;      // of kIncrement and kDecrement
};

// How a server answered. None of these is an error.
enum class Outcome : std::uint8_t {
  kHit,        // kGet, kGets, kGetAndTouch: Reply::value is set
  kMiss,       // no such key
  kStored,     // by a storing command
  kNotStored,  // kAdd: the key is there; kReplace, kAppend, kPrepend: it is not
  kExists,     // kCas: the value has changed meanwhile
  kDeleted,
  kTouched,
  kCounted,  // kIncrement, kDecrement: Reply::counter is set
};

// "hit", "miss", "stored", ...
SHARDCACHE_EXPORT std::string_view OutcomeName(Outcome outcome);

struct Reply {
  Outcome outcome = Outcome::kMiss;
  Value value = {};
  std::uint64_t counter = 0;
};

enum class Retry : std::uint8_t {
  // A request that got no answer is an error: twemproxy's way.
  kNone,
  // It is routed and sent again until it is answered or the call's deadline passes, if that
  // cannot apply it twice: where nothing of it was sent, or for commands that say the same when
  // repeated (all but add, cas, append, prepend, increment and decrement). It reaches another
  // server when enough failures have ejected the first.
  kUntilAnswered,
};

// The defaults are the pool's settings and twemproxy's ways.
struct ClientOptions {
  // How long one attempt may take, connecting included; absent: the pool's `timeout`, and if
  // that is absent too, for ever. A few times the slowest answer that is worth having.
  std::optional<std::chrono::milliseconds> timeout = {};
  // How long a whole call may take, with all its attempts; absent: `timeout`.
  std::optional<std::chrono::milliseconds> deadline = {};

  Retry retry = Retry::kNone;

  // Asked by the thread that waits for an answer whenever a signal has ended its wait. If it says
  // true the call ends at once: what has no answer yet is an error (kDisconnected) that is no
  // failure to the Router. For programs whose users press Ctrl-C; others need none.
  std::function<bool()> interrupted = {};

  // Sent before each key. What is stored through the proxy under "PREFIXkey" is found here under
  // "key", as long as the prefix is hashed too; php-memcached without OPT_HASH_WITH_PREFIX_KEY
  // places by the key alone.
  std::string prefix = {};
  bool hash_prefix = true;

  // What to do about the values that a server still has when it returns: see stale_guard.h.
  StaleGuardOptions stale_guard = {};

  // Observer, clock and what goes beyond twemproxy: see router.h. A stale guard turns
  // probe_before_readmission on.
  RouterOptions routing = {};
};

namespace internal {
class ClientCore;
class ClientEngine;
}  // namespace internal

// The connections of one user of a pool, one to each server, made when first needed. For one
// thread at a time; see ClientPool for more. Movable. The destructor closes the connections.
//
// Every call but Create(), Metrics() and CheckIdle() does I/O. It returns within its deadline
// (within 10 % or 10 ms more, and what the machine's scheduler adds), whatever the servers do. A
// call fails with
// - kInvalidArgument: a key that memcached does not take; nothing was sent;
// - kNoLiveServer: all servers are ejected; nothing was sent;
// - kTimeout: no answer in time;
// - kDisconnected: no connection, or it was lost before the answer;
// - kProtocol: the server answered what it never should: the connection is closed, so that no
//   later call can take a part of that answer for its own;
// - kRefusedByServer: the server said ERROR, CLIENT_ERROR or SERVER_ERROR. This alone is no
//   failure to the Router.
// The error's `server` and `key` name the two, `message` both and the cause; `maybe_applied` says
// that a change may have been made, or may yet be made, though no answer says so.
//
// No answer is taken for another's. A value is returned only for the key that its server named with
// it. Where the server numbers its answers (memcached 1.6.18 and later), requests are sent as meta
// commands (mg, ms, md, ma), and only an answer with the request's own number is believed; an
// error's line alone has none. Other servers, and proxies, are asked in the classic commands, and
// their connections are looked at before each request: what came without having been asked closes
// them. (A server without numbers that sends one answer too many at the very moment when the next
// request is on its way, and of the right kind, deceives every client.)
//
// Whether a server numbers its answers it is asked with each new connection, which takes a round
// trip and counts in its statistics as the deletion of no key (delete_misses). A proxy that hangs
// up at that, as twemproxy does, is connected to once more and from then on not asked. Of items
// that others mark as stale (md KEY I), a get may be the one that memcached tells to refresh them,
// as any mg may.
//
// Failures drive the Router as they do in twemproxy, once for each connection. An idle connection
// that a server closes is noticed at the next call that needs it, which is then carried out on a
// new one, or by CheckIdle().
class SHARDCACHE_EXPORT Client {
 public:
  // A client with a Router of its own. No I/O.
  // Errors: those of Placement::Create(); kInvalidArgument for a redis pool, an invalid prefix or
  // a time that is not positive.
  [[nodiscard]] static Result<Client> Create(const PoolConfig& pool, ClientOptions options = {});

  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  // The value; nothing if there is none. Gets() with its cas.
  Result<std::optional<Value>> Get(std::string_view key);
  Result<std::optional<Value>> Gets(std::string_view key);
  Result<std::optional<Value>> GetAndTouch(std::string_view key, Expiration expire);

  // The same for many keys, in their order: all servers are asked before any is waited for. Keys
  // on servers that fail are errors of their own; the others have their values.
  std::vector<Result<std::optional<Value>>> GetMany(std::span<const std::string_view> keys);

  // The same with what is left of each value's life. Needs servers with meta commands (memcached
  // 1.6; others answer ERROR), and no proxy between.
  std::vector<Result<std::optional<LivingValue>>> GetManyWithExpiration(
      std::span<const std::string_view> keys);

  // kStored, or what prevented it.
  Result<Outcome> Set(std::string_view key, std::string_view value, Expiration expire = {},
                      std::uint32_t flags = 0);
  Result<Outcome> Add(std::string_view key, std::string_view value, Expiration expire = {},
                      std::uint32_t flags = 0);
  Result<Outcome> Replace(std::string_view key, std::string_view value, Expiration expire = {},
                          std::uint32_t flags = 0);
  Result<Outcome> Append(std::string_view key, std::string_view value);
  Result<Outcome> Prepend(std::string_view key, std::string_view value);
  // `cas` is of a Gets() of this key.
  Result<Outcome> Cas(std::string_view key, std::string_view value, std::uint64_t cas,
                      Expiration expire = {}, std::uint32_t flags = 0);

  // Whether it was there.
  Result<bool> Delete(std::string_view key);
  Result<bool> Touch(std::string_view key, Expiration expire);

  // The new value; nothing if there is no such key.
  // Errors: also kRefusedByServer if the value is no number.
  Result<std::optional<std::uint64_t>> Increment(std::string_view key, std::uint64_t delta = 1);
  Result<std::optional<std::uint64_t>> Decrement(std::string_view key, std::uint64_t delta = 1);

  // Any requests at once, pipelined, with a result for each, in order. Those of one server are
  // carried out in order. (A server that numbers its answers gives none to small sets but if it
  // refuses them, which takes it half the time. An error's line does not say whose it is, so then
  // the keys are read: what is there is stored, and of what is not, `maybe_applied` says whether
  // something else is.)
  std::vector<Result<Reply>> Execute(std::span<const Operation> operations);

  // Asks each server, ejected or not; by ring name, with an error for those that do not answer.
  std::map<std::string, Result<std::string>> Version();
  std::map<std::string, Result<void>> FlushAll();
  // `sort`: "" for the general statistics, or "items", "slabs", "settings", ...
  std::map<std::string, Result<std::map<std::string, std::string>>> Stats(
      std::string_view sort = {});

  // Looks at each idle connection without waiting, and reports those that were closed by their
  // servers to the Router. twemproxy, which always listens, notices them at once.
  void CheckIdle();

  // Carries on what the stale guard has to do for servers that are about to be readmitted, for at
  // most `limit`. Each call of the client does a step of that without waiting, so this is for
  // programs that have a moment when they need no answer. Returns whether nothing is left to do.
  bool Maintain(std::chrono::milliseconds limit);

  // The live placement of this client, shared with those of its ClientPool. Thread-safe.
  Router& router() const;

  // What this client alone has done. For any thread.
  ClientMetrics Metrics() const;

 private:
  friend class ClientPool;
  explicit Client(std::unique_ptr<internal::ClientEngine> engine);

  std::unique_ptr<internal::ClientEngine> engine_;
};

// Clients for the threads of a process, all of which share one Router and one stale guard.
// Thread-safe; clients that are taken from it must be given back before it ends.
class SHARDCACHE_EXPORT ClientPool {
 public:
  // A client that goes back to its pool at the end of the scope. Movable.
  class SHARDCACHE_EXPORT Lease {
   public:
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) noexcept = delete;
    ~Lease();

    Client* operator->() const { return client_.get(); }
    Client& operator*() const { return *client_; }

   private:
    friend class ClientPool;
    Lease(ClientPool* pool, std::unique_ptr<Client> client)
        : pool_(pool), client_(std::move(client)) {}

    ClientPool* pool_;
    std::unique_ptr<Client> client_;
  };

  // Errors: those of Client::Create().
  [[nodiscard]] static Result<std::unique_ptr<ClientPool>> Create(const PoolConfig& pool,
                                                                  ClientOptions options = {});
  ~ClientPool();

  // A client that nobody uses: the one given back last, or a new one. Never waits, so there are as
  // many as are in use at one time at most.
  Lease Take();

  Router& router() const;

  // What all clients of the pool have done. Waits for none of them.
  ClientMetrics Metrics() const;

 private:
  explicit ClientPool(std::shared_ptr<internal::ClientCore> core);
  void GiveBack(std::unique_ptr<Client> client);

  struct Idle;
  std::shared_ptr<internal::ClientCore> core_;
  std::unique_ptr<Idle> idle_;
};

}  // namespace shardcache::inline v0

#endif  // SHARDCACHE_CLIENT_H_
