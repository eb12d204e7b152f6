// The load of `shardcache bench` over connections of its own: one thread, one event loop.
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "bindings/cli/bench_request.h"
#include "bindings/cli/bench_run.h"
#include "bindings/cli/command.h"
#include "lib/wire/connection.h"

namespace shardcache::cli {
namespace {

using internal::Connection;
using internal::WireFailure;

// One connection after another, with a request under way on it or about to be.
struct Slot {
  explicit Slot(const Workload& workload) : request(workload) {}

  enum class State : std::uint8_t { kReady, kWaits, kConnects, kAsks, kDone };

  State state = State::kReady;
  std::optional<Connection> connection;
  int watched = -1;  // the descriptor that epoll has
  std::uint32_t events = 0;
  std::uint64_t calls_left = 0;

  Workload::Choice choice;
  TimePoint due;    // of what waits
  TimePoint begun;  // what the response time counts from
  TimePoint opened;
  TimePoint deadline;
  BenchRequest request;
};

class Loop {
 public:
  Loop(const std::vector<Server>& servers, Course& course, unsigned connections)
      : servers_(servers), course_(course), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0) throw Failure(kTrouble, std::string("epoll: ") + std::strerror(errno));
    for (unsigned i = 0; i < connections; ++i) {
      slots_.push_back(std::make_unique<Slot>(course.workload()));
      ready_.push_back(slots_.back().get());
    }
    active_ = slots_.size();
    // Often enough that a timeout is noticed within a twentieth of it.
    look_every_ = std::clamp<std::chrono::nanoseconds>(
        course.phase().timeout / 20, std::chrono::milliseconds(1), std::chrono::milliseconds(50));
  }
  ~Loop() { close(epoll_); }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  Tally Run() {
    TimePoint next_look = Clock::now() + look_every_;
    while (true) {
      const TimePoint now = Clock::now();
      while (!waiting_.empty() && waiting_.front()->due <= now) {
        Begin(waiting_.front());
        waiting_.pop_front();
      }
      // Those that fail at once are ready again, and come after what the others have got.
      batch_.clear();
      std::swap(batch_, ready_);
      for (Slot* const slot : batch_) TakeTurn(slot);
      if (active_ == 0) return std::move(tally_);
      TimePoint until = ready_.empty() ? next_look : TimePoint::min();
      if (!waiting_.empty()) until = std::min(until, waiting_.front()->due);
      WaitUntil(until);
      if (Clock::now() < next_look) continue;
      EndLate();
      next_look = Clock::now() + look_every_;
    }
  }

 private:
  // Gives an idle slot its next request, which is begun, or waits for its time.
  void TakeTurn(Slot* slot) {
    if (slot->calls_left == 0) {
      const std::optional<std::uint64_t> number = course_.Connect();
      if (!number) return End(slot);
      slot->connection.emplace(servers_[*number % servers_.size()]);
      slot->watched = -1;
      slot->calls_left = course_.phase().calls;
    }
    const TimePoint now = Clock::now();
    const std::optional<Course::Turn> turn = course_.Take(now);
    if (!turn) return End(slot);
    --slot->calls_left;
    slot->choice = turn->choice;
    slot->due = turn->due;
    if (slot->due <= now) return Begin(slot);
    slot->state = Slot::State::kWaits;
    // Turns are taken in the order of their time.
    waiting_.push_back(slot);
  }

  void End(Slot* slot) {
    slot->connection.reset();
    slot->state = Slot::State::kDone;
    --active_;
  }

  void Begin(Slot* slot) {
    slot->request.Make(slot->choice, &tally_);
    const TimePoint now = Clock::now();
    slot->begun = course_.phase().rate ? slot->due : now;
    slot->deadline = now + course_.phase().timeout;
    slot->state = Slot::State::kAsks;
    Connection& connection = *slot->connection;
    if (!connection.is_open()) {
      slot->state = Slot::State::kConnects;
      slot->opened = now;
      slot->watched = -1;
      if (auto failure = connection.Open(slot->deadline)) return Fail(slot, *failure);
    }
    connection.Queue(slot->request.get());
    Send(slot);
  }

  void Send(Slot* slot) {
    if (auto failure = slot->connection->Send()) return Fail(slot, *failure);
    if (slot->state == Slot::State::kConnects && slot->connection->is_open()) {
      const TimePoint now = Clock::now();
      tally_.connect.Add(now - slot->opened);
      // mcperf's way; but in an open loop a request is late from its time on.
      if (!course_.phase().rate) slot->begun = now;
      slot->state = Slot::State::kAsks;
    }
    Watch(slot);
  }

  void Receive(Slot* slot) {
    if (auto failure = slot->connection->ReceiveNow()) return Fail(slot, *failure);
    if (!slot->request.answered()) return;
    if (!slot->connection->is_open()) slot->watched = -1;
    slot->request.CountAnswer(slot->connection->server(), Clock::now() - slot->begun, &tally_);
    slot->state = Slot::State::kReady;
    ready_.push_back(slot);
  }

  void Fail(Slot* slot, const WireFailure& failure) {
    slot->request.CountFailure(slot->connection->server(), failure, &tally_);
    slot->watched = -1;
    slot->state = Slot::State::kReady;
    ready_.push_back(slot);
  }

  // Tells epoll what the connection waits for.
  void Watch(Slot* slot) {
    const int fd = slot->connection->fd();
    // An idle server's goodbye is of interest, too.
    const bool connects = slot->state == Slot::State::kConnects;
    const std::uint32_t events = connects                         ? EPOLLOUT
                                 : slot->connection->unsent() > 0 ? EPOLLIN | EPOLLOUT
                                                                  : EPOLLIN;
    if (slot->watched == fd && slot->events == events) return;
    epoll_event event{.events = events, .data = {.ptr = slot}};
    const int what = slot->watched == fd ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(epoll_, what, fd, &event) != 0) {
      throw Failure(kTrouble, std::string("epoll: ") + std::strerror(errno));
    }
    slot->watched = fd;
    slot->events = events;
  }

  void WaitUntil(TimePoint until) {
    // epoll_wait() counts in milliseconds, and ppoll() in nanoseconds.
    const TimePoint now = Clock::now();
    const std::chrono::nanoseconds left = until > now ? until - now : std::chrono::nanoseconds(0);
    const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
    int wait = static_cast<int>(std::chrono::floor<std::chrono::milliseconds>(left).count());
    if (left > std::chrono::nanoseconds(0) && !waiting_.empty()) {
      const timespec time{.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
      pollfd entry{.fd = epoll_, .events = POLLIN, .revents = 0};
      ppoll(&entry, 1, &time, nullptr);
      wait = 0;
    }
    epoll_event events[64];
    const int count = epoll_wait(epoll_, events, 64, wait);
    for (int i = 0; i < count; ++i) Handle(static_cast<Slot*>(events[i].data.ptr));
  }

  void Handle(Slot* slot) {
    switch (slot->state) {
      case Slot::State::kConnects:
        return Send(slot);
      case Slot::State::kAsks:
        if (slot->connection->unsent() > 0) Send(slot);
        if (slot->state == Slot::State::kAsks) Receive(slot);
        return;
      default:  // closed by the server, while nothing was asked: the next request opens it again
        if (slot->connection) slot->connection->CheckIdle();
        return;
    }
  }

  void EndLate() {
    const TimePoint now = Clock::now();
    for (const auto& slot : slots_) {
      const bool under_way =
          slot->state == Slot::State::kConnects || slot->state == Slot::State::kAsks;
      if (!under_way || now < slot->deadline) continue;
      const bool connects = slot->state == Slot::State::kConnects;
      slot->connection->Close();
      Fail(slot.get(),
           {FailureKind::kTimeout, connects ? "no connection in time" : "no answer in time"});
    }
  }

  const std::vector<Server>& servers_;
  Course& course_;
  const int epoll_;
  std::chrono::nanoseconds look_every_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<Slot*> ready_;
  std::vector<Slot*> batch_;   // of them
  std::deque<Slot*> waiting_;  // for their time
  std::size_t active_ = 0;
  Tally tally_;
};

}  // namespace

Tally RunLoop(const std::vector<Server>& servers, Course& course, unsigned connections) {
  return Loop(servers, course, connections).Run();
}

}  // namespace shardcache::cli
