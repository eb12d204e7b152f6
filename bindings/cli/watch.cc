#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "bindings/cli/command.h"
#include "bindings/cli/fetch.h"
#include "bindings/cli/output.h"
#include "shardcache/placement.h"
#include "shardcache/pool_config.h"
#include "shardcache/proxy_stats.h"

namespace shardcache::cli {
namespace {

constexpr const char* kAbout =
    "Shows which servers a running nutcracker has ejected, read from its statistics port.\n"
    "\n"
    "Prints a row for each server, and from then on one for each server that changes:\n"
    "  TIME  POOL  RING_NAME  HOST:PORT  live|ejected  UNTIL\n"
    "UNTIL is when the retry timeout is over: the first request after it brings the server back.\n"
    "Times are UTC.\n"
    "\n"
    "The proxy gathers its figures every 30 seconds unless started with another -i, so what is\n"
    "shown may be that old. Ejections need the configuration for server_retry_timeout: give the\n"
    "file that the proxy was started with.\n"
    "\n"
    "  shardcache watch -c nutcracker.yml --stats 127.0.0.1:22222 --once\n"
    "\n"
    "Exit codes: 0 done; 2 the statistics cannot be read, or are not of these pools. Without\n"
    "--once it goes on until it is interrupted.";

struct Options {
  std::string file;
  std::string stats;
  std::string pool;
  double interval = 1;
  bool once = false;
  Format format = Format::kTsv;
};

std::string Text(WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const std::time_t whole = std::chrono::system_clock::to_time_t(seconds);
  std::tm parts{};
  gmtime_r(&whole, &parts);
  char text[40];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(time - seconds).count();
  std::snprintf(text + size, sizeof text - size, ".%03dZ", static_cast<int>(milliseconds));
  return text;
}

WallTime Now() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

class Watch {
 public:
  Watch(const Options& options, std::vector<PoolConfig> pools)
      : options_(options),
        pools_(std::move(pools)),
        rows_(options.format, {"time", "pool", "ring_name", "address", "state", "until"}) {}

  void Look() {
    const std::string text = Fetch(options_.stats, std::chrono::seconds(5));
    const WallTime now = Now();
    const Result<ProxyStats> stats = ParseProxyStats(text);
    if (!stats.ok()) throw Failure(kTrouble, options_.stats + ": " + stats.error().message);
    for (const PoolConfig& pool : pools_) Show(pool, *stats, now);
    rows_.Finish();
    if (first_) Summarise(stats->timestamp, now);
    first_ = false;
  }

 private:
  struct State {
    bool known = false;
    std::optional<WallTime> until;
  };

  void Show(const PoolConfig& pool, const ProxyStats& stats, WallTime now) {
    const ProxyPoolStats* figures = stats.Find(pool.name);
    if (figures == nullptr) {
      throw Failure(kTrouble, options_.stats + ": that proxy has no pool '" + pool.name + "'");
    }
    std::map<std::string, WallTime> until;
    for (const ProxyEjection& e : EjectionsAt(*figures, pool, now)) until[e.server] = e.until;
    for (const Server& server : pool.servers) {
      State& state = states_[pool.name + '\n' + server.name];
      const auto found = until.find(server.name);
      const auto out = found == until.end() ? std::nullopt : std::optional(found->second);
      if (state.known && state.until == out) continue;
      state = {true, out};
      const std::string time = Text(now);
      const std::string address = server.address();
      const std::string end = out ? Text(*out) : "";
      rows_.Add({time, pool.name, server.name, address, out ? "ejected" : "live", end});
    }
  }

  void Summarise(WallTime gathered, WallTime now) const {
    const auto ejected = std::count_if(states_.begin(), states_.end(),
                                       [](auto& state) { return state.second.until.has_value(); });
    const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - gathered).count();
    std::fprintf(stderr, "%s: %td of %zu servers ejected; figures gathered %lld s ago\n",
                 options_.stats.c_str(), ejected, states_.size(), static_cast<long long>(age));
  }

  const Options& options_;
  std::vector<PoolConfig> pools_;
  Rows rows_;
  std::map<std::string, State> states_;  // by pool and ring name
  bool first_ = true;
};

ExitCode RunWatch(const Options& options) {
  Result<std::vector<PoolConfig>> pools = LoadPools(options.file);
  if (!pools.ok()) throw Failure(pools.error());
  if (!options.pool.empty()) {
    std::erase_if(*pools, [&](const PoolConfig& pool) { return pool.name != options.pool; });
    if (pools->empty()) {
      throw Failure(kTrouble, options.file + " has no pool '" + options.pool + "'");
    }
  }
  for (const PoolConfig& pool : *pools) {
    if (pool.auto_eject_hosts) continue;
    std::fprintf(stderr, "pool '%s' has auto_eject_hosts off: its servers are always live\n",
                 pool.name.c_str());
  }
  Watch watch(options, *std::move(pools));
  watch.Look();
  while (!options.once) {
    std::this_thread::sleep_for(std::chrono::duration<double>(options.interval));
    watch.Look();
  }
  return kYes;
}

}  // namespace

void AddWatch(CLI::App& app, Run& run) {
  CLI::App* command = app.add_subcommand("watch", "Which servers has a running proxy ejected?");
  command->footer(kAbout);
  const auto options = std::make_shared<Options>();
  command->add_option("-c,--conf", options->file, "twemproxy's configuration, nutcracker.yml")
      ->type_name("FILE")
      ->required();
  command->add_option("--stats", options->stats, "the proxy's statistics port (its -a and -s)")
      ->type_name("HOST:PORT")
      ->required();
  command->add_option("-p,--pool", options->pool, "this pool only; all if left out")
      ->type_name("POOL");
  command->add_option("--interval", options->interval, "seconds between looks (default 1)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.05, 86400.0).description(""));
  command->add_flag("--once", options->once, "look once, and end");
  AddFormatOption(*command, options->format);
  command->callback([&run, options] { run = [options] { return RunWatch(*options); }; });
}

}  // namespace shardcache::cli
