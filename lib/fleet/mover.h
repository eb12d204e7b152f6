// Moves a handful of keys from their old servers to their new ones.
#ifndef SHARDCACHE_LIB_FLEET_MOVER_H_
#define SHARDCACHE_LIB_FLEET_MOVER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/fleet/facts.h"
#include "lib/fleet/links.h"
#include "lib/fleet/spool.h"
#include "shardcache/fleet.h"

namespace shardcache::inline v0::internal {

// A key that is to be moved, and how that went.
struct MovingKey {
  enum class Stage : std::uint8_t {
    kRead,    // its value has to be read
    kAdd,     // and added to the new place
    kSettle,  // it is there; has the old place changed meanwhile?
    kCopied,
    kThere,  // the new place has something newer
    kGone,   // the old place has nothing
    kFailed,
  };

  SpooledKey listed;
  std::size_t chunk = 0;  // of the Spool, and its place there
  std::size_t index = 0;
  std::size_t source = 0;  // of Links
  std::size_t target = 0;
  // Fingerprints of copies that a process made, or meant to make, that was interrupted.
  std::vector<std::uint64_t> copies = {};

  Stage stage = Stage::kRead;
  bool renewed = false;
  bool removed = false;
  std::string failure = {};

  Answer value = {};  // the copy: data, flags, and the cas of the old place
  // The rest is the mover's.
  TimePoint read_at = {};
  Answer answer = {};
  Answer other = {};
  bool ours = false;           // the new place has, or may have, our copy
  bool doubtful = false;       // a copy of a process that was interrupted
  bool maybe_removed = false;  // a removal was sent that nobody answered

  bool is_over() const { return stage >= Stage::kCopied; }
};

// How Warm() carries one key over: read, add, and look at the old place again until it is as it
// was when it was read. Not thread-safe.
class Mover {
 public:
  struct Plan {
    bool remove = false;
    std::optional<Expiration> unknown_expiration = {};
    // Called before copies are made of that part of the keys; if it returns false they fail.
    std::function<bool(std::span<MovingKey* const> keys, Answer MovingKey::*copy)> note = {};
  };

  // `links` are of old and new servers; `facts` of each.
  Mover(Links& links, std::span<const ServerFacts> facts, const Plan& plan)
      : links_(links), facts_(facts), plan_(plan) {}

  // Brings each to an end, asking again where a connection was lost. All keys at once.
  void Move(std::span<MovingKey> keys);

 private:
  using Keys = std::vector<MovingKey*>;
  struct Asked {
    std::size_t server;
    Request request;
    Answer* answer;
  };

  // Asks for each of `keys` what `make` says, into MovingKey::answer or `other`.
  template <typename Make>
  void Ask(const Keys& keys, Make make);
  // Whether it may go on to make copies of `keys`, which are noted; else ends them.
  bool Noted(const Keys& keys, Answer MovingKey::*copy);
  // Ends the key, or leaves it to be tried again; returns whether its answer can be used.
  bool Usable(MovingKey* key, const Answer& answer, std::size_t server, const char* what);

  std::string WhyPending(std::size_t server) const;

  static Keys At(std::span<MovingKey> keys, MovingKey::Stage stage);
  void Read(const Keys& keys);
  void TakeValue(MovingKey* key, TimePoint asked, TimePoint now);
  bool FitsListing(const MovingKey& key, TimePoint asked, TimePoint now) const;
  void Add(const Keys& keys, bool again);
  void Settle(Keys keys);
  // Each puts the keys whose old place has changed into `changed`, and ends the others.
  void Look(const Keys& keys, Keys* changed);
  void RemoveVerified(const Keys& keys, Keys* changed);
  void Remove(const Keys& keys, Keys* changed);
  // Replaces copies by what the old place has now. Returns those to be looked at again.
  Keys Renew(const Keys& changed);
  void TakeBack(const Keys& keys);
  void Replace(const Keys& keys, TimePoint read_at, Keys* again);
  Request Removal(std::size_t server, std::uint64_t cas) const;
  std::int64_t WireExpire(const MovingKey& key, const Answer& value, TimePoint read_at) const;

  Links& links_;
  std::span<const ServerFacts> facts_;
  Plan plan_;
  std::vector<Request> requests_;
};

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_FLEET_MOVER_H_
