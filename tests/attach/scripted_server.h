// A memcached that answers what a test says, byte by byte if need be.
#ifndef SHARDCACHE_TESTS_ATTACH_SCRIPTED_SERVER_H_
#define SHARDCACHE_TESTS_ATTACH_SCRIPTED_SERVER_H_

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/harness/network.h"

namespace shardcache::testing {

struct ScriptedAnswer {
  std::string bytes = {};
  bool close = false;             // after them
  Milliseconds between_bytes{0};  // sent one at a time if not 0
};

// Listens on a free port of 127.0.0.1 until it is destroyed. A thread for each connection.
class ScriptedServer {
 public:
  // Called with each request: its line and, for a command that stores, the data, all with CR LF.
  using Script = std::function<ScriptedAnswer(std::string_view request)>;

  explicit ScriptedServer(Script script = Well);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  const std::string& address() const { return address_; }
  void SetScript(Script script);
  int requests() const { return requests_; }
  int connections() const { return connections_; }

  // Answers as a memcached does that has the value of every key: "value of KEY", or 7 to incr.
  static ScriptedAnswer Well(std::string_view request);

 private:
  void Accept();
  void Serve(Fd fd);
  bool Send(const Fd& fd, const ScriptedAnswer& answer);

  std::string address_;
  Fd listener_;
  std::atomic<bool> quit_ = false;
  std::atomic<int> requests_ = 0;
  std::atomic<int> connections_ = 0;
  std::mutex mutex_;
  Script script_;  // guarded by mutex_
  std::vector<std::thread> connection_threads_;
  std::thread accept_thread_;
};

}  // namespace shardcache::testing

#endif  // SHARDCACHE_TESTS_ATTACH_SCRIPTED_SERVER_H_
