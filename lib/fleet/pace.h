// How fast the work goes on, and who is told.
#ifndef SHARDCACHE_LIB_FLEET_PACE_H_
#define SHARDCACHE_LIB_FLEET_PACE_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <thread>

#include "lib/wire/interrupt.h"
#include "lib/wire/socket.h"
#include "shardcache/fleet.h"

namespace shardcache::inline v0::internal {

// Keeps the rate of FleetOptions and calls its progress, also when a signal ends a wait of this
// thread. Not thread-safe.
class Pace {
 public:
  explicit Pace(const FleetOptions& options) : options_(options), begin_(Clock::now()) {}
  Pace(const Pace&) = delete;
  Pace& operator=(const Pace&) = delete;

  // The work begins, of `total` keys of which `done` need nothing.
  void Begin(std::uint64_t total, std::uint64_t done) {
    progress_.phase = FleetProgress::Phase::kWorking;
    progress_.keys = done;
    progress_.total = total;
    Tell(true);
  }

  // How many keys may be asked for at once.
  std::size_t most() const {
    std::size_t most = std::max<std::size_t>(options_.concurrency, 1);
    if (!options_.rate) return most;
    return std::clamp<std::size_t>(*options_.rate / kBatchesInSecond, 1, most);
  }

  // Waits until the rate allows `keys` more; returns whether to go on.
  bool Wait(std::size_t keys) {
    if (!options_.rate) return !stopped_;
    while (!stopped_ && Clock::now() < next_) {
      std::this_thread::sleep_for(std::min<Clock::duration>(next_ - Clock::now(), kTellEvery));
      Tell(false);
    }
    const std::chrono::duration<double> takes(
        static_cast<double>(keys) /
        static_cast<double>(std::max<std::uint64_t>(*options_.rate, 1)));
    // What a server that said nothing for long has held up is not made up for.
    next_ = std::max(next_, Clock::now() - kTellEvery) +
            std::chrono::duration_cast<Clock::duration>(takes);
    return !stopped_;
  }

  // That many more are listed, or done.
  bool Advance(std::uint64_t keys) {
    progress_.keys += keys;
    Tell(false);
    return !stopped_;
  }

  // The end, however it came about.
  void End() { Tell(true); }

  bool stopped() const { return stopped_; }

 private:
  static constexpr std::uint64_t kBatchesInSecond = 20;
  static constexpr std::chrono::milliseconds kTellEvery{100};

  void Tell(bool at_once) {
    const TimePoint now = Clock::now();
    if (!options_.progress || (!at_once && now - told_ < kTellEvery)) return;
    told_ = now;
    progress_.elapsed = now - begin_;
    if (!options_.progress(progress_)) stopped_ = true;
  }

  const FleetOptions& options_;
  const TimePoint begin_;
  TimePoint next_ = {};  // when the rate allows more
  TimePoint told_ = {};
  FleetProgress progress_;
  bool stopped_ = false;

  const std::function<bool()> signalled_ = [this] {
    Tell(true);
    return stopped_;
  };
  const InterruptScope scope_{signalled_};
};

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_FLEET_PACE_H_
