// Many memcached-like servers in one thread of the test, each of which answers with its own name:
// whoever asks for a key through a proxy learns which server the proxy chose. Each can be told,
// at any moment, to fail in one of the ways in which servers fail.
#ifndef SHARDCACHE_TESTS_HARNESS_ECHO_BACKENDS_H_
#define SHARDCACHE_TESTS_HARNESS_ECHO_BACKENDS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "tests/harness/network.h"

namespace shardcache::testing {

// What a backend does with a request. A request meets the mode that is in force when the backend
// reads it; what was answered, delayed or swallowed before stays so.
enum class Mode {
  kServe,           // answers
  kRefuse,          // does not listen: connecting gets ECONNREFUSED. Open connections are closed
                    // on entering; leaving listens again at the same address
  kReset,           // accepts, and at the first bytes received resets the connection (ECONNRESET)
  kHang,            // reads and never answers: neither the request nor, for answers keep their
                    // order, anything after it on that connection, even in a later mode
  kCloseMidAnswer,  // sends the first half of the first answer, then the end of file
  kSlow,            // answers after a delay, in order
};

// What happened at one backend since it was added.
struct BackendCounters {
  std::uint64_t requests = 0;         // complete requests read, answered or not
  std::uint64_t accepted = 0;         // connections
  std::uint64_t closed_by_fault = 0;  // connections that a mode or CloseIdleConnections() closed
  std::uint64_t open = 0;             // connections that neither side has closed
};

// Several hundred backends served by one thread. A backend answers
//   get K1 [K2 ...]   VALUE K 0 LENGTH + its identity for each key, then END
//   set K F E LENGTH  STORED, having dropped the data (nothing with noreply); and so an add
//   incr K N          1
// and ERROR to any other line. Keys are any bytes but space, CR and LF. Answers nobody reads are
// kept in memory without limit.
//
// Thread-safe. A call has taken effect when it returns; requests that had arrived before it (short
// of a backlog of megabytes) were read in the mode before it. Calls throw std::runtime_error or a
// class derived from it where the system refuses; an index must be one that Add() returned.
class EchoBackends {
 public:
  // Starts the thread. Raises the process's limit of open files as far as it may.
  EchoBackends();
  // Closes everything and ends the thread; unix sockets' paths are removed.
  ~EchoBackends();
  EchoBackends(const EchoBackends&) = delete;
  EchoBackends& operator=(const EchoBackends&) = delete;

  // Adds a backend that serves at `address` ("127.0.0.7:11211" or "/path"), or at a FreePort() of
  // 127.0.0.1 if none is given. Returns its index: 0, 1, 2, ...
  int Add(std::string identity, std::string address = {});
  int size() const;
  std::string address(int backend) const;   // as a nutcracker `servers:` line has it
  std::string identity(int backend) const;  // the value of every key

  // kSlow takes its delay from `delay`, which the other modes ignore. Leaving kRefuse tries for
  // 5 s to get the address back.
  void SetMode(int backend, Mode mode, Milliseconds delay = Milliseconds(100));
  // Closes all open connections of the backend, as a server does with idle ones, and goes on
  // listening. Returns how many it closed.
  int CloseIdleConnections(int backend);
  BackendCounters Counters(int backend) const;

 private:
  class Loop;

  // Runs `action` in the loop's thread and waits for it; throws what it throws.
  void Run(const std::function<void(Loop&)>& action) const;

  std::unique_ptr<Loop> loop_;
  std::thread thread_;
};

}  // namespace shardcache::testing

#endif  // SHARDCACHE_TESTS_HARNESS_ECHO_BACKENDS_H_
