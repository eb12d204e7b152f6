#include "bindings/cli/bench_run.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <mutex>
#include <thread>

#include "bindings/cli/command.h"
#include "bindings/cli/pools.h"

namespace shardcache::cli {
namespace {

std::vector<Server> ParseServers(const std::string& text, const std::string& list) {
  std::vector<Server> servers;
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t end = std::min(list.find(',', at), list.size());
    const std::string address = list.substr(at, end - at);
    Result<Server> server = ParseServer(address + ":1");  // with a weight, as in a nutcracker.yml
    if (!server.ok()) {
      throw Failure(kTrouble, "--target " + text + ": \"" + address +
                                  "\" is no HOST:PORT and no /PATH of a unix socket");
    }
    servers.push_back(*std::move(server));
    at = end + 1;
  }
  return servers;
}

PoolConfig ParsePool(const std::string& file_and_pool) {
  const std::size_t colon = file_and_pool.rfind(':');
  if (colon == std::string::npos || std::filesystem::exists(file_and_pool)) {
    return LoadPool({.file = file_and_pool, .pool = "", .down = {}});
  }
  return LoadPool({.file = file_and_pool.substr(0, colon),
                   .pool = file_and_pool.substr(colon + 1),
                   .down = {}});
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Shows how far a phase is, from a thread of its own, while it lives.
class Progress {
 public:
  Progress(const Target& target, const Course& course) {
    if (isatty(STDERR_FILENO) == 0) return;
    thread_ = std::thread([this, &target, &course] { Show(target, course); });
  }
  ~Progress() {
    if (!thread_.joinable()) return;
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    changed_.notify_one();
    thread_.join();
    std::fputs("\r\x1b[K", stderr);
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

 private:
  void Show(const Target& target, const Course& course) {
    std::unique_lock lock(mutex_);
    std::uint64_t before = 0;
    while (!changed_.wait_for(lock, std::chrono::seconds(1), [this] { return over_; })) {
      const std::uint64_t now = course.taken();
      std::fprintf(stderr, "\r%s: %llu of %llu requests, %llu/s\x1b[K", target.text.c_str(),
                   static_cast<unsigned long long>(now),
                   static_cast<unsigned long long>(course.phase().count),
                   static_cast<unsigned long long>(now - before));
      before = now;
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace

Target Target::Parse(const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::string kind = text.substr(0, equals);
  const std::string rest = equals == std::string::npos ? "" : text.substr(equals + 1);
  Target target{.text = text, .kind = Kind::kDirect, .servers = {}, .pool = {}};
  if (rest.empty() || (kind != "direct" && kind != "proxy" && kind != "client")) {
    throw Failure(kTrouble, "--target: \"" + text +
                                "\" is not direct=HOST:PORT,..., proxy=HOST:PORT,... or "
                                "client=FILE[:POOL]");
  }
  if (kind == "proxy") target.kind = Kind::kProxy;
  if (kind == "client") {
    target.kind = Kind::kClient;
    target.pool = ParsePool(rest);
    target.servers = target.pool.servers;
  } else {
    target.servers = ParseServers(text, rest);
  }
  return target;
}

bool Target::IsLocal() const {
  return std::all_of(servers.begin(), servers.end(), [](const Server& server) {
    return server.is_unix() || server.host == "localhost" || server.host == "::1" ||
           server.host.starts_with("127.");
  });
}

std::optional<Course::Turn> Course::Take(TimePoint now) {
  const std::uint64_t n = next_.fetch_add(1, std::memory_order_relaxed);
  if (n >= phase_.count) return std::nullopt;
  Turn turn{.choice = {.get = false, .key = n}, .due = now};
  if (phase_.requests == Phase::Requests::kWorkload) turn.choice = workload_.Request(n);
  if (phase_.rate) {
    const std::chrono::duration<double> after(static_cast<double>(n) / *phase_.rate);
    turn.due = begin_ + std::chrono::duration_cast<Clock::duration>(after);
  }
  return turn;
}

std::uint64_t Course::taken() const {
  return std::min(next_.load(std::memory_order_relaxed), phase_.count);
}

std::optional<std::uint64_t> Course::Connect() {
  const std::uint64_t number = connections_.fetch_add(1, std::memory_order_relaxed);
  if (number >= (phase_.count + phase_.calls - 1) / phase_.calls) return std::nullopt;
  return number;
}

Tally SendLoad(const Target& target, const Workload& workload, const Phase& phase) {
  const std::uint64_t connections = (phase.count + phase.calls - 1) / phase.calls;
  const auto at_once = static_cast<unsigned>(std::min<std::uint64_t>(phase.at_once, connections));
  const bool client = target.kind == Target::Kind::kClient;
  const bool blocking = client || phase.blocking;
  const unsigned workers = blocking ? at_once : std::min(phase.threads, at_once);
  std::vector<Tally> tallies(workers);
  std::vector<std::exception_ptr> failures(workers);
  std::vector<std::thread> threads;
  const double cpu_before = CpuSeconds();
  Course course(workload, phase);
  const TimePoint begin = Clock::now();
  {
    const Progress progress(target, course);
    for (unsigned i = 0; i < workers; ++i) {
      const unsigned share = at_once / workers + (i < at_once % workers ? 1 : 0);
      threads.emplace_back([&, i, share] {
        try {
          tallies[i] = client     ? RunClient(target.pool, course)
                       : blocking ? RunBlocking(target.servers, course)
                                  : RunLoop(target.servers, course, share);
        } catch (const std::exception&) {
          failures[i] = std::current_exception();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
  Tally all;
  for (const Tally& tally : tallies) all.Merge(tally);
  all.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  all.cpu_seconds = CpuSeconds() - cpu_before;
  return all;
}

}  // namespace shardcache::cli
