#include <CLI/CLI.hpp>
#include <memory>
#include <vector>

#include "bindings/cli/command.h"
#include "bindings/cli/keys.h"
#include "bindings/cli/output.h"
#include "bindings/cli/pools.h"

namespace shardcache::cli {
namespace {

constexpr const char* kAbout =
    "Says to which server twemproxy sends each key.\n"
    "\n"
    "Prints a row for each key, in the order given:\n"
    "  KEY  RING_NAME  HOST:PORT\n"
    "In KEY, a byte that is not UTF-8 is \\xHH, a backslash is \\\\, and LF, TAB, CR are\n"
    "\\n, \\t, \\r. Before a KEY that begins with a dash, put --.\n"
    "\n"
    "  shardcache locate -c nutcracker.yml user:42\n"
    "  shardcache locate -c nutcracker.yml -p alpha --down server2 --keys keys.txt";

struct Options {
  PoolOptions pool;
  KeyOptions key_file;
  std::vector<std::string> keys;
  Format format = Format::kTsv;
};

ExitCode Locate(const Options& options) {
  if (options.keys.empty() == options.key_file.file.empty()) {
    throw Failure(kTrouble,
                  "locate: give keys either as arguments or with --keys FILE (- for stdin)");
  }
  const Placement placement = LoadPlacement(options.pool);
  if (placement.distribution() == Distribution::kRandom && placement.servers().size() > 1) {
    throw Failure(kNo, options.pool.file +
                           ": the pool has distribution random: a key has no server of its own, "
                           "each request goes to any live one");
  }
  Rows rows(options.format, {"key", "ring_name", "address"});
  std::vector<std::string> addresses;
  for (const Server& server : placement.servers()) addresses.push_back(server.address());
  std::vector<ServerIndex> owners;
  const auto visit = [&](std::span<const std::string_view> keys) {
    owners.resize(keys.size());
    placement.Locate(keys, owners);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      rows.Add({keys[i], placement.server(owners[i]).name, addresses[owners[i]]});
    }
  };
  if (options.keys.empty()) {
    ForEachKey(options.key_file, visit);
  } else {
    visit(std::vector<std::string_view>(options.keys.begin(), options.keys.end()));
  }
  rows.Finish();
  return kYes;
}

}  // namespace

void AddLocate(CLI::App& app, Run& run) {
  CLI::App* command = app.add_subcommand("locate", "Which server has this key?");
  command->footer(kAbout);
  const auto options = std::make_shared<Options>();
  AddPoolOptions(*command, options->pool);
  AddKeyOptions(*command, options->key_file);
  AddFormatOption(*command, options->format);
  command->add_option("KEY", options->keys, "keys to locate")->type_name("");
  command->callback([&run, options] { run = [options] { return Locate(*options); }; });
}

}  // namespace shardcache::cli
