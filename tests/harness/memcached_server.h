// A real memcached for a test.
#ifndef SHARDCACHE_TESTS_HARNESS_MEMCACHED_SERVER_H_
#define SHARDCACHE_TESTS_HARNESS_MEMCACHED_SERVER_H_

#include <optional>
#include <string>
#include <vector>

#include "tests/harness/process.h"

namespace shardcache::testing {

// A running memcached, which ends with the object. For one thread at a time.
class MemcachedServer {
 public:
  // Starts memcached at `address` ("IPV4:PORT" or a unix socket's "/path"; a FreePort() of
  // 127.0.0.1 if empty), without UDP, with `extra` arguments, and waits until it answers. Throws
  // std::runtime_error with what it wrote if it does not within 10 s.
  explicit MemcachedServer(const std::string& address = {}, std::vector<std::string> extra = {});

  // Kills it: asked politely, it takes a second.
  ~MemcachedServer() { Kill(); }
  MemcachedServer(const MemcachedServer&) = delete;
  MemcachedServer& operator=(const MemcachedServer&) = delete;

  const std::string& address() const { return address_; }
  Process& process() { return *process_; }

  // Freezes and thaws it: while it is frozen, connecting succeeds and nothing is answered.
  void Stop() { process_->Stop(); }
  void Continue() { process_->Continue(); }
  // Ends it at once, with all it held.
  void Kill() { process_->Kill(); }
  // Kills it if it runs, and starts an empty one at the same address with the same arguments.
  void Restart();

 private:
  TempDir dir_;
  std::string address_;
  std::vector<std::string> argv_;
  std::optional<Process> process_;
};

}  // namespace shardcache::testing

#endif  // SHARDCACHE_TESTS_HARNESS_MEMCACHED_SERVER_H_
