// The epoll loop of EchoBackends, all of whose state belongs to its thread. Internal to it.
#ifndef SHARDCACHE_TESTS_HARNESS_ECHO_LOOP_H_
#define SHARDCACHE_TESTS_HARNESS_ECHO_LOOP_H_

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tests/harness/echo_backends.h"
#include "tests/harness/network.h"

namespace shardcache::testing {

class EchoBackends::Loop {
 public:
  Loop();
  ~Loop();

  // For any thread: has the loop call `action`, soon, in its thread.
  void Post(std::function<void(Loop&)> action);

  // The rest is for the loop's thread, or for another that runs while the loop does not.

  // Serves until Quit().
  void Serve();
  void Quit() { quit_ = true; }

  int Add(std::string identity, std::string address);
  int size() const { return static_cast<int>(backends_.size()); }
  const std::string& address(int backend) const;
  const std::string& identity(int backend) const;
  // False if the mode was kRefuse and the address is in use; the mode stays kRefuse then.
  bool SetMode(int backend, Mode mode, Milliseconds delay);
  int CloseConnections(int backend);
  const BackendCounters& Counters(int backend) const;

 private:
  struct Backend {
    std::uint64_t id;  // of the listener, for epoll
    std::string identity;
    Address address;
    Fd listener = Fd();  // empty in kRefuse
    Mode mode = Mode::kServe;
    Milliseconds delay = Milliseconds(0);
    BackendCounters counters = {};
  };

  struct Connection {
    struct Delayed {
      Clock::time_point due;
      std::string bytes;
    };

    std::uint64_t id;
    Backend& backend;
    Fd fd;                             // empty once closed
    std::string in = {};               // an incomplete request
    std::string out = {};              // not sent yet
    std::size_t out_sent = 0;          // bytes of `out` that are sent
    std::deque<Delayed> delayed = {};  // to be sent after `out`, in order of `due`
    bool watches_out = false;          // epoll tells when there is room to send
    bool mute = false;                 // swallowed a request in kHang
    bool last_answer = false;          // the end of file follows what is in `out` and `delayed`
    bool counted_open = true;
  };

  Backend& At(int backend) const;
  void StartListening(Backend& backend);
  void Watch(const Fd& fd, std::uint32_t events, std::uint64_t id, int operation);

  int Poll(int timeout_ms);
  void RunPosted();
  void AcceptAll(Backend& backend);
  void HandleEvents(Connection& connection, std::uint32_t events);
  void Read(Connection& connection);
  void AnswerInput(Connection& connection);
  void Send(Connection& connection, std::string_view answer);
  void Flush(Connection& connection);
  void SendDue();
  int MsUntilDue() const;
  void Reset(Connection& connection);
  void Close(Connection& connection, bool by_fault);
  void CountClosed(Connection& connection, bool by_fault);

  Fd epoll_;
  Fd wake_;
  bool quit_ = false;
  bool woken_ = false;         // something may have been posted
  std::uint64_t next_id_ = 1;  // of backends and connections, as epoll names them; 0 is wake_
  std::vector<std::unique_ptr<Backend>> backends_;
  std::unordered_map<std::uint64_t, Backend*> listeners_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::vector<std::uint64_t> closed_;                       // to be erased from connections_
  std::multimap<Clock::time_point, std::uint64_t> timers_;  // connections with delayed answers
  std::vector<char> buffer_;                                // for reading
  std::string answers_;                                     // to the requests just read

  std::mutex mutex_;
  std::vector<std::function<void(Loop&)>> posted_;  // guarded by mutex_
};

}  // namespace shardcache::testing

#endif  // SHARDCACHE_TESTS_HARNESS_ECHO_LOOP_H_
