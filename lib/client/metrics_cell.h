// The counters of one connection, written by its client and read by anybody.
#ifndef SHARDCACHE_LIB_CLIENT_METRICS_CELL_H_
#define SHARDCACHE_LIB_CLIENT_METRICS_CELL_H_

#include <array>
#include <atomic>
#include <cstdint>

#include "shardcache/client_metrics.h"

namespace shardcache::inline v0::internal {

// A number that one thread at a time adds to: cheaper than an atomic addition.
class Tally {
 public:
  void Add(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void Set(std::uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

struct MetricsCell {
  Tally operations, hits, misses, refusals, guarded, connections, open, latency_sum;
  std::array<Tally, kFailureKinds> failures;
  std::array<Tally, LatencyHistogram::kBuckets> latency;

  void Observe(std::chrono::nanoseconds took) {
    latency[LatencyHistogram::BucketOf(took)].Add();
    latency_sum.Add(static_cast<std::uint64_t>(took.count()));
  }

  void AddTo(ServerMetrics* sum) const {
    sum->operations += operations.get();
    sum->hits += hits.get();
    sum->misses += misses.get();
    sum->refusals += refusals.get();
    sum->guarded += guarded.get();
    sum->connections += connections.get();
    sum->open += open.get();
    for (std::size_t i = 0; i < failures.size(); ++i) sum->failures[i] += failures[i].get();
    for (std::size_t i = 0; i < latency.size(); ++i) sum->latency.buckets[i] += latency[i].get();
    sum->latency.sum += std::chrono::nanoseconds(latency_sum.get());
  }
};

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_CLIENT_METRICS_CELL_H_
