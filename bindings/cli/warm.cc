#include <CLI/CLI.hpp>
#include <cinttypes>
#include <cstdio>
#include <memory>

#include "bindings/cli/command.h"
#include "bindings/cli/keys.h"
#include "bindings/cli/layout.h"
#include "bindings/cli/output.h"
#include "shardcache/fleet.h"

namespace shardcache::cli {
namespace {

constexpr const char* kAbout =
    "Copies values to where a new layout looks for them, so that its caches begin filled.\n"
    "Without --go it only says what would move. The old layout is given by --from-..., the new\n"
    "one by -c (or --client, --servers); a server is the same in both if its address is.\n"
    "\n"
    "  PHP's Memcached until now, a nutcracker from now on, over the same servers:\n"
    "  shardcache warm --from-client php-memcached \\\n"
    "      --from-servers 10.0.0.1:11211,10.0.0.2:11211 -c nutcracker.yml\n"
    "  shardcache warm --from-config old.yml -c new.yml --go --journal move.journal\n"
    "  whatever is on these servers, wherever a client put it:\n"
    "  shardcache warm --from-servers servers.txt -c new.yml --go\n"
    "\n"
    "Let applications use the new layout first (they miss for a while), then run this: a copy\n"
    "is only ever added, so what they write is never overwritten, and a value that changes in\n"
    "the old place while it is copied is copied again. Writes to the old place that come later\n"
    "are not followed. A key that is deleted in the new place alone, before its copy comes,\n"
    "comes back with it: until this is done, delete in the old place too. Flags stay, and so\n"
    "does the rest of the value's life, to a second.\n"
    "\n"
    "With a layout to come from, keys that are elsewhere than it would read them are left: such\n"
    "orphans may be stale. Servers list their keys themselves (lru_crawler metadump, memcached\n"
    "1.4.31 or newer); --keys FILE names them instead.\n"
    "\n"
    "Prints a row for each pair of servers:\n"
    "  FROM  TO  KEYS  BYTES  COPIED  COPIED_BYTES  RENEWED  ALREADY_THERE  GONE  REMOVED\n"
    "      FAILED\n"
    "KEYS and BYTES (with the server's own overhead) are what is to move; of the copied,\n"
    "RENEWED had changed meanwhile; ALREADY_THERE were in the new place, and stayed; GONE\n"
    "were not in the old place any more.\n"
    "\n"
    "Interrupted, it can be run again at any time: what is there is not copied twice. With\n"
    "--journal it goes on where it was. The disk holds some 35 bytes and the key for each key\n"
    "that moves (in $TMPDIR without a journal); memory does not grow with their number.\n"
    "\n"
    "Exit codes: 0 done; 1 some keys failed, or were not dealt with since the disk failed;\n"
    "2 wrong usage, a file is not readable or not valid, or a server is not fit (nothing was\n"
    "changed then).";

struct Options {
  LayoutOptions from;
  LayoutOptions to;
  KeyOptions keys;
  WorkOptions work;
  bool remove = false;
  std::string journal;
  std::string unknown_ttl;
  Format format = Format::kTsv;
};

// "never", or seconds.
Expiration ParseLife(const std::string& text) {
  if (text == "never") return std::nullopt;
  std::size_t used = 0;
  long seconds = 0;
  try {
    seconds = std::stol(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used == 0 || used != text.size() || seconds <= 0) {
    throw Failure(kTrouble, "--unknown-ttl " + text + ": give seconds, or 'never'");
  }
  return std::chrono::seconds(seconds);
}

WarmOptions LibraryOptions(const Options& options) {
  WarmOptions warm;
  Apply(options.work, warm);
  warm.remove = options.remove;
  warm.journal = options.journal;
  if (!options.unknown_ttl.empty()) warm.unknown_expiration = ParseLife(options.unknown_ttl);
  if (!options.keys.file.empty()) {
    warm.keys = [keys = options.keys](const KeyVisitor& visit) {
      ForEachKey(keys, visit);
      return Result<void>();
    };
  }
  return warm;
}

void SaySummary(const Options& options, const WarmSummary& summary) {
  WarmRow sum;
  for (const WarmRow& row : summary.rows) {
    sum.keys += row.keys;
    sum.bytes += row.bytes;
    sum.copied += row.copied;
    sum.already_there += row.already_there;
    sum.gone += row.gone;
    sum.removed += row.removed;
  }
  // Named keys are looked for on each server of a plain list.
  const bool named = !options.keys.file.empty();
  std::fprintf(stderr, "%" PRIu64 " keys %s: %" PRIu64 " stay where they are, %" PRIu64 " move%s\n",
               summary.listed, named ? "named" : "listed", summary.at_home,
               sum.keys + summary.resumed, named ? " if they are there" : "");
  const auto say = [](std::uint64_t count, const char* what) {
    if (count > 0) std::fprintf(stderr, "%" PRIu64 " %s\n", count, what);
  };
  say(summary.orphans, "are not where the old layout reads them, so perhaps stale: left");
  say(summary.foreign, "are without the client's prefix: left");
  say(summary.unnameable,
      "are no keys of memcached's text protocol (1 to 250 bytes, no blanks or controls): left");
  say(summary.resumed, "were done already, says the journal");
  if (!options.work.go) {
    std::fputs("nothing was changed; --go moves them\n", stderr);
    return;
  }
  std::fprintf(stderr,
               "%" PRIu64 " copied, %" PRIu64 " already there, %" PRIu64 " gone, %" PRIu64
               " removed from the old place, %" PRIu64 " failed\n",
               sum.copied, sum.already_there, sum.gone, sum.removed, summary.failed());
  for (const std::string& failure : summary.failures) {
    std::fprintf(stderr, "  %s\n", failure.c_str());
  }
  if (summary.interrupted) {
    const std::uint64_t done = sum.copied + sum.already_there + sum.gone + summary.failed();
    std::fprintf(stderr, "broken off: %" PRIu64 " keys were not dealt with\n", sum.keys - done);
  }
}

ExitCode WarmUp(const Options& options) {
  if (!options.from.given()) {
    throw Failure(kTrouble,
                  "say where the values are: --from-config, --from-client or --from-servers");
  }
  if (!options.to.given())
    throw Failure(kTrouble, "say where they are to be: -c, --client or --servers");
  const Layout from = LoadLayout(options.from, "from");
  const Layout to = Layout::Of(LoadPlacementOf(options.to, ""));
  // The progress line ends with what is bound to it.
  const Result<WarmSummary> summary = Warm(from, to, LibraryOptions(options));
  if (!summary.ok()) throw Failure(kTrouble, summary.error().message);
  // First, for whoever reads the rows may go away.
  SaySummary(options, *summary);
  Rows rows(options.format, {"from", "to", "keys", "bytes", "copied", "copied_bytes", "renewed",
                             "already_there", "gone", "removed", "failed"});
  for (const WarmRow& row : summary->rows) {
    rows.Add({row.from, row.to, row.keys, row.bytes, row.copied, row.copied_bytes, row.renewed,
              row.already_there, row.gone, row.removed, row.failed});
  }
  rows.Finish();
  return summary->failed() > 0 || summary->interrupted ? kNo : kYes;
}

}  // namespace

void AddWarm(CLI::App& app, Run& run) {
  CLI::App* command =
      app.add_subcommand("warm", "Copy values to where a new layout looks for them");
  command->footer(kAbout);
  const auto options = std::make_shared<Options>();
  AddLayoutOptions(*command, options->from, "from", "the old layout");
  AddLayoutOptions(*command, options->to, "", "the new layout");
  AddKeyOptions(*command, options->keys);
  AddWorkOptions(*command, options->work, "move them; else only say what would move");
  command->add_flag("--remove", options->remove,
                    "remove each key from its old place, once its copy was read back");
  command
      ->add_option("--journal", options->journal,
                   "note in FILE what is done, and go on from it after an interruption; removed "
                   "when all is done")
      ->type_name("FILE")
      ->check(NotEmpty());
  command
      ->add_option("--unknown-ttl", options->unknown_ttl,
                   "how long values live whose server does not tell (before memcached 1.6, with "
                   "--keys)")
      ->type_name("SECONDS|never")
      ->check(NotEmpty());
  AddFormatOption(*command, options->format);
  command->callback([&run, options] {
    run = [options] { return RunOrTrouble([&] { return WarmUp(*options); }); };
  });
}

}  // namespace shardcache::cli
