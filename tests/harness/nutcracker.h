// A real twemproxy (Debian's `nutcracker`) for a test.
#ifndef SHARDCACHE_TESTS_HARNESS_NUTCRACKER_H_
#define SHARDCACHE_TESTS_HARNESS_NUTCRACKER_H_

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "tests/harness/process.h"

namespace shardcache::testing {

struct NutcrackerOptions {
  Milliseconds stats_interval{50};  // ReadStats() lags by up to this
  int verbosity = 5;                // 0 to 11; from 8 on each request is logged
};

// A running nutcracker, which ends with the object. For one thread at a time.
class Nutcracker {
 public:
  // Starts it with the configuration text `yaml` and waits until it accepts connections on every
  // one of `listens` ("IPV4:PORT" or "/path", as in the configuration); so its statistics count
  // one client connection per pool that has come and gone. Throws std::runtime_error with its log
  // if it ends or does not listen within 10 s.
  Nutcracker(const std::string& yaml, const std::vector<std::string>& listens,
             const NutcrackerOptions& options = {});

  Process& process() { return process_; }
  // The JSON text that the statistics port gives. Throws if it does not within 5 s.
  std::string ReadStats() const;
  std::string Log() const { return ReadFile(log_); }

  // Asks `nutcracker -t` about the file: exit code 0 if it is valid, 1 if not; text on err.
  static RunResult TestConfig(const std::filesystem::path& path);

 private:
  std::vector<std::string> Argv(const std::string& yaml, const NutcrackerOptions& options) const;

  TempDir dir_;
  std::uint16_t stats_port_;
  std::string log_;
  Process process_;
};

// A server of a pool, as MakePool() writes it.
struct PoolServer {
  std::string address;    // "IPV4:PORT" or "/path"
  std::string name = {};  // none if empty
  int weight = 1;
};

// The text of one pool: name, `listen`, further `settings` ("hash: md5", ...; a line each) and
// servers.
std::string MakePool(const std::string& name, const std::string& listen,
                     std::span<const std::string> settings, std::span<const PoolServer> servers);

}  // namespace shardcache::testing

#endif  // SHARDCACHE_TESTS_HARNESS_NUTCRACKER_H_
