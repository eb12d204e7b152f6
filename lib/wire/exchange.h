// Requests to many servers at once, until all are answered or the time is up.
#ifndef SHARDCACHE_LIB_WIRE_EXCHANGE_H_
#define SHARDCACHE_LIB_WIRE_EXCHANGE_H_

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "lib/wire/connection.h"
#include "lib/wire/request.h"

namespace shardcache::inline v0::internal {

// What one connection has to do, and what became of it.
struct Lane {
  Connection* connection = nullptr;
  std::vector<Request*> requests;  // in order
  std::size_t queued = 0;          // how many of them the connection was given
  // Why those that are still pending will get no answer. Set also for answers after which the
  // connection had to be closed; then `is_failure` is false.
  std::optional<WireFailure> failure = {};
  bool is_failure = false;
  TimePoint finished = {};  // when its last answer came, or its failure
};

// Asks all servers before it waits for any, and returns when each lane is answered or has failed,
// at `deadline` at the latest; `now` is the time, or a little before. What a server does has no
// effect on the other lanes. Memory is bounded: a connection is given more only when the last tens
// of kilobytes have left.
void Run(std::span<Lane* const> lanes, TimePoint now, Deadline deadline);

// The same for one lane, at less cost. REQUIRES: it has one request, and its connection is open and
// idle.
void RunOne(Lane* lane, TimePoint now, Deadline deadline);

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_WIRE_EXCHANGE_H_
