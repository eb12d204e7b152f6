// A nutcracker pool over backends that fail on demand, and a Router that is told what the proxy
// goes through.
#ifndef SHARDCACHE_TESTS_EJECTION_LOCKSTEP_WORLD_H_
#define SHARDCACHE_TESTS_EJECTION_LOCKSTEP_WORLD_H_

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "shardcache/router.h"
#include "tests/harness/echo_backends.h"
#include "tests/harness/nutcracker.h"
#include "tests/harness/random.h"
#include "tests/harness/text_client.h"

namespace shardcache::testing {

// What one schedule is played over; all of it follows from a seed.
struct WorldOptions {
  Distribution distribution = Distribution::kKetama;
  int servers = 5;
  int failure_limit = 2;
  int server_connections = 1;
  Milliseconds timeout{150};
  Milliseconds retry_timeout{500};
  bool unequal_weights = false;
};

// What was seen while a schedule was played.
struct WorldCounts {
  int events = 0;
  int sweeps = 0;
  int keys_compared = 0;
  int mismatches = 0;
  int ambiguous = 0;  // keys asked so close to an expiry that either answer is right
  int stalls = 0;     // a healthy server timed out, for the machine stood still
  int failed_requests = 0;
  int ejections = 0;
  int all_dead = 0;
};

class LockstepWorld {
 public:
  LockstepWorld(const WorldOptions& options, std::uint64_t seed);

  // Lets something happen to a server, asks for a few keys one by one, which is what makes the
  // proxy notice, and then compares at least 500 keys. Throws if the proxy misbehaves in a way
  // that is no placement (a protocol error, say).
  void PlayEvent();

  // The proxy's own view of who is ejected agrees with the Router's.
  bool StatisticsAgree();

  const WorldCounts& counts() const { return counts_; }
  const std::vector<std::string>& log() const { return log_; }

 private:
  bool Faulty(ServerIndex server) const;
  void ChangeABackend();
  void Request(const std::string& key);
  bool Sweep();
  void AvoidExpiry(Milliseconds duration);
  bool CanSweep(const RouterSnapshot& snapshot) const;
  void RecoverOne();
  void Resynchronise();
  void ReportFailures(ServerIndex server, int count, FailureKind kind);
  void Compare(const std::string& key, std::optional<ServerIndex> expected, const Answer& answer);
  void Note(const std::string& text);

  WorldOptions options_;
  Random random_;
  EchoBackends backends_;  // backend i is the server of ring name "s<i>"
  PoolConfig pool_;
  std::unique_ptr<Router> router_;
  std::unique_ptr<Nutcracker> proxy_;
  std::unique_ptr<TextClient> client_;
  std::vector<Mode> modes_;
  std::vector<int> backend_of_;  // by ServerIndex
  WorldCounts counts_;
  std::vector<std::string> log_;
};

}  // namespace shardcache::testing

#endif  // SHARDCACHE_TESTS_EJECTION_LOCKSTEP_WORLD_H_
