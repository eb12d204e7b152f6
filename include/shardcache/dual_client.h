// Two layouts at once, while values move from the old to the new.
#ifndef SHARDCACHE_DUAL_CLIENT_H_
#define SHARDCACHE_DUAL_CLIENT_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "shardcache/client.h"
#include "shardcache/export.h"
#include "shardcache/result.h"

namespace shardcache::inline v0 {

struct DualOptions {
  ClientOptions old_client = {};
  ClientOptions new_client = {};
  // From this moment on the old layout is not asked any more; absent: never. By then all that is
  // still worth having should have been read once, or have expired.
  std::optional<std::chrono::system_clock::time_point> until = {};
  // How long a value lives that comes from a server without meta commands (before memcached 1.6),
  // which does not tell how long it had to live.
  Expiration unknown_expiration = std::chrono::hours(1);
};

// What came of the reads so far.
struct DualCounters {
  std::uint64_t hits_in_new = 0;
  std::uint64_t hits_in_old = 0;  // each of which was added to the new
  std::uint64_t misses = 0;       // in both
};

// A client of the new layout that finds there what the old one still holds: a miss in the new is
// looked for in the old, and what is found is added to the new, with its flags and for the rest of
// its life. For one thread at a time, like Client, whose errors it has; the counters too.
//
// The value of a key is that of the new layout if there is one, else that of the old. So each call
// gives what one cache of that content would, and never brings an older value back:
// - a value from the old layout is only ever *added* to the new, which fails if a newer is there;
// - Set() and Delete() first delete from the old layout, and fail, with nothing stored, if that
//   fails; else the old value would be read again when the new one is evicted;
// - all other commands first bring the value over where the new layout has none.
// What remains: a Get() that is just bringing a value over while another client deletes it may put
// it back. And the old layout must not be written to by others meanwhile, except where they want
// that value seen.
class SHARDCACHE_EXPORT DualClient {
 public:
  // Errors: those of Client::Create().
  [[nodiscard]] static Result<DualClient> Create(const PoolConfig& old_pool,
                                                 const PoolConfig& new_pool,
                                                 DualOptions options = {});

  Result<std::optional<Value>> Get(std::string_view key);
  // The same for many keys, with at most two round trips to each layout more than Client's.
  std::vector<Result<std::optional<Value>>> GetMany(std::span<const std::string_view> keys);
  Result<Outcome> Set(std::string_view key, std::string_view value, Expiration expire = {},
                      std::uint32_t flags = 0);
  // Whether either layout had it.
  Result<bool> Delete(std::string_view key);
  // Any command; the two above are two of them.
  Result<Reply> Execute(const Operation& operation);

  const DualCounters& counters() const { return counters_; }
  Client& old_client() { return old_; }
  Client& new_client() { return new_; }

 private:
  DualClient(Client old_client, Client new_client, DualOptions options)
      : old_(std::move(old_client)), new_(std::move(new_client)), options_(std::move(options)) {}

  bool OldIsOver() const;
  std::vector<Result<std::optional<LivingValue>>> ReadOld(std::span<const std::string_view> keys);
  Result<bool> BringOver(std::string_view key);
  Result<Reply> ExecuteInNew(const Operation& operation);

  Client old_;
  Client new_;
  DualOptions options_;
  bool old_tells_expiration_ = true;
  DualCounters counters_;
};

}  // namespace shardcache::inline v0

#endif  // SHARDCACHE_DUAL_CLIENT_H_
