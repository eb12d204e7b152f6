#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "bindings/cli/bench_report.h"
#include "bindings/cli/bench_run.h"
#include "bindings/cli/bench_workload.h"
#include "bindings/cli/command.h"
#include "shardcache/client.h"

namespace shardcache::cli {
namespace {

constexpr const char* kAbout =
    "Sends the same load to several targets, one after the other, and shows their rates and\n"
    "response times beside those of the first. A target is\n"
    "  direct=HOST:PORT,...   memcached servers: each connection has one of them, in turn\n"
    "  proxy=HOST:PORT,...    nutcrackers of the same pool: the same\n"
    "  client=FILE[:POOL]     the servers of a pool, by this library's own client\n"
    "HOST:PORT may be the /PATH of a unix socket.\n"
    "\n"
    "What it does to live servers: it sends as much as they can take, unless --rate says less,\n"
    "and it stores up to --keys values. They are all under --prefix and expire after --expire\n"
    "seconds, so no key of yours is touched; but memory that they take may be taken from\n"
    "others. For servers that are not on this machine --go is needed.\n"
    "\n"
    "A connection has one request under way. It makes --calls of them and is closed, and the\n"
    "next one is opened, until --connections were made; --at-once of them exist at a time.\n"
    "With --rate, requests are begun at even intervals, and response times count from the\n"
    "moment at which a request was due, so that a server's pauses are not hidden; else they\n"
    "count from its sending. Connecting is not counted, except for the client, which connects\n"
    "to a server when it first has a key of it. Each answer is checked, values byte for byte.\n"
    "Before a load with gets all keys are stored.\n"
    "\n"
    "One thread drives all connections by events, or --threads of them. With --blocking, and\n"
    "where a client is among the targets, each connection of each target has a thread that\n"
    "waits for its answer instead, so that like is compared with like. A connection of a\n"
    "client is a client, which has one to each server.\n"
    "\n"
    "Sizes are as for mcperf: d100 (always 100 bytes), u1,16 (from 1 to less than 16), e100\n"
    "(exponential, 100 on average).\n"
    "\n"
    "  shardcache bench --target direct=127.0.0.1:11211 --target proxy=127.0.0.1:22121 \\\n"
    "      --connections 20000 --calls 10 --sizes u1,16\n"
    "  shardcache bench --target client=nutcracker.yml:alpha --method mix --get-ratio 0.9 \\\n"
    "      --connections 16 --calls 10000 --rate 5000 --format json\n"
    "\n"
    "tsv is a row for each target, times in microseconds:\n"
    "  TARGET  REQUESTS  ERRORS  SECONDS  RATE  RATIO  AVG  P50  P95  P99  P999  MAX\n"
    "RATE is requests a second, those that failed too, with --rounds the median of the rounds';\n"
    "RATIO is it over the first target's.\n"
    "\n"
    "Exit codes: 0 all requests were answered, and rightly (a miss is an answer); 1 some\n"
    "failed; 2 wrong usage, or a file is not readable or not valid.";

struct Options {
  std::vector<std::string> targets;
  std::string method = "set";
  double get_ratio = 0.9;
  std::uint64_t connections = 50;
  std::uint64_t warm_up = 0;
  std::uint64_t rounds = 1;
  double rate = 0;
  double timeout = 1;
  bool go = false;
  WorkloadOptions workload;
  Phase phase;
  BenchFormat format = BenchFormat::kText;
};

// More of them would measure the scheduler.
constexpr unsigned kMostThreads = 1000;

std::vector<Target> ParseTargets(const Options& options) {
  std::vector<Target> targets;
  for (const std::string& text : options.targets) {
    targets.push_back(Target::Parse(text));
    const Target& target = targets.back();
    if (!options.go && !target.IsLocal()) {
      throw Failure(kTrouble, "--target " + text +
                                  ": not all of its servers are on this machine; --go sends the "
                                  "load all the same");
    }
    if (target.kind != Target::Kind::kClient) continue;
    const Result<Client> client = Client::Create(target.pool);
    if (!client.ok()) throw Failure(kTrouble, "--target " + text + ": " + client.error().message);
  }
  return targets;
}

// Stores all keys where gets will look for them.
Tally Fill(const Target& target, const Workload& workload, const Phase& like) {
  Phase phase = like;
  phase.requests = Phase::Requests::kSetEachKey;
  phase.rate = std::nullopt;
  phase.count = workload.keys();
  phase.at_once = std::min(like.at_once, 50U);
  phase.calls = (phase.count + phase.at_once - 1) / phase.at_once;  // of connections that stay
  if (target.kind != Target::Kind::kDirect) {
    Target one = target;
    // Behind each of the proxies are the same servers.
    if (target.kind == Target::Kind::kProxy) one.servers.resize(1);
    return SendLoad(one, workload, phase);
  }
  Tally all;
  for (const Server& server : target.servers) {
    Target one = target;
    one.servers = {server};
    all.Merge(SendLoad(one, workload, phase));
  }
  return all;
}

ExitCode Bench(const Options& options) {
  WorkloadOptions workload_options = options.workload;
  if (options.method == "set") workload_options.get_ratio = 0;
  if (options.method == "get") workload_options.get_ratio = 1;
  if (options.method == "mix") workload_options.get_ratio = options.get_ratio;
  const Workload workload(workload_options);

  Phase phase = options.phase;
  if (options.connections > ~std::uint64_t{0} / phase.calls) {
    throw Failure(kTrouble, "--connections: too many calls");
  }
  phase.count = options.connections * phase.calls;
  phase.at_once =
      static_cast<unsigned>(std::min<std::uint64_t>(phase.at_once, options.connections));
  if (options.rate > 0) phase.rate = options.rate;
  phase.timeout = std::chrono::milliseconds(static_cast<std::int64_t>(1e3 * options.timeout));

  const std::vector<Target> targets = ParseTargets(options);
  // A client has threads that wait, and what it is compared with is measured in the same way.
  phase.blocking |= std::any_of(targets.begin(), targets.end(), [](const Target& target) {
    return target.kind == Target::Kind::kClient;
  });
  if (phase.blocking && phase.at_once > kMostThreads) {
    throw Failure(kTrouble,
                  "--at-once: each blocking connection has a thread, and 1000 are the most");
  }
  std::fprintf(stderr, "storing up to %.1f MB under \"%s...\", for %lld seconds\n",
               1e-6 * workload.Volume(), workload_options.prefix.c_str(),
               static_cast<long long>(workload.expire()));
  std::vector<Measurement> measurements(targets.size());
  for (std::uint64_t round = 0; round < options.rounds; ++round) {
    for (std::size_t i = 0; i < targets.size(); ++i) {
      Measurement& measured = measurements[i];
      measured.target = &targets[i];
      if (round == 0 && workload.has_gets()) {
        measured.unmeasured.Merge(Fill(targets[i], workload, phase));
      }
      Phase warm_up = phase;
      warm_up.count = options.warm_up;
      warm_up.calls = (warm_up.count + warm_up.at_once - 1) / warm_up.at_once;
      if (warm_up.count > 0) measured.unmeasured.Merge(SendLoad(targets[i], workload, warm_up));
      const Tally tally = SendLoad(targets[i], workload, phase);
      measured.rates.push_back(tally.Rate());
      measured.all.Merge(tally);
    }
  }
  SetRates(&measurements);
  Report(measurements, workload_options, phase, options.format);
  const bool failed = std::any_of(measurements.begin(), measurements.end(), [](const auto& m) {
    return m.all.errors() + m.unmeasured.errors() > 0;
  });
  return failed ? kNo : kYes;
}

void AddLoadOptions(CLI::App& command, Options& options) {
  const auto count = [](double most) { return NumberFrom(1, most); };
  command.add_option("--connections", options.connections, "how many, in all (default 50)")
      ->type_name("N")
      ->check(count(1e9));
  command.add_option("--calls", options.phase.calls, "requests on each of them (default 1000)")
      ->type_name("N")
      ->check(count(1e9));
  command
      .add_option("--at-once", options.phase.at_once,
                  "connections that exist at the same time at most (default 50)")
      ->type_name("N")
      ->check(count(1e6));
  command.add_option("--threads", options.phase.threads, "that drive them (default 1)")
      ->type_name("N")
      ->check(count(1000));
  command.add_flag("--blocking", options.phase.blocking,
                   "a thread for each connection, that waits for its answers, as applications do");
  command
      .add_option("--rate", options.rate,
                  "requests begun each second, by all together; unless given, as fast as answers "
                  "come")
      ->type_name("N")
      ->check(NumberFrom(0.001, 1e9));
  command.add_option("--timeout", options.timeout, "seconds for an answer (default 1)")
      ->type_name("SECONDS")
      ->check(NumberFrom(0.001, 3600));
  command.add_option("--warm-up", options.warm_up, "requests before the measured ones (default 0)")
      ->type_name("N")
      ->check(NumberFrom(0, 1e12));
  command
      .add_option("--rounds", options.rounds, "measure the targets in turn, N times (default 1)")
      ->type_name("N")
      ->check(count(1e6));
}

void AddWorkloadOptions(CLI::App& command, Options& options) {
  WorkloadOptions& workload = options.workload;
  command.add_option("--method", options.method, "set, get or mix (default set)")
      ->type_name("set|get|mix")
      ->check(CLI::IsMember({"set", "get", "mix"}).description(""));
  command.add_option("--get-ratio", options.get_ratio, "of mix: the part of gets (default 0.9)")
      ->type_name("0..1")
      ->check(NumberFrom(0, 1));
  command.add_option("--sizes", workload.sizes, "of values (default u1,16)")->type_name("SIZES");
  command.add_option("--keys", workload.keys, "how many different ones (default 10000)")
      ->type_name("N")
      ->check(NumberFrom(1, 1e12));
  command.add_option("--key-size", workload.key_size, "bytes of each key; unless given, no matter")
      ->type_name("N")
      ->check(NumberFrom(1, 250));
  command.add_option("--prefix", workload.prefix, "of the keys (default shardcache-bench:)")
      ->type_name("TEXT");
  command.add_option("--expire", workload.expire, "seconds that a value lives (default 300)")
      ->type_name("SECONDS")
      ->check(NumberFrom(1, 30.0 * 86400));
  command.add_option("--seed", workload.seed, "of keys, sizes and their order (default 1)")
      ->type_name("N");
}

}  // namespace

void AddBench(CLI::App& app, Run& run) {
  CLI::App* command = app.add_subcommand("bench", "How fast are servers, proxies, our client?");
  command->footer(kAbout);
  const auto options = std::make_shared<Options>();
  options->phase.calls = 1000;
  options->phase.at_once = 50;
  command->add_option("--target", options->targets, "see below; may be given again")
      ->type_name("KIND=WHERE")
      ->allow_extra_args(false)
      ->required();
  AddLoadOptions(*command, *options);
  AddWorkloadOptions(*command, *options);
  command->add_flag("--go", options->go, "also where servers are not on this machine");
  command
      ->add_option("--format", options->format,
                   "text: for people, in mcperf's form; tsv; json: one object a line (default "
                   "text)")
      ->type_name("text|tsv|json")
      ->transform(OneOf({"text", "tsv", "json"}));
  command->callback([&run, options] {
    run = [options] { return RunOrTrouble([&] { return Bench(*options); }); };
  });
}

}  // namespace shardcache::cli
