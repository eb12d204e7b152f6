#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <functional>
#include <numeric>

#include "shardcache/client_metrics.h"

namespace shardcache::inline v0 {
namespace {

using std::chrono::nanoseconds;

// Each doubling from 1 us on is cut into four buckets.
constexpr std::size_t kParts = 4;

void AppendLabelled(std::string_view metric, std::string_view labels, double value,
                    std::string* text) {
  char number[32];
  std::snprintf(number, sizeof number, "%.17g", value);
  text->append(metric).append("{").append(labels).append("} ").append(number).append("\n");
}

std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\' || c == '"') escaped.push_back('\\');
    escaped += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return escaped;
}

std::string Labels(std::string_view pool, std::string_view server) {
  return "pool=\"" + Escaped(pool) + "\",server=\"" + Escaped(server) + "\"";
}

void AppendHeader(std::string_view metric, std::string_view type, std::string_view help,
                  std::string* text) {
  text->append("# HELP ").append(metric).append(" ").append(help).append("\n# TYPE ");
  text->append(metric).append(" ").append(type).append("\n");
}

void AppendLatency(const ClientMetrics& metrics, std::string_view pool, std::string* text) {
  const std::string name = "shardcache_client_round_trip_seconds";
  AppendHeader(name, "histogram", "Time from a request to its last answer.", text);
  for (const ServerMetrics& server : metrics.servers) {
    const std::string labels = Labels(pool, server.name);
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < LatencyHistogram::kBuckets; ++i) {
      sum += server.latency.buckets[i];
      if (i % kParts != kParts - 1 || i == LatencyHistogram::kBuckets - 1) continue;
      char bound[32];
      std::snprintf(bound, sizeof bound, "%.9g",
                    std::chrono::duration<double>(LatencyHistogram::UpperBound(i)).count());
      AppendLabelled(name + "_bucket", labels + ",le=\"" + bound + "\"", static_cast<double>(sum),
                     text);
    }
    AppendLabelled(name + "_bucket", labels + ",le=\"+Inf\"", static_cast<double>(sum), text);
    AppendLabelled(name + "_sum", labels, std::chrono::duration<double>(server.latency.sum).count(),
                   text);
    AppendLabelled(name + "_count", labels, static_cast<double>(sum), text);
  }
}

}  // namespace

std::size_t LatencyHistogram::BucketOf(nanoseconds latency) {
  const auto us =
      static_cast<std::uint64_t>(std::max<std::int64_t>(latency.count(), 0) + 999) / 1000;
  if (us <= 1) return 0;
  // Of us - 1: the highest bit, and the two after it.
  const std::uint64_t n = us - 1;
  const auto exponent = static_cast<std::size_t>(std::bit_width(n) - 1);
  const std::size_t part = exponent >= 2 ? (n >> (exponent - 2)) & 3 : (n << (2 - exponent)) & 3;
  return std::min(1 + exponent * kParts + part, kBuckets - 1);
}

nanoseconds LatencyHistogram::UpperBound(std::size_t bucket) {
  if (bucket == 0) return std::chrono::microseconds(1);
  const std::size_t exponent = (bucket - 1) / kParts;
  const std::size_t part = (bucket - 1) % kParts;
  // In quarters of a microsecond, for the first doublings have no four whole ones.
  const std::uint64_t quarters = ((kParts + part + 1) << exponent);
  return nanoseconds(static_cast<std::int64_t>((quarters + 3) / 4 * 1000));
}

std::uint64_t LatencyHistogram::count() const {
  return std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
}

nanoseconds LatencyHistogram::Quantile(double quantile) const {
  const std::uint64_t total = count();
  if (total == 0) return nanoseconds(0);
  const auto wanted = std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(std::ceil(quantile * static_cast<double>(total))));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += buckets[i];
    if (seen >= wanted) return UpperBound(i);
  }
  return UpperBound(kBuckets - 1);
}

std::string PrometheusText(const ClientMetrics& metrics, std::string_view pool) {
  std::string text;
  const auto all = [&](std::string_view name, std::string_view type, std::string_view help,
                       const std::function<std::uint64_t(const ServerMetrics&)>& value) {
    const std::string metric = "shardcache_client_" + std::string(name);
    AppendHeader(metric, type, help, &text);
    for (const ServerMetrics& server : metrics.servers) {
      AppendLabelled(metric, Labels(pool, server.name), static_cast<double>(value(server)), &text);
    }
  };
  using M = const ServerMetrics&;
  all("operations_total", "counter", "Keys asked for, changed or deleted.",
      [](M m) { return m.operations; });
  all("hits_total", "counter", "Gets that found a value.", [](M m) { return m.hits; });
  all("misses_total", "counter", "Gets that found none.", [](M m) { return m.misses; });
  all("refusals_total", "counter", "Answers ERROR, CLIENT_ERROR or SERVER_ERROR.",
      [](M m) { return m.refusals; });
  all("guarded_total", "counter", "Stale values removed instead of being read.",
      [](M m) { return m.guarded; });
  all("connections_total", "counter", "Connections made.", [](M m) { return m.connections; });
  all("connections_open", "gauge", "Connections that are open.", [](M m) { return m.open; });
  all("ejections_total", "counter", "Times the server was ejected.",
      [](M m) { return m.ejections; });
  all("readmissions_total", "counter", "Times the server was readmitted.",
      [](M m) { return m.readmissions; });
  const std::string failures = "shardcache_client_failures_total";
  AppendHeader(failures, "counter", "Connections that failed, by kind.", &text);
  for (const ServerMetrics& server : metrics.servers) {
    for (std::size_t i = 0; i < kFailureKinds; ++i) {
      const std::string kind(FailureKindName(static_cast<FailureKind>(i)));
      AppendLabelled(failures, Labels(pool, server.name) + ",kind=\"" + kind + "\"",
                     static_cast<double>(server.failures[i]), &text);
    }
  }
  AppendLatency(metrics, pool, &text);
  return text;
}

}  // namespace shardcache::inline v0
