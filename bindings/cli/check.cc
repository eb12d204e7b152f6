#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "bindings/cli/command.h"
#include "bindings/cli/output.h"
#include "shardcache/lint.h"
#include "shardcache/pool_config.h"

namespace shardcache::cli {
namespace {

constexpr const char* kAbout =
    "Says whether FILE is a valid configuration for twemproxy (as `nutcracker -t` would), and\n"
    "warns of settings that are valid but hurt: each with what it does to these pools.\n"
    "\n"
    "Prints a row for each finding:\n"
    "  error|warning  POOL  SETTING  MESSAGE\n"
    "\n"
    "Exit codes: 0 valid, with or without warnings; 1 not valid; 2 not readable.";

struct Options {
  std::string file;
  Format format = Format::kTsv;
};

// The first pool whose listen host this machine does not know; twemproxy refuses that.
Result<void> CheckAllListen(const std::vector<PoolConfig>& pools) {
  for (const PoolConfig& pool : pools) {
    if (Result<void> known = CheckListen(pool); !known.ok()) return known;
  }
  return {};
}

ExitCode Check(const Options& options) {
  Rows rows(options.format, {"kind", "pool", "setting", "message"});
  const auto refuse = [&](const std::string& message) {
    rows.Add({"error", "", "", message});
    rows.Finish();
    std::fprintf(stderr, "%s: not valid for twemproxy\n", options.file.c_str());
    return kNo;
  };
  const Result<std::vector<PoolConfig>> pools = LoadPools(options.file);
  if (!pools.ok()) {
    if (pools.error().code == ErrorCode::kIo) throw Failure(pools.error());
    return refuse(pools.error().message);
  }
  if (const Result<void> known = CheckAllListen(*pools); !known.ok()) {
    return refuse(options.file + ": " + known.error().message);
  }
  std::size_t servers = 0;
  std::size_t warnings = 0;
  for (const PoolConfig& pool : *pools) {
    servers += pool.servers.size();
    for (const Warning& warning : Lint(pool)) {
      ++warnings;
      rows.Add({"warning", warning.pool, warning.setting, warning.message});
    }
  }
  rows.Finish();
  std::fprintf(stderr, "%s: valid for twemproxy: pools %zu, servers %zu, warnings %zu\n",
               options.file.c_str(), pools->size(), servers, warnings);
  return kYes;
}

}  // namespace

void AddCheck(CLI::App& app, Run& run) {
  CLI::App* command = app.add_subcommand("check", "Is a configuration valid, and is it wise?");
  command->footer(kAbout);
  const auto options = std::make_shared<Options>();
  command->add_option("FILE", options->file, "twemproxy's configuration, nutcracker.yml")
      ->required();
  AddFormatOption(*command, options->format);
  command->callback([&run, options] { run = [options] { return Check(*options); }; });
}

}  // namespace shardcache::cli
