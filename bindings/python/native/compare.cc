#include "shardcache/compare.h"

#include "bindings/python/native/convert.h"
#include "bindings/python/native/keys.h"
#include "bindings/python/native/module.h"

namespace shardcache::python {
namespace {

// (from, to, amount) of each.
py::list FromFlows(const std::vector<Flow>& flows) {
  py::list result;
  for (const Flow& flow : flows) result.append(py::make_tuple(flow.from, flow.to, flow.amount));
  return result;
}

// (keys, disagreements, fraction, low, high, flows, examples).
py::tuple CompareKeys(const Placement& first, const Placement& second, const py::object& keys,
                      std::size_t most_examples) {
  Comparer comparer(first, second, most_examples);
  ForEachKeys(keys, [&](KeySpan some) { comparer.Add(some); });
  const Comparison comparison = comparer.Result();
  py::list examples;
  for (const Difference& example : comparison.examples) {
    examples.append(py::make_tuple(py::bytes(example.key), example.first, example.second));
  }
  return py::make_tuple(comparison.keys, comparison.disagreements, comparison.fraction,
                        comparison.interval.low, comparison.interval.high,
                        FromFlows(comparison.flows), examples);
}

// (hashes, disagreements, fraction, flows), or None where it cannot be counted.
py::object CompareExactly(const Placement& first, const Placement& second) {
  const std::optional<ExactComparison> exact = [&] {
    const py::gil_scoped_release release;
    return Comparer(first, second).Exact();
  }();
  if (!exact) return py::none();
  return py::make_tuple(exact->hashes, exact->disagreements, exact->fraction,
                        FromFlows(exact->flows));
}

}  // namespace

void DefineCompare(py::module_& module) {
  module.def("compare", &CompareKeys);
  module.def("compare_exactly", &CompareExactly);
  module.def("wilson_interval", [](std::uint64_t successes, std::uint64_t trials) {
    const Interval interval = WilsonInterval(successes, trials);
    return std::pair(interval.low, interval.high);
  });
}

}  // namespace shardcache::python
