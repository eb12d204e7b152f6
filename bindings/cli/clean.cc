#include <CLI/CLI.hpp>
#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <memory>
#include <set>

#include "bindings/cli/command.h"
#include "bindings/cli/layout.h"
#include "bindings/cli/output.h"
#include "bindings/cli/pools.h"
#include "shardcache/fleet.h"

namespace shardcache::cli {
namespace {

constexpr const char* kAbout =
    "Finds the orphans on each server: keys whose owner is another, left there by ejections,\n"
    "resizes or other clients. Nobody reads them, until a change makes this server their owner\n"
    "again: then they are stale. Without --go nothing is changed. Where another pool or client\n"
    "uses the same servers on purpose, its keys look like orphans: do not clean those.\n"
    "\n"
    "  shardcache clean -c nutcracker.yml\n"
    "  shardcache clean -c nutcracker.yml --before old.yml --go --rate 50000\n"
    "  a server that was away and is about to be used again:\n"
    "  shardcache clean -c nutcracker.yml --after-outage cache3 --go\n"
    "\n"
    "Prints a row for each server and likely cause:\n"
    "  RING_NAME  HOST:PORT  CAUSE  CULPRIT  KEYS  BYTES  YOUNGEST  OLDEST  EXPIRING\n"
    "CAUSE is \"resize\" (--before had the key here), \"other client\" (--other-client, or PHP's\n"
    "Memcached as it is by default, would have it here), \"ejection\" (it would be here while\n"
    "the server CULPRIT is ejected) or \"unknown\". It is a guess: of n servers every n-th key\n"
    "fits by chance. YOUNGEST and OLDEST are seconds since the last access, which memcached\n"
    "notes once a minute; EXPIRING keys will go by themselves.\n"
    "\n"
    "A key is deleted only if it is still the item that was listed (by its cas): what is stored\n"
    "meanwhile stays. Servers that are ejected just now are to be named with --down: then a key\n"
    "that belongs to another server meanwhile is no orphan there, and the down server is not\n"
    "asked.\n"
    "\n"
    "--after-outage SERVER deletes all that it holds, whether it belongs there or not, since\n"
    "all of it may be older than what the others had meanwhile; --flush does that by one\n"
    "flush_all.\n"
    "\n"
    "Exit codes: 0 done; 1 some keys failed, or were not dealt with since the disk failed;\n"
    "2 wrong usage, a file is not readable or not valid, or a server is not fit (nothing was\n"
    "changed then).";

struct Options {
  LayoutOptions layout;
  std::vector<std::string> down;
  LayoutOptions before;
  LayoutOptions other;
  std::string after_outage;
  bool flush = false;
  WorkOptions work;
  Format format = Format::kTsv;
};

Placement LivePlacement(const Options& options) {
  if (options.down.empty()) return LoadPlacementOf(options.layout, "");
  if (options.layout.file.empty() || !options.layout.client.empty()) {
    throw Failure(kTrouble, "--down is of a pool: only a proxy ejects servers");
  }
  return LoadPlacement({options.layout.file, options.layout.pool, options.down});
}

// To clean, what another pool of the same file keeps on the same servers looks like orphans.
void NoteSharedServers(const Options& options, const Placement& placement) {
  if (options.layout.file.empty() || !options.after_outage.empty()) return;
  const Result<std::vector<PoolConfig>> pools = LoadPools(options.layout.file);
  if (!pools.ok() || pools->size() < 2) return;
  const std::string own = LoadPool({options.layout.file, options.layout.pool, {}}).name;
  std::set<std::string> addresses;
  for (const Server& server : placement.servers()) addresses.insert(server.address());
  for (const PoolConfig& pool : *pools) {
    const bool shares =
        std::any_of(pool.servers.begin(), pool.servers.end(),
                    [&](const Server& server) { return addresses.contains(server.address()); });
    if (pool.name == own || !shares) continue;
    std::fprintf(stderr,
                 "note: pool '%s' has servers of this one too: its keys count as orphans wherever "
                 "this pool would not have them\n",
                 pool.name.c_str());
  }
}

CleanOptions LibraryOptions(const Options& options) {
  CleanOptions clean;
  Apply(options.work, clean);
  if (options.before.given()) {
    LayoutOptions before = options.before;
    if (before.pool.empty()) before.pool = options.layout.pool;
    clean.before = LoadPlacementOf(before, "before");
  }
  if (!options.other.client.empty()) {
    LayoutOptions other = options.other;
    if (other.servers.empty()) {
      other.file = options.layout.file;
      other.pool = options.layout.pool;
      other.servers = options.layout.file.empty() ? options.layout.servers : "";
    }
    clean.other_client = LoadPlacementOf(other, "other");
  }
  clean.after_outage = options.after_outage;
  clean.flush = options.flush;
  return clean;
}

void SaySummary(const Options& options, const CleanSummary& summary) {
  std::uint64_t orphans = 0;
  for (const CleanServer& server : summary.servers) {
    const std::string name = server.server.address();
    orphans += server.orphans;
    std::fprintf(stderr, "%s (%s): %" PRIu64 " keys", server.server.name.c_str(), name.c_str(),
                 server.listed);
    if (options.after_outage.empty()) {
      std::fprintf(stderr, ", %" PRIu64 " at home, %" PRIu64 " orphans", server.at_home,
                   server.orphans);
    }
    if (options.work.go) {
      std::fprintf(stderr, "; deleted %" PRIu64 ", changed meanwhile %" PRIu64 ", failed %" PRIu64,
                   server.deleted, server.kept, server.failed);
    }
    if (!options.after_outage.empty()) {
      std::fprintf(stderr, "; up for %" PRId64 " s%s",
                   static_cast<std::int64_t>(server.uptime.count()),
                   server.listed == 0 ? ": it came back empty, there is nothing to remove" : "");
    }
    std::fputs("\n", stderr);
  }
  if (summary.foreign > 0) {
    std::fprintf(stderr, "%" PRIu64 " are without the client's prefix: left\n", summary.foreign);
  }
  if (summary.unnameable > 0) {
    std::fprintf(stderr, "%" PRIu64 " have bytes that the text protocol cannot name: left\n",
                 summary.unnameable);
  }
  for (const std::string& failure : summary.failures) {
    std::fprintf(stderr, "  %s\n", failure.c_str());
  }
  if (summary.interrupted) std::fputs("broken off: orphans are left\n", stderr);
  if (options.work.go || orphans == 0) return;
  std::fprintf(stderr, "nothing was changed; --go %s\n",
               options.flush ? "sends flush_all" : "deletes them");
}

ExitCode CleanUp(const Options& options) {
  if (!options.layout.given()) {
    throw Failure(kTrouble, "say where keys belong: -c, --client or --servers");
  }
  if (options.flush && options.after_outage.empty()) {
    throw Failure(kTrouble, "--flush empties a server: name it with --after-outage");
  }
  const Placement placement = LivePlacement(options);
  NoteSharedServers(options, placement);
  const Result<CleanSummary> summary = Clean(placement, LibraryOptions(options));
  if (!summary.ok()) throw Failure(kTrouble, summary.error().message);
  // First, for whoever reads the rows may go away.
  SaySummary(options, *summary);
  Rows rows(options.format, {"ring_name", "address", "cause", "culprit", "keys", "bytes",
                             "youngest", "oldest", "expiring"});
  for (const CleanRow& row : summary->rows) {
    const std::string address = row.server.address();
    rows.Add({row.server.name, address, OrphanCauseName(row.cause), row.culprit, row.keys,
              row.bytes, static_cast<std::uint64_t>(row.youngest.count()),
              static_cast<std::uint64_t>(row.oldest.count()), row.expiring});
  }
  rows.Finish();
  return summary->failed() > 0 || summary->interrupted ? kNo : kYes;
}

}  // namespace

void AddClean(CLI::App& app, Run& run) {
  CLI::App* command =
      app.add_subcommand("clean", "Find and delete keys on servers that are not theirs");
  command->footer(kAbout);
  const auto options = std::make_shared<Options>();
  AddLayoutOptions(*command, options->layout, "", "where keys belong");
  command
      ->add_option("--down", options->down,
                   "a server, by its ring name, that is ejected; may be given again")
      ->type_name("NAME")
      ->allow_extra_args(false);
  CLI::Option* const before =
      command
          ->add_option("--before", options->before.file, "the configuration before the last change")
          ->type_name("FILE")
          ->check(NotEmpty());
  command
      ->add_option("--before-pool", options->before.pool,
                   "its pool; else the one of -p, or the only one")
      ->type_name("POOL")
      ->needs(before);
  CLI::Option* const other =
      command
          ->add_option("--other-client", options->other.client,
                       "another client that may have written to these servers")
          ->type_name("NAME")
          ->check(NotEmpty());
  command->add_option("--other-set", options->other.settings, "a setting of that client")
      ->type_name("OPTION=VALUE")
      ->allow_extra_args(false)
      ->needs(other);
  command
      ->add_option("--other-servers", options->other.servers,
                   "its servers in its order; else those of -c")
      ->type_name("FILE|LIST")
      ->needs(other);
  command
      ->add_option("--after-outage", options->after_outage,
                   "delete all that this server holds, by its ring name or address")
      ->type_name("SERVER")
      ->check(NotEmpty());
  command->add_flag("--flush", options->flush, "by one flush_all");
  AddWorkOptions(*command, options->work, "delete them; else only say what would be deleted");
  AddFormatOption(*command, options->format);
  command->callback([&run, options] {
    run = [options] { return RunOrTrouble([&] { return CleanUp(*options); }); };
  });
}

}  // namespace shardcache::cli
