// One request of a load at a time, and the judgement on its answer.
#ifndef SHARDCACHE_BINDINGS_CLI_BENCH_REQUEST_H_
#define SHARDCACHE_BINDINGS_CLI_BENCH_REQUEST_H_

#include <string>
#include <string_view>

#include "bindings/cli/bench_figures.h"
#include "bindings/cli/bench_workload.h"
#include "lib/wire/request.h"
#include "lib/wire/socket.h"
#include "shardcache/server.h"

namespace shardcache::cli {

// A request for lib/wire, with all that it points to. Stays where it is made.
class BenchRequest {
 public:
  explicit BenchRequest(const Workload& workload) : workload_(workload) {}
  BenchRequest(const BenchRequest&) = delete;
  BenchRequest& operator=(const BenchRequest&) = delete;

  // Makes it the request that `choice` says.
  void Make(const Workload::Choice& choice, Tally* tally);
  internal::Request* get() { return &request_; }
  bool answered() const { return answer_.status != internal::Status::kPending; }

  // Checks the answer, of `server`, and counts it. REQUIRES: answered().
  void CountAnswer(const Server& server, Histogram::Duration time, Tally* tally) const;
  // Counts that there is none.
  void CountFailure(const Server& server, const internal::WireFailure& failure, Tally* tally) const;

 private:
  Ending Judge(std::string_view value) const;

  const Workload& workload_;
  Workload::Choice choice_;
  std::string key_;
  std::string_view key_view_;
  internal::Answer answer_;
  internal::Request request_;
};

// Sizes on the wire, of the classic protocol.
std::uint64_t RequestBytes(bool get, std::size_t key, std::size_t value, std::int64_t expire);
std::uint64_t AnswerBytes(Ending ending, std::size_t key, std::size_t value);

}  // namespace shardcache::cli

#endif  // SHARDCACHE_BINDINGS_CLI_BENCH_REQUEST_H_
