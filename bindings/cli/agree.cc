#include <CLI/CLI.hpp>
#include <cinttypes>
#include <cstdio>
#include <memory>
#include <random>
#include <vector>

#include "bindings/cli/client.h"
#include "bindings/cli/command.h"
#include "bindings/cli/keys.h"
#include "bindings/cli/output.h"
#include "bindings/cli/pools.h"
#include "shardcache/compare.h"
#include "shardcache/remedy.h"

namespace shardcache::cli {
namespace {

constexpr const char* kAbout =
    "Says whether another client (PHP's Memcached, say) puts each key on the server on which\n"
    "twemproxy puts it; if not, why not, and which settings of either side make them agree.\n"
    "\n"
    "  shardcache agree -c nutcracker.yml --client php-memcached \\\n"
    "      --set OPT_LIBKETAMA_COMPATIBLE=true --set OPT_HASH=HASH_FNV1A_64\n"
    "  shardcache agree -c nutcracker.yml --php bootstrap.php --keys keys.txt --per-key\n"
    "\n"
    "Settings have the client's own names, and take effect in the order given: php-memcached\n"
    "forgets an OPT_HASH that comes before OPT_LIBKETAMA_COMPATIBLE. A KEY is what the\n"
    "application gives to the client; the proxy is asked for it as the client sends it, so with\n"
    "the client's prefix.\n"
    "\n"
    "Prints one row:\n"
    "  KEYS  DIFFERENT  FRACTION  LOW  HIGH  EXACT\n"
    "FRACTION of the keys are on different servers; for all keys like them it is between LOW\n"
    "and HIGH (95 %). EXACT is the part of all hashes, where both hash the same bytes by the\n"
    "same function; else it is \"-\". With --per-key instead, a row for each key:\n"
    "  KEY  PROXY_RING_NAME  CLIENT_HOST:PORT  agree|differ\n"
    "The rest is said on stderr. Without --keys, keys are made up.\n"
    "\n"
    "Exit codes: 0 every key agrees; 1 not; 2 wrong usage, or a file is not readable.";

struct Options {
  PoolOptions pool;
  ClientOptions client;
  KeyOptions keys;
  bool per_key = false;
  Format format = Format::kTsv;
};

constexpr int kGenerated = 100000;

// Half numbered, half random; the same in every run.
std::vector<std::string> GeneratedKeys() {
  std::mt19937_64 random(20140101);
  std::vector<std::string> keys;
  for (int i = 0; i < kGenerated / 2; ++i) {
    keys.push_back("key:" + std::to_string(i));
    char text[24];
    std::snprintf(text, sizeof text, "%016" PRIx64, static_cast<std::uint64_t>(random()));
    keys.emplace_back(text);
  }
  return keys;
}

Placement LoadProxy(const PoolConfig& pool) {
  Result<Placement> placement = Placement::Create(pool);
  if (!placement.ok()) throw Failure(kTrouble, placement.error().message);
  if (pool.distribution == Distribution::kRandom && placement->servers().size() > 1) {
    throw Failure(kNo, "pool '" + pool.name +
                           "' has distribution random: a key has no server of its own, so no "
                           "client can agree");
  }
  return *std::move(placement);
}

ClientModel LoadModel(const ClientSetup& setup) {
  Result<ClientModel> model = ModelClient(setup);
  if (!model.ok()) throw Failure(kTrouble, model.error().message);
  for (const ClientInfo& info : Clients()) {
    if (info.name == setup.client && info.verified == Verified::kFromSource) {
      std::fprintf(stderr, "UNVERIFIED: the model of %s is from its source (%s); it was not run\n",
                   setup.client.c_str(), std::string(info.evidence).c_str());
    }
  }
  for (const std::string& note : model->notes) std::fprintf(stderr, "note: %s\n", note.c_str());
  return *std::move(model);
}

// Feeds all keys to `comparer`, and prints their rows if asked to.
void CompareKeys(const Options& options, const Placement& proxy, const Placement& client,
                 Comparer& comparer, Rows& rows) {
  std::vector<std::string> addresses;
  for (const Server& server : client.servers()) addresses.push_back(server.address());
  const auto visit = [&](std::span<const std::string_view> keys) {
    comparer.Add(keys);
    if (!options.per_key) return;
    for (std::string_view key : keys) {
      const auto [first, second] = comparer.Locate(key);
      rows.Add({key, proxy.server(first).name, addresses[second],
                comparer.SameServer(first, second) ? "agree" : "differ"});
    }
  };
  if (!options.keys.file.empty()) {
    ForEachKey(options.keys, visit);
    return;
  }
  const std::vector<std::string> keys = GeneratedKeys();
  visit(std::vector<std::string_view>(keys.begin(), keys.end()));
}

void SayResult(const Options& options, const Placement& proxy, const Placement& client,
               const Comparison& result, const std::optional<ExactComparison>& exact) {
  std::fprintf(stderr, "%" PRIu64 " of %" PRIu64 " keys differ (%.4g %%; 95 %%: %.4g to %.4g %%)",
               result.disagreements, result.keys, 100 * result.fraction, 100 * result.interval.low,
               100 * result.interval.high);
  if (options.keys.file.empty()) {
    std::fprintf(stderr, "; keys made up: half \"key:0\" to \"key:%d\", half 16 random hex digits",
                 kGenerated / 2 - 1);
  }
  std::fputs("\n", stderr);
  if (exact) {
    std::fprintf(stderr, "exactly: %" PRIu64 " of all %" PRIu64 " hashes differ (%.4g %%)\n",
                 exact->disagreements, exact->hashes, 100 * exact->fraction);
  }
  for (std::size_t i = 0; i < std::min<std::size_t>(result.examples.size(), 3); ++i) {
    const Difference& example = result.examples[i];
    std::fprintf(stderr, "  e.g. %s: the proxy has it on %s, %s on %s\n",
                 Escaped(example.key).c_str(), proxy.server(example.first).name.c_str(),
                 options.client.client.empty() ? "PHP" : options.client.client.c_str(),
                 client.server(example.second).address().c_str());
  }
}

void SayIndented(const std::string& text) {
  std::string line;
  for (const char c : text) {
    if (c != '\n') {
      line += c;
      continue;
    }
    std::fprintf(stderr, "      %s\n", line.c_str());
    line.clear();
  }
}

void SaySide(const char* side, const std::vector<std::string>& changes, double moves,
             const std::string& snippet) {
  if (changes.empty()) return;
  std::string text;
  for (const std::string& change : changes) text += (text.empty() ? "" : "; ") + change;
  std::fprintf(stderr, "   %s: %s. Moves %.3g %% of its keys\n", side, text.c_str(), 100 * moves);
  SayIndented(snippet);
}

void SayAdvice(const Advice& advice) {
  if (advice.agree) return;
  std::fputs("why:\n", stderr);
  for (const std::string& reason : advice.reasons) std::fprintf(stderr, " - %s\n", reason.c_str());
  int number = 0;
  for (const Remedy& remedy : advice.remedies) {
    std::fprintf(stderr, "remedy %d: then %.7g %% of all hashes agree\n", ++number,
                 100 * remedy.agreement);
    SaySide("client", remedy.client_changes, remedy.client_moves, remedy.client_snippet);
    SaySide("nutcracker.yml", remedy.pool_changes, remedy.pool_moves, remedy.pool_snippet);
  }
  if (!advice.verdict.empty()) std::fprintf(stderr, "%s\n", advice.verdict.c_str());
}

ExitCode Agree(const Options& options) {
  const PoolConfig pool = LoadPool(options.pool);
  const Placement proxy = LoadProxy(pool);
  const ClientSetup setup = LoadClient(options.client, pool);
  const ClientModel model = LoadModel(setup);
  Comparer comparer(proxy, model.placement);
  Rows rows(options.format, options.per_key
                                ? std::vector<std::string>{"key", "proxy", "client", "verdict"}
                                : std::vector<std::string>{"keys", "different", "fraction", "low",
                                                           "high", "exact"});
  CompareKeys(options, proxy, model.placement, comparer, rows);
  const Comparison result = comparer.Result();
  const std::optional<ExactComparison> exact = comparer.Exact();
  if (!options.per_key) {
    rows.Add({result.keys, result.disagreements, result.fraction, result.interval.low,
              result.interval.high, exact ? Cell(exact->fraction) : Cell("-")});
  }
  rows.Finish();
  SayResult(options, proxy, model.placement, result, exact);
  const bool made_up = options.keys.file.empty();
  const bool agree = result.disagreements == 0 && !(made_up && exact && exact->disagreements > 0);
  if (agree) return kYes;
  const auto advice = Advise(pool, setup);
  if (!advice.ok()) throw Failure(kTrouble, advice.error().message);
  SayAdvice(*advice);
  return kNo;
}

}  // namespace

void AddAgree(CLI::App& app, Run& run) {
  CLI::App* command =
      app.add_subcommand("agree", "Does another client put keys where twemproxy does?");
  command->footer(kAbout);
  const auto options = std::make_shared<Options>();
  AddWholePoolOptions(*command, options->pool);
  AddClientOptions(*command, options->client);
  AddKeyOptions(*command, options->keys);
  command->add_flag("--per-key", options->per_key, "a row for each key");
  AddFormatOption(*command, options->format);
  command->callback([&run, options] { run = [options] { return Agree(*options); }; });
}

}  // namespace shardcache::cli
