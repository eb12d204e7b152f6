#include "lib/wire/exchange.h"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "lib/wire/interrupt.h"

namespace shardcache::inline v0::internal {
namespace {

constexpr std::size_t kQueuedBytes = 64 * 1024;

void Fail(Lane* lane, WireFailure failure) {
  lane->failure = std::move(failure);
  lane->is_failure = !InterruptScope::fired();  // else not the server's
  lane->finished = Clock::now();
}

bool IsOver(const Lane& lane) {
  return lane.failure || (lane.queued == lane.requests.size() && lane.connection->idle());
}

// Opens the connection if need be, and gives it as much as it should hold, and the kernel as
// much as that will take.
void Push(Lane* lane, Deadline deadline) {
  Connection& connection = *lane->connection;
  if (auto failure = connection.Open(deadline)) return Fail(lane, *std::move(failure));
  if (!connection.is_open()) {
    if (auto failure = connection.Send()) return Fail(lane, *std::move(failure));
    if (!connection.is_open()) return;
  }
  while (true) {
    while (lane->queued < lane->requests.size() && connection.unsent() < kQueuedBytes) {
      connection.Queue(lane->requests[lane->queued++]);
    }
    if (auto failure = connection.Send()) return Fail(lane, *std::move(failure));
    const bool more = lane->queued < lane->requests.size();
    if (!more || connection.unsent() > 0) return;
  }
}

void Pull(Lane* lane, TimePoint now, Deadline deadline) {
  if (auto failure = lane->connection->Receive(now, deadline)) {
    return Fail(lane, *std::move(failure));
  }
  if (IsOver(*lane)) lane->finished = Clock::now();
  if (lane->connection->fd() >= 0) return;
  const bool behind = std::any_of(lane->requests.begin(), lane->requests.end(), [](Request* r) {
    return std::any_of(r->answers.begin(), r->answers.end(),
                       [](const Answer& a) { return a.status == Status::kPending; });
  });
  if (!behind) return;
  lane->failure = WireFailure{FailureKind::kOther,
                              "the connection had to be closed after the answer to a request "
                              "before this one"};
}

bool AllSent(std::span<Lane* const> lanes) {
  return std::all_of(lanes.begin(), lanes.end(), [](Lane* lane) {
    return lane->failure || (lane->queued == lane->requests.size() && lane->connection->all_sent());
  });
}

// Waits until some connection can go on; those of lanes that are over take no part.
void WaitForAny(std::span<Lane* const> lanes, Deadline deadline, std::vector<pollfd>* polled) {
  polled->clear();
  for (const Lane* lane : lanes) {
    const bool over = IsOver(*lane);
    polled->push_back({.fd = over ? -1 : lane->connection->fd(),
                       .events = over ? short{0} : lane->connection->events(),
                       .revents = 0});
  }
  if (::poll(polled->data(), polled->size(), PollTimeout(deadline, Clock::now())) < 0) {
    InterruptScope::Ask();
    for (pollfd& one : *polled) one.revents = 0;
  }
}

// With everything sent the answers gather at our end by themselves, so they can be taken one
// connection after the other.
void PullInTurn(std::span<Lane* const> lanes, TimePoint now, Deadline deadline) {
  for (Lane* lane : lanes) {
    while (!IsOver(*lane)) {
      Pull(lane, now, deadline);
      now = IsOver(*lane) ? lane->finished : Clock::now();
    }
  }
}

}  // namespace

void Run(std::span<Lane* const> lanes, TimePoint now, Deadline deadline) {
  for (Lane* lane : lanes) {
    const bool opens = !lane->connection->is_open();
    Push(lane, deadline);
    if (opens) now = Clock::now();
  }
  std::vector<pollfd> polled;
  while (!AllSent(lanes)) {
    WaitForAny(lanes, deadline, &polled);
    const bool interrupted = InterruptScope::fired();
    now = Clock::now();
    for (std::size_t i = 0; i < lanes.size(); ++i) {
      Lane* const lane = lanes[i];
      if (IsOver(*lane)) continue;
      if ((polled[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && lane->connection->is_open()) {
        Pull(lane, TimePoint::min(), TimePoint::min());
      }
      if (!IsOver(*lane)) Push(lane, deadline);
    }
    if (now < deadline && !interrupted) continue;
    for (Lane* lane : lanes) {
      if (IsOver(*lane)) continue;
      const bool connected = lane->connection->is_connected();
      lane->connection->Close();
      if (interrupted) {
        Fail(lane, {FailureKind::kOther, "the program interrupted the call"});
        continue;
      }
      Fail(lane,
           {FailureKind::kTimeout, connected ? "no answer in time" : "no connection in time"});
    }
  }
  PullInTurn(lanes, now, deadline);
}

void RunOne(Lane* lane, TimePoint now, Deadline deadline) {
  Connection& connection = *lane->connection;
  connection.Queue(lane->requests[lane->queued++]);
  auto failure = connection.Send();
  if (!failure && !connection.all_sent()) return Run({&lane, 1}, now, deadline);
  while (!failure && !connection.idle()) {
    failure = connection.Receive(now, deadline);
    now = Clock::now();
  }
  if (failure) return Fail(lane, *std::move(failure));
  lane->finished = now;
}

}  // namespace shardcache::inline v0::internal
