#include "shardcache/analysis.h"

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "bindings/python/native/convert.h"
#include "bindings/python/native/error.h"
#include "bindings/python/native/module.h"

namespace shardcache::python {
namespace {

void CheckSignals() {
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
}

py::tuple FromEffect(const EjectionEffect& effect) {
  return py::make_tuple(effect.server, effect.own, effect.survivors, effect.survivors_moved,
                        effect.points_lost, effect.points_gained, effect.servers_changed,
                        effect.why);
}

// One server after the other, so that the user can stop it between them.
std::vector<EjectionEffect> OverAllHashes(const Placement& placement) {
  std::vector<EjectionEffect> effects;
  for (ServerIndex server : placement.live()) {
    {
      const py::gil_scoped_release release;
      effects.push_back(Unwrap(EjectionEffectOf(placement, server)));
    }
    CheckSignals();
  }
  return effects;
}

// Some hashes after the other, for the same reason: counts of keys add up.
std::vector<EjectionEffect> OverHashes(const Placement& placement,
                                       std::span<const std::uint32_t> hashes) {
  constexpr std::size_t kAtOnce = std::size_t{1} << 20;
  std::vector<EjectionEffect> sum;
  do {
    const auto some = hashes.first(std::min(kAtOnce, hashes.size()));
    hashes = hashes.subspan(some.size());
    std::vector<EjectionEffect> effects;
    {
      const py::gil_scoped_release release;
      effects = Unwrap(EjectionEffects(placement, some));
    }
    if (sum.empty()) {
      sum = std::move(effects);
    } else {
      for (std::size_t i = 0; i < sum.size(); ++i) {
        sum[i].own += effects[i].own;
        sum[i].survivors += effects[i].survivors;
        sum[i].survivors_moved += effects[i].survivors_moved;
      }
    }
    CheckSignals();
  } while (!hashes.empty());
  return sum;
}

// `hashes`: a buffer of 32-bit unsigned numbers, or None for all there can be.
py::list Effects(const Placement& placement, const std::optional<py::buffer>& hashes) {
  std::vector<EjectionEffect> effects;
  if (hashes) {
    const py::buffer_info info = hashes->request();
    effects = OverHashes(placement, {static_cast<const std::uint32_t*>(info.ptr),
                                     static_cast<std::size_t>(info.size)});
  } else {
    effects = OverAllHashes(placement);
  }
  py::list result;
  for (const EjectionEffect& effect : effects) result.append(FromEffect(effect));
  return result;
}

}  // namespace

void DefineAnalysis(py::module_& module) {
  module.def("routing_change", [](const Placement& from, const Placement& to) {
    const py::gil_scoped_release release;
    return RoutingChange(from, to);
  });
  module.def("ejection_effects", &Effects);
}

}  // namespace shardcache::python
