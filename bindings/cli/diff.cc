#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>

#include "bindings/cli/command.h"
#include "bindings/cli/keys.h"
#include "bindings/cli/output.h"
#include "bindings/cli/pools.h"
#include "shardcache/movement.h"
#include "shardcache/remedy.h"

namespace shardcache::cli {
namespace {

constexpr const char* kAbout =
    "Says what a change of the configuration moves: servers added, removed, renamed, reweighted\n"
    "or reordered, another hash. A server is the same before and after if its host:port is.\n"
    "\n"
    "  shardcache diff -c nutcracker.yml --to nutcracker.new.yml\n"
    "\n"
    "Prints a row for each server; all but the weights are parts of all keys:\n"
    "  HOST:PORT  NAME_BEFORE  NAME_AFTER  WEIGHT_BEFORE  WEIGHT_AFTER  BEFORE  AFTER  FAIR\n"
    "  LEFT  ARRIVED\n"
    "FAIR is what its weight entitles it to. On stderr: what moves in all; what would have to\n"
    "if each share were its weight's, before and after; why keys move: from servers that go,\n"
    "to servers that come, to servers that stay and whose weight grew, and needlessly between\n"
    "others that stay (which a changed name or hash does, or other arithmetic at the new size);\n"
    "which servers have new names; the balance; and, if there is one that moves less, the way to\n"
    "the same servers that moves least.\n"
    "\n"
    "Exit codes: 0 done; 1 a configuration is not valid; 2 wrong usage, or not readable.";

struct Options {
  PoolOptions pool;
  PoolOptions to;
  KeyOptions keys;
  std::string svg;
  Format format = Format::kTsv;
};

std::vector<std::string> LoadKeys(const KeyOptions& options) {
  std::vector<std::string> keys;
  if (options.file.empty()) return keys;
  ForEachKey(options, [&](std::span<const std::string_view> portion) {
    keys.insert(keys.end(), portion.begin(), portion.end());
  });
  if (keys.empty()) throw Failure(kTrouble, options.file + ": no keys in it");
  return keys;
}

// The largest share against the one that its weight entitles a server to.
std::string Balance(const Movement& movement, bool after) {
  double worst = 0;
  double total_before = 0;
  for (const ServerMovement& row : movement.servers) total_before += row.weight_before;
  for (const ServerMovement& row : movement.servers) {
    const double fair = after ? row.fair : row.weight_before / total_before;
    if (fair > 0) worst = std::max(worst, (after ? row.after : row.before) / fair);
  }
  char text[16];
  std::snprintf(text, sizeof text, "%.2f", worst);
  return text;
}

// Ring names that are other than before though the address is not.
void SayNames(const Movement& movement) {
  constexpr int kMost = 3;
  int renamed = 0;
  for (const ServerMovement& row : movement.servers) {
    const bool stays = row.weight_before > 0 && row.weight_after > 0;
    if (!stays || row.name_before == row.name_after || ++renamed > kMost) continue;
    std::fprintf(stderr, "  renamed: %s was %s and is %s\n", row.address.c_str(),
                 row.name_before.c_str(), row.name_after.c_str());
  }
  if (renamed > kMost) std::fprintf(stderr, "  renamed: %d more\n", renamed - kMost);
}

void SaySummary(const Movement& movement) {
  std::fprintf(stderr,
               "%.3f %% of the keys move; %.3f %% would have to, were shares as the weights (%s)\n",
               100 * movement.moved, 100 * movement.ideal,
               movement.exact ? "exact, over all hashes" : "on keys");
  const auto say = [](double part, const char* why) {
    if (part > 0) std::fprintf(stderr, "  %.3f %% %s\n", 100 * part, why);
  };
  say(movement.left_gone, "from servers that go");
  say(movement.came_new, "from servers that stay to servers that come");
  say(movement.reweighted, "between servers that stay, to those whose weight grew");
  say(movement.needless, "between servers that stay, needlessly");
  SayNames(movement);
  std::fprintf(stderr,
               "balance: the fullest server has %s times what its weight entitles it to before, "
               "%s times after\n",
               Balance(movement, false).c_str(), Balance(movement, true).c_str());
}

void SayAlternative(const Alternative& alternative) {
  std::string text;
  for (const std::string& change : alternative.changes) {
    text += (text.empty() ? "" : "; ") + change;
  }
  std::fprintf(stderr, "%.3f %% would move instead: %s\n%s", 100 * alternative.movement.moved,
               text.c_str(), ToYaml(alternative.pool).c_str());
}

ExitCode Diff(const Options& options) {
  const PoolConfig before = LoadPool(options.pool);
  PoolOptions to = options.to;
  if (to.pool.empty()) to.pool = options.pool.pool;
  const PoolConfig after = LoadPool(to);
  const std::vector<std::string> keys = LoadKeys(options.keys);
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  const Result<Movement> movement = MovementBetween(before, after, views);
  if (!movement.ok()) throw Failure(kNo, movement.error().message);
  Rows rows(options.format, {"address", "name_before", "name_after", "weight_before",
                             "weight_after", "before", "after", "fair", "left", "arrived"});
  for (const ServerMovement& row : movement->servers) {
    rows.Add({row.address, row.name_before, row.name_after, std::uint64_t{row.weight_before},
              std::uint64_t{row.weight_after}, row.before, row.after, row.fair, row.left,
              row.arrived});
  }
  rows.Finish();
  SaySummary(*movement);
  const auto least = LeastMovement(before, after, views);
  if (least.ok() && *least) {
    SayAlternative(**least);
  } else if (movement->moved > 0) {
    std::fputs("neither the old hash nor the old names would move less\n", stderr);
  }
  if (!options.svg.empty()) {
    std::ofstream file(options.svg, std::ios::binary);
    file << MovementSvg(*movement);
    if (!file.flush()) throw Failure(kTrouble, options.svg + ": cannot be written");
  }
  return kYes;
}

}  // namespace

void AddDiff(CLI::App& app, Run& run) {
  CLI::App* command = app.add_subcommand("diff", "What does a change of the pool move?");
  command->footer(kAbout);
  const auto options = std::make_shared<Options>();
  AddWholePoolOptions(*command, options->pool);
  command->add_option("--to", options->to.file, "the configuration after the change")
      ->type_name("NEW")
      ->required();
  command
      ->add_option("--to-pool", options->to.pool, "its pool; else the one of -p, or the only one")
      ->type_name("POOL");
  AddKeyOptions(*command, options->keys);
  command->add_option("--svg", options->svg, "write a picture of the shares to FILE")
      ->type_name("FILE");
  AddFormatOption(*command, options->format);
  command->callback([&run, options] { run = [options] { return Diff(*options); }; });
}

}  // namespace shardcache::cli
