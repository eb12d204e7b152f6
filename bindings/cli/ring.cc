#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>

#include "bindings/cli/command.h"
#include "bindings/cli/output.h"
#include "bindings/cli/pools.h"

namespace shardcache::cli {
namespace {

constexpr const char* kAbout =
    "Shows how twemproxy divides the hashes among the servers of a pool.\n"
    "\n"
    "Prints a row for each server, in twemproxy's order:\n"
    "  INDEX  RING_NAME  HOST:PORT  WEIGHT  POINTS  SHARE\n"
    "POINTS are the points of the ketama ring, or the slots of the modula table; SHARE is the\n"
    "part of all 2^32 hashes, 0 to 1, that leads to the server. A server that is down has 0.\n"
    "On stderr: the pool's rule and its fingerprint. Two processes with one fingerprint place\n"
    "every key alike.";

struct Options {
  PoolOptions pool;
  Format format = Format::kTsv;
};

ExitCode Ring(const Options& options) {
  const Placement placement = LoadPlacement(options.pool);
  Rows rows(options.format, {"index", "ring_name", "address", "weight", "points", "share"});
  const std::vector<double> shares = placement.Shares();
  std::uint64_t points = 0;
  for (ServerIndex index = 0; index < placement.servers().size(); ++index) {
    const Server& server = placement.server(index);
    const std::string address = server.address();
    const std::uint64_t count = placement.PointCount(index);
    points += count;
    rows.Add({std::uint64_t{index}, server.name, address, std::uint64_t{server.weight}, count,
              shares[index]});
  }
  rows.Finish();
  const double mean = 1.0 / static_cast<double>(placement.live().size());
  const double most = *std::max_element(shares.begin(), shares.end());
  std::fprintf(stderr,
               "%s, hash %s: %zu of %zu servers live, %llu points, largest share %.2f of the "
               "mean, fingerprint %016llx\n",
               std::string(DistributionName(placement.distribution())).c_str(),
               std::string(HashName(placement.hash_function())).c_str(), placement.live().size(),
               placement.servers().size(), static_cast<unsigned long long>(points), most / mean,
               static_cast<unsigned long long>(placement.fingerprint()));
  return kYes;
}

}  // namespace

void AddRing(CLI::App& app, Run& run) {
  CLI::App* command = app.add_subcommand("ring", "How are the hashes divided?");
  command->footer(kAbout);
  const auto options = std::make_shared<Options>();
  AddPoolOptions(*command, options->pool);
  AddFormatOption(*command, options->format);
  command->callback([&run, options] { run = [options] { return Ring(*options); }; });
}

}  // namespace shardcache::cli
