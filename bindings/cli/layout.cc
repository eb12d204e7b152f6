#include "bindings/cli/layout.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <memory>
#include <utility>

#include "bindings/cli/client.h"
#include "bindings/cli/command.h"
#include "bindings/cli/pools.h"

namespace shardcache::cli {
namespace {

std::string OptionName(const std::string& prefix, const std::string& name) {
  return "--" + (prefix.empty() ? "" : prefix + "-") + name;
}

// A pool of these servers with twemproxy's defaults.
PoolConfig PoolOfServers(const LayoutOptions& options) {
  PoolConfig pool;
  pool.name = "servers";
  pool.servers = LoadServers(options.servers);
  return pool;
}

Placement LoadClientPlacement(const LayoutOptions& options, const std::string& prefix) {
  ClientOptions client{.client = options.client,
                       .settings = options.settings,
                       .servers = options.servers,
                       .php = {}};
  PoolConfig pool;
  if (!options.file.empty()) {
    pool = LoadPool({options.file, options.pool, {}});
  } else if (options.servers.empty()) {
    throw Failure(kTrouble, OptionName(prefix, "client") + " needs servers: give " +
                                OptionName(prefix, "servers") + " too");
  }
  Result<ClientModel> model = ModelClient(LoadClient(client, pool));
  if (!model.ok()) throw Failure(kTrouble, model.error().message);
  for (const std::string& note : model->notes) std::fprintf(stderr, "note: %s\n", note.c_str());
  return model->placement;
}

// "[########      ]  55 %  110000 of 200000 keys, 104000/s, 1 s left"
class ProgressLine {
 public:
  ProgressLine() : terminal_(isatty(STDERR_FILENO) != 0) {}
  ~ProgressLine() {
    if (drawn_ && terminal_) std::fputs("\r\033[K", stderr);
  }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  bool terminal() const { return terminal_; }

  void Show(const FleetProgress& progress) {
    const double seconds = progress.elapsed.count();
    // A line a second where lines stay.
    if (!terminal_ && drawn_ && progress.phase == phase_ && seconds - shown_ < 1) return;
    if (progress.phase != phase_ || !drawn_) {
      phase_ = progress.phase;
      begin_ = seconds;
      first_ = progress.keys;
    }
    shown_ = seconds;
    drawn_ = true;
    std::string text = Text(progress, seconds);
    std::fprintf(stderr, terminal_ ? "\r\033[K%s" : "%s\n", text.c_str());
  }

 private:
  std::string Text(const FleetProgress& progress, double seconds) const {
    char text[160];
    if (progress.phase == FleetProgress::Phase::kListing || progress.total == 0) {
      std::snprintf(text, sizeof text, "%" PRIu64 " keys listed", progress.keys);
      return text;
    }
    constexpr int kWidth = 30;
    const double part = static_cast<double>(progress.keys) / static_cast<double>(progress.total);
    const int filled = static_cast<int>(kWidth * part);
    const double rate =
        static_cast<double>(progress.keys - first_) / std::max(seconds - begin_, 0.001);
    std::snprintf(text, sizeof text, "[%.*s%*s] %3d %%  %" PRIu64 " of %" PRIu64 " keys", filled,
                  "##############################", kWidth - filled, "",
                  static_cast<int>(100 * part), progress.keys, progress.total);
    std::string line = text;
    if (rate > 0) {  // else nothing is known yet
      const double left = static_cast<double>(progress.total - progress.keys) / rate;
      std::snprintf(text, sizeof text, ", %.0f/s, %.0f s left", rate, left);
      line += text;
    }
    return line;
  }

  const bool terminal_;
  bool drawn_ = false;
  FleetProgress::Phase phase_ = FleetProgress::Phase::kListing;
  double begin_ = 0;
  double shown_ = 0;
  std::uint64_t first_ = 0;
};

}  // namespace

void AddLayoutOptions(CLI::App& command, LayoutOptions& options, const std::string& prefix,
                      const std::string& what) {
  const bool plain = prefix.empty();
  command
      .add_option(plain ? "-c,--conf" : OptionName(prefix, "config"), options.file,
                  what + ": a nutcracker.yml")
      ->type_name("FILE")
      ->check(NotEmpty());
  command
      .add_option(plain ? "-p,--pool" : OptionName(prefix, "pool"), options.pool,
                  "its pool; may be left out if FILE has just one")
      ->type_name("POOL");
  command
      .add_option(OptionName(prefix, "client"), options.client,
                  what +
                      ": another client's (agree --list-clients shows them), over these servers "
                      "or the pool's")
      ->type_name("NAME")
      ->check(NotEmpty());
  command
      .add_option(OptionName(prefix, "set"), options.settings,
                  "a setting of that client, named as it names it; may be given again")
      ->type_name("OPTION=VALUE")
      ->allow_extra_args(false);
  command
      .add_option(OptionName(prefix, "servers"), options.servers,
                  what +
                      ": a file of servers, a line each, or a list of them divided by commas: "
                      "host:port[:weight] or /path[:weight]")
      ->type_name("FILE|LIST")
      ->check(NotEmpty());
}

Placement LoadPlacementOf(const LayoutOptions& options, const std::string& prefix) {
  if (options.file.empty() && !options.pool.empty()) {
    throw Failure(kTrouble, OptionName(prefix, "pool") + " is of a file: give " +
                                (prefix.empty() ? "-c" : OptionName(prefix, "config")));
  }
  if (!options.client.empty()) return LoadClientPlacement(options, prefix);
  if (!options.settings.empty()) {
    throw Failure(kTrouble, OptionName(prefix, "set") + " is of a client: give " +
                                OptionName(prefix, "client"));
  }
  if (!options.file.empty() && !options.servers.empty()) {
    throw Failure(kTrouble, OptionName(prefix, "servers") + ": the pool has its own servers");
  }
  const PoolConfig pool =
      options.file.empty() ? PoolOfServers(options) : LoadPool({options.file, options.pool, {}});
  Result<Placement> placement = Placement::Create(pool);
  if (!placement.ok()) throw Failure(placement.error());
  if (options.file.empty()) {
    std::fputs("note: keys are placed as by a pool of these servers with twemproxy's defaults\n",
               stderr);
  }
  return *std::move(placement);
}

Layout LoadLayout(const LayoutOptions& options, const std::string& prefix) {
  const bool places = !options.file.empty() || !options.pool.empty() || !options.client.empty() ||
                      !options.settings.empty();
  if (places) return Layout::Of(LoadPlacementOf(options, prefix));
  return {.servers = LoadServers(options.servers)};
}

void AddWorkOptions(CLI::App& command, WorkOptions& options, const std::string& go) {
  command.add_flag("--go", options.go, go);
  command.add_option("--rate", options.rate, "at most so many keys a second")
      ->type_name("KEYS")
      ->check(NumberFrom(1, 1e12));
  command
      .add_option("--concurrency", options.concurrency,
                  "at most so many keys asked for before they are answered (default 4096)")
      ->type_name("KEYS")
      ->check(NumberFrom(1, 1e12));
  command
      .add_option("--timeout", options.timeout,
                  "seconds that a server may say nothing before it counts as failed (default 10)")
      ->type_name("SECONDS")
      ->check(NumberFrom(0.001, 86400));
  command.add_flag(
      "--progress", options.progress,
      "say how far it is, and how long it will take, also where stderr is no terminal");
}

void Apply(const WorkOptions& options, FleetOptions& fleet) {
  fleet.go = options.go;
  if (options.rate > 0) fleet.rate = options.rate;
  fleet.concurrency = options.concurrency;
  fleet.timeout = std::chrono::milliseconds(static_cast<std::int64_t>(options.timeout * 1000));
  const auto line = std::make_shared<ProgressLine>();
  if (!options.progress && !line->terminal()) return;
  fleet.progress = [line](const FleetProgress& progress) {
    line->Show(progress);
    return true;
  };
}

}  // namespace shardcache::cli
