// What a client did, as figures for people and for Prometheus.
#ifndef SHARDCACHE_CLIENT_METRICS_H_
#define SHARDCACHE_CLIENT_METRICS_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shardcache/export.h"
#include "shardcache/router.h"

namespace shardcache::inline v0 {

// How long things took, in buckets that grow by a seventh to a quarter each: any quantile is known
// to within that. A plain value.
class SHARDCACHE_EXPORT LatencyHistogram {
 public:
  static constexpr std::size_t kBuckets = 128;

  // The bucket of `latency`, and the latency up to which a bucket goes, included. The last one
  // takes whatever is longer.
  static std::size_t BucketOf(std::chrono::nanoseconds latency);
  static std::chrono::nanoseconds UpperBound(std::size_t bucket);

  std::uint64_t count() const;
  // The upper bound of the bucket in which that part of all latencies is reached; 0 if there are
  // none. REQUIRES: 0 <= quantile <= 1.
  std::chrono::nanoseconds Quantile(double quantile) const;

  std::array<std::uint64_t, kBuckets> buckets{};
  std::chrono::nanoseconds sum{0};
};

// Of one server, since the client was made. Each number only grows, but for `open`.
struct ServerMetrics {
  std::string name;              // ring name
  std::uint64_t operations = 0;  // keys asked for, changed or deleted; each attempt counts
  std::uint64_t hits = 0;        // of gets
  std::uint64_t misses = 0;      // of gets
  std::uint64_t refusals = 0;    // ERROR, CLIENT_ERROR and SERVER_ERROR answers
  std::uint64_t guarded = 0;     // stale values that were removed instead of being read
  std::array<std::uint64_t, kFailureKinds> failures{};  // of connections, by FailureKind
  std::uint64_t connections = 0;                        // made
  std::uint64_t open = 0;                               // now
  std::uint64_t ejections = 0;  // by the Router, whoever reported the failures
  std::uint64_t readmissions = 0;
  LatencyHistogram latency = {};  // of round trips, however many requests they held
};

struct ClientMetrics {
  std::vector<ServerMetrics> servers;  // by server index
};

// The figures in Prometheus' text format, each with the labels pool and server. Metrics are
// called shardcache_client_...; names and labels stay as they are within a major version.
SHARDCACHE_EXPORT std::string PrometheusText(const ClientMetrics& metrics, std::string_view pool);

}  // namespace shardcache::inline v0

#endif  // SHARDCACHE_CLIENT_METRICS_H_
