// How StaleGuard::kFleet empties a server that returns, once for all clients.
#ifndef SHARDCACHE_LIB_CLIENT_INVALIDATION_H_
#define SHARDCACHE_LIB_CLIENT_INVALIDATION_H_

#include <cstdint>
#include <optional>
#include <string>

#include "lib/wire/request.h"

namespace shardcache::inline v0::internal {

// The server's clock and age, as its `stats` tell.
struct ServerTime {
  std::int64_t now = 0;     // "time", seconds since 1970
  std::int64_t uptime = 0;  // seconds
};

// The steps of it as a state machine without I/O: next() says what to ask of the server, and
// Feed...() takes the answer.
//
// Why the server then holds nothing from before the outage. memcached tells the time of its last
// tick, once a second; a process that has just been thawed tells an old one. So it is asked until
// it tells another time than at first: that tick came after the first question. Let the outage
// have begun `out` seconds, rounded down, before that question: so it began before the server's
// time now + 1 - out, `now` being the time of the tick, rounded down. A marker M was written by a
// client that had been told the time M and then sent flush_all, which was therefore carried out at
// M or later. Hence M >= now + 1 - out says that the server was emptied since the outage began.
// Likewise a process that has run for less than uptime + 1 <= out seconds was started since. In any
// other case this client empties the server itself, having read the time before, and then writes
// the marker: a client that dies in between has marked nothing. The lock only spares the server
// from being emptied twice; a client that cannot get it asks again until the marker is there, or
// the lock has expired.
class Invalidation {
 public:
  enum class Step : std::uint8_t {
    kAskTime,     // stats
    kReadMarker,  // get of the marker
    kLock,        // add of the lock
    kFlush,       // flush_all and then set of the marker to marker(), in one go
    kWait,        // for the next tick, or another client: go on in a while, with FeedWaited()
    kDone,
    kFailed,
  };
  enum class End : std::uint8_t { kInvalidated, kAlreadyInvalidated, kRestarted };

  Step next() const { return step_; }
  // REQUIRES: kDone.
  End end() const { return end_; }

  // `out`: how long the server had been ejected when it was asked, rounded down to seconds; what
  // counts is that of the first question.
  void FeedTime(const ServerTime& time, std::int64_t out);
  // Absent: there is no marker, or none that is a number.
  void FeedMarker(std::optional<std::int64_t> marker);
  void FeedLock(bool locked);
  void FeedFlush(bool flushed);
  void FeedWaited();

  std::int64_t marker() const { return now_; }
  // The latest moment, by the server's clock, at which the outage can have begun.
  std::int64_t begun() const { return begun_; }
  // For tests: what is kept of the first question.
  std::string Dump() const {
    return first_now_ ? std::to_string(*first_now_) + ' ' + std::to_string(out_) : "";
  }

  friend bool operator==(const Invalidation&, const Invalidation&) = default;

 private:
  void Finish(End end);

  Step step_ = Step::kAskTime;
  End end_ = End::kInvalidated;
  std::optional<std::int64_t> first_now_;  // as told at first
  std::int64_t out_ = 0;
  std::int64_t now_ = 0;
  std::int64_t begun_ = 0;  // by the server's clock, at the latest
};

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_CLIENT_INVALIDATION_H_
