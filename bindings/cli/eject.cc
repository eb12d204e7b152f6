#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <vector>

#include "bindings/cli/command.h"
#include "bindings/cli/keys.h"
#include "bindings/cli/output.h"
#include "bindings/cli/pools.h"
#include "shardcache/analysis.h"

namespace shardcache::cli {
namespace {

constexpr const char* kAbout =
    "Says what the ejection of each server would move, while the others stay live: its own keys,\n"
    "which must move, and keys of servers that are alive, which change server all the same. That\n"
    "is why, after one server died, other data cannot be read either.\n"
    "\n"
    "Prints a row for each server:\n"
    "  RING_NAME  HOST:PORT  OWN  SURVIVORS_MOVED  OF_SURVIVORS  SERVERS_CHANGED  WHY\n"
    "OWN and SURVIVORS_MOVED are parts of all 2^32 hashes, 0 to 1 (modula: measured on 65,536 of\n"
    "them), or, with --keys, numbers of those keys. OF_SURVIVORS is SURVIVORS_MOVED divided by\n"
    "all that the survivors have. SERVERS_CHANGED is how many survivors get other numbers of\n"
    "points. WHY is empty where no survivor's key moves. Keys need 4 bytes of memory each.\n"
    "\n"
    "  shardcache eject -c nutcracker.yml\n"
    "  shardcache eject -c nutcracker.yml -p alpha --keys keys.txt --format json";

struct Options {
  PoolOptions pool;
  KeyOptions key_file;
  Format format = Format::kTsv;
};

std::vector<std::uint32_t> Hashes(const Placement& placement, const KeyOptions& options) {
  std::vector<std::uint32_t> hashes;
  ForEachKey(options, [&](std::span<const std::string_view> keys) {
    for (std::string_view key : keys) hashes.push_back(placement.HashKey(key));
  });
  if (hashes.empty()) throw Failure(kTrouble, options.file + ": there are no keys in it");
  return hashes;
}

double OfSurvivors(const EjectionEffect& effect) {
  return effect.survivors == 0 ? 0 : effect.survivors_moved / effect.survivors;
}

void Summarise(const Placement& placement, const std::vector<EjectionEffect>& effects) {
  const auto worst = std::max_element(effects.begin(), effects.end(), [](auto& a, auto& b) {
    return OfSurvivors(a) < OfSurvivors(b);
  });
  if (OfSurvivors(*worst) == 0) {
    std::fprintf(stderr, "%zu servers: an ejection moves the ejected server's keys and no others\n",
                 effects.size());
    return;
  }
  std::fprintf(stderr,
               "%zu servers: at worst, when \"%s\" is ejected, %.1f %% of the keys of servers that "
               "are alive move too (%s)\n",
               effects.size(), placement.server(worst->server).name.c_str(),
               100 * OfSurvivors(*worst), worst->why.c_str());
}

ExitCode Eject(const Options& options) {
  const Placement placement = LoadPlacement(options.pool);
  const bool counted = !options.key_file.file.empty();
  const Result<std::vector<EjectionEffect>> effects =
      counted ? EjectionEffects(placement, Hashes(placement, options.key_file))
              : EjectionEffects(placement);
  if (!effects.ok()) throw Failure(kNo, options.pool.file + ": " + effects.error().message);
  const auto amount = [&](double value) -> Cell {
    if (counted) return static_cast<std::uint64_t>(value);
    return value;
  };
  Rows rows(options.format, {"ring_name", "address", "own", "survivors_moved", "of_survivors",
                             "servers_changed", "why"});
  for (const EjectionEffect& effect : *effects) {
    const Server& server = placement.server(effect.server);
    const std::string address = server.address();
    rows.Add({server.name, address, amount(effect.own), amount(effect.survivors_moved),
              OfSurvivors(effect), std::uint64_t{effect.servers_changed}, effect.why});
  }
  rows.Finish();
  Summarise(placement, *effects);
  const PoolConfig pool = LoadPool(options.pool);
  if (!pool.auto_eject_hosts) {
    std::fprintf(stderr,
                 "note: pool \"%s\" has no `auto_eject_hosts: true`, so the proxy ejects nobody: "
                 "the keys of a dead server fail until it is back\n",
                 pool.name.c_str());
  }
  return kYes;
}

}  // namespace

void AddEject(CLI::App& app, Run& run) {
  CLI::App* command = app.add_subcommand("eject", "What would the ejection of a server move?");
  command->footer(kAbout);
  const auto options = std::make_shared<Options>();
  AddPoolOptions(*command, options->pool);
  AddKeyOptions(*command, options->key_file);
  AddFormatOption(*command, options->format);
  command->callback([&run, options] { run = [options] { return Eject(*options); }; });
}

}  // namespace shardcache::cli
