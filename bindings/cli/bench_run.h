// Sends a workload to a target, and counts what comes back.
#ifndef SHARDCACHE_BINDINGS_CLI_BENCH_RUN_H_
#define SHARDCACHE_BINDINGS_CLI_BENCH_RUN_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bindings/cli/bench_figures.h"
#include "bindings/cli/bench_workload.h"
#include "shardcache/pool_config.h"
#include "shardcache/router.h"
#include "shardcache/server.h"

namespace shardcache::cli {

// Whom the requests are sent to.
struct Target {
  enum class Kind : std::uint8_t {
    kDirect,  // memcached servers: each connection has one of them, in turn
    kProxy,   // the same with proxies, behind all of which are the same servers
    kClient,  // the servers of `pool`, by shardcache::Client
  };

  std::string text;  // as the user wrote it
  Kind kind = Kind::kDirect;
  std::vector<Server> servers;  // of kClient: those of `pool`
  PoolConfig pool;              // of kClient

  // Reads "direct=HOST:PORT,...", "proxy=HOST:PORT,..." and "client=FILE[:POOL]".
  // Throws Failure that says what is wrong.
  static Target Parse(const std::string& text);

  // Whether all of its servers are on this machine, as far as their addresses tell.
  bool IsLocal() const;
};

// A number of requests that are sent in one go. A connection has one request under way, and is
// closed after `calls` of them and replaced by the next one.
struct Phase {
  // What the n-th request is: of the workload, or a set of key number n.
  enum class Requests : std::uint8_t { kWorkload, kSetEachKey } requests = Requests::kWorkload;
  std::uint64_t count = 0;
  std::uint64_t calls = 1;
  unsigned at_once = 1;
  unsigned threads = 1;        // for all connections
  bool blocking = false;       // instead, one for each connection, which waits for its answers
  std::optional<double> rate;  // requests begun each second; absent: as fast as answers come
  std::chrono::milliseconds timeout{1000};
};

// The progress of a phase, shared by its threads: who takes the next request, and when it is due.
class Course {
 public:
  Course(const Workload& workload, const Phase& phase)
      : workload_(workload), phase_(phase), begin_(Clock::now()) {}

  struct Turn {
    Workload::Choice choice;
    TimePoint due;  // not before `now`, in a closed loop
  };
  // Nothing when all are taken. Thread-safe, as all of this.
  std::optional<Turn> Take(TimePoint now);

  // The number of the next connection, from 0; nothing when all were made.
  std::optional<std::uint64_t> Connect();

  const Workload& workload() const { return workload_; }
  const Phase& phase() const { return phase_; }
  std::uint64_t taken() const;

 private:
  const Workload& workload_;
  const Phase& phase_;
  const TimePoint begin_;
  std::atomic<std::uint64_t> next_{0};
  std::atomic<std::uint64_t> connections_{0};
};

// One thread's part: `connections` of them by turns, over an event loop, until `course` is over.
Tally RunLoop(const std::vector<Server>& servers, Course& course, unsigned connections);
// The same by one connection at a time, in a thread that waits for each answer.
Tally RunBlocking(const std::vector<Server>& servers, Course& course);
// The same by a shardcache::Client for each connection. REQUIRES: a pool that Client takes.
Tally RunClient(const PoolConfig& pool, Course& course);

// All of it, with one line of progress on stderr if that is a terminal.
Tally SendLoad(const Target& target, const Workload& workload, const Phase& phase);

}  // namespace shardcache::cli

#endif  // SHARDCACHE_BINDINGS_CLI_BENCH_RUN_H_
