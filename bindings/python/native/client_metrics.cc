#include "shardcache/client_metrics.h"

#include <string>

#include "bindings/python/native/convert.h"
#include "bindings/python/native/error.h"
#include "bindings/python/native/module.h"

namespace shardcache::python {
namespace {

double Seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

double Quantile(const LatencyHistogram& histogram, double quantile) {
  if (!(quantile >= 0 && quantile <= 1)) {  // also for NaN
    throw Failure({ErrorCode::kInvalidArgument,
                   "a quantile is from 0 to 1, and not " + std::to_string(quantile)});
  }
  return Seconds(histogram.Quantile(quantile));
}

// (latency up to which it goes, count) of each bucket that is not empty.
py::list Buckets(const LatencyHistogram& histogram) {
  py::list buckets;
  for (std::size_t i = 0; i < LatencyHistogram::kBuckets; ++i) {
    if (histogram.buckets[i] == 0) continue;
    buckets.append(py::make_tuple(Seconds(LatencyHistogram::UpperBound(i)), histogram.buckets[i]));
  }
  return buckets;
}

// (name, operations, hits, misses, refusals, guarded, failures by kind, connections, open,
// ejections, readmissions, latency) of each server.
py::list Servers(const ClientMetrics& metrics) {
  py::list servers;
  for (const ServerMetrics& one : metrics.servers) {
    py::dict failures;
    for (std::size_t i = 0; i < kFailureKinds; ++i) {
      failures[py::str(FailureKindName(static_cast<FailureKind>(i)))] = one.failures[i];
    }
    servers.append(py::make_tuple(ToText(one.name), one.operations, one.hits, one.misses,
                                  one.refusals, one.guarded, failures, one.connections, one.open,
                                  one.ejections, one.readmissions, one.latency));
  }
  return servers;
}

}  // namespace

void DefineClientMetrics(py::module_& module) {
  py::class_<LatencyHistogram>(module, "LatencyHistogram")
      .def("count", &LatencyHistogram::count)
      .def("sum", [](const LatencyHistogram& self) { return Seconds(self.sum); })
      .def("quantile", &Quantile)
      .def("buckets", &Buckets);
  py::class_<ClientMetrics>(module, "ClientMetrics")
      .def("servers", &Servers)
      .def("prometheus", [](const ClientMetrics& self, std::string_view pool) {
        return ToText(PrometheusText(self, pool));
      });
}

}  // namespace shardcache::python
