// How `shardcache bench` shows what it measured.
#ifndef SHARDCACHE_BINDINGS_CLI_BENCH_REPORT_H_
#define SHARDCACHE_BINDINGS_CLI_BENCH_REPORT_H_

#include <string>
#include <vector>

#include "bindings/cli/bench_figures.h"
#include "bindings/cli/bench_run.h"
#include "bindings/cli/bench_workload.h"

namespace shardcache::cli {

// What became of one target.
struct Measurement {
  const Target* target = nullptr;
  Tally all;                  // of its rounds
  std::vector<double> rates;  // of each round, in requests a second
  Tally unmeasured;           // what was stored, and asked, before
  double rate = 0;            // their median
  double ratio = 1;           // of it to the first target's
};

enum class BenchFormat { kText, kTsv, kJson };

// Computes `rate` and `ratio`. REQUIRES: a round.
void SetRates(std::vector<Measurement>* measurements);

// Writes all of it to stdout. Throws Failure if that fails.
void Report(const std::vector<Measurement>& measurements, const WorkloadOptions& workload,
            const Phase& phase, BenchFormat format);

}  // namespace shardcache::cli

#endif  // SHARDCACHE_BINDINGS_CLI_BENCH_REPORT_H_
