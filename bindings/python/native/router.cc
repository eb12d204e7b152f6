#include "shardcache/router.h"

#include <memory>
#include <utility>

#include "bindings/python/native/callable.h"
#include "bindings/python/native/config.h"
#include "bindings/python/native/convert.h"
#include "bindings/python/native/error.h"
#include "bindings/python/native/keys.h"
#include "bindings/python/native/module.h"

namespace shardcache::python {
namespace {

py::tuple FromEvent(const RouterEvent& event) {
  constexpr std::array<const char*, 4> kTypes = {"ejected", "readmitted", "all_dead", "reloaded"};
  const bool has_server = !event.name.empty();
  py::object reason = py::none();
  if (event.reason) reason = py::str(FailureKindName(*event.reason));
  return py::make_tuple(kTypes[static_cast<std::size_t>(event.type)],
                        has_server ? py::object(py::int_(event.server)) : py::none(),
                        has_server ? py::object(py::str(event.name)) : py::none(), reason,
                        FromTime(event.time), FromTime(event.until), event.moved);
}

std::unique_ptr<Router> Create(const py::dict& config, const py::object& clock,
                               const py::object& observer, bool probe_before_readmission,
                               std::optional<std::chrono::milliseconds> back_off_cap,
                               bool keep_ring) {
  const PoolConfig pool = ToConfig(config);
  RouterOptions options;
  if (!clock.is_none()) {
    options.clock = [tell = Keep(clock)] {
      const py::gil_scoped_acquire acquire;
      const double seconds = PyFloat_AsDouble((*tell)().ptr());
      if (PyErr_Occurred() != nullptr) throw py::error_already_set();
      return ToTime(seconds);
    };
  }
  if (!observer.is_none()) {
    options.observer = RouterObserver(observer);
  }
  options.probe_before_readmission = probe_before_readmission;
  options.back_off_cap = back_off_cap;
  options.keep_ring = keep_ring;
  const py::gil_scoped_release release;
  return Unwrap(Router::Create(pool, std::move(options)));
}

using Now = std::optional<double>;
using Snapshot = std::shared_ptr<const RouterSnapshot>;

// As Router::Route() without a time: the clock is read only while a server is out.
Snapshot SnapshotAt(Router& router, const Now& now) {
  if (now) return router.Snapshot(ToTime(*now));
  Snapshot current = router.Snapshot(TimePoint::min());
  return current->next_rebuild ? router.Snapshot() : current;
}

// With the number of the configuration that the index is of.
std::pair<std::optional<ServerIndex>, std::uint64_t> Route(Router& router, py::handle key,
                                                           const Now& now) {
  const std::string_view bytes = KeyBytes(key);
  const Snapshot snapshot = SnapshotAt(router, now);
  return {snapshot->Route(bytes), snapshot->configuration};
}

void ReportFailure(Router& router, ServerIndex server, std::string_view kind, const Now& now) {
  const FailureKind failure = ToFailureKind(kind);
  const py::gil_scoped_release release;
  if (now) {
    router.ReportFailure(server, failure, ToTime(*now));
  } else {
    router.ReportFailure(server, failure);
  }
}

void ReportProbe(Router& router, ServerIndex server, bool answered, const Now& now) {
  const py::gil_scoped_release release;
  if (now) {
    router.ReportProbe(server, answered, ToTime(*now));
  } else {
    router.ReportProbe(server, answered);
  }
}

// `ejected`: (ring name, ejected at, until) of each.
void Follow(Router& router, const std::vector<std::tuple<std::string, double, double>>& ejected,
            double seen_at, const Now& now) {
  std::vector<RemoteEjection> remote;
  for (const auto& [name, ejected_at, until] : ejected) {
    remote.push_back({name, ToTime(ejected_at), ToTime(until)});
  }
  const TimePoint seen = ToTime(seen_at);
  const py::gil_scoped_release release;
  if (now) {
    router.Follow(remote, seen, ToTime(*now));
  } else {
    router.Follow(remote, seen);
  }
}

void Reload(Router& router, const py::dict& config) {
  const PoolConfig pool = ToConfig(config);
  const py::gil_scoped_release release;
  Unwrap(router.Reload(pool));
}

// (name, ejections, readmissions, failures by kind) of each server.
py::list Counters(const Router& router) {
  const std::vector<ServerCounters> all = [&] {
    const py::gil_scoped_release release;
    return router.Counters();
  }();
  py::list result;
  for (const ServerCounters& one : all) {
    py::dict failures;
    for (std::size_t i = 0; i < kFailureKinds; ++i) {
      failures[py::str(FailureKindName(static_cast<FailureKind>(i)))] = one.failures[i];
    }
    result.append(py::make_tuple(one.name, one.ejections, one.readmissions, failures));
  }
  return result;
}

void DefineSnapshot(py::module_& module) {
  // Never written to through Python; the holder cannot say so.
  py::class_<RouterSnapshot, std::shared_ptr<RouterSnapshot>>(module, "RouterSnapshot")
      .def("placement", [](const RouterSnapshot& self) { return self.placement; })
      .def("ejected", [](const RouterSnapshot& self) { return self.ejected; })
      .def("next_rebuild", [](const RouterSnapshot& self) { return FromTime(self.next_rebuild); })
      .def("version", [](const RouterSnapshot& self) { return self.version; })
      .def("configuration", [](const RouterSnapshot& self) { return self.configuration; })
      .def("route",
           [](const RouterSnapshot& self, py::handle key) { return self.Route(KeyBytes(key)); })
      .def("route_many", [](const RouterSnapshot& self, const py::object& keys) {
        return MapKeys(keys, [&](KeySpan some, std::span<std::uint32_t> servers) {
          self.Route(some, servers);
        });
      });
}

}  // namespace

std::function<void(const RouterEvent&)> RouterObserver(const py::object& observer) {
  return MakeObserver<RouterEvent>(observer, &FromEvent, "the observer of a Router");
}

void DefineRouter(py::module_& module) {
  module.attr("no_server") = kNoServer;
  py::tuple kinds(kFailureKinds);
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    kinds[i] = FailureKindName(static_cast<FailureKind>(i));
  }
  module.attr("failure_kinds") = kinds;
  DefineSnapshot(module);

  // Routing keeps the GIL for a single key, which takes less time than to let go of it: no other
  // thread that a Router could wait for waits for the GIL.
  py::class_<Router>(module, "Router")
      .def(py::init(&Create))
      .def("route", &Route)
      .def("snapshot",
           [](Router& self, const Now& now) {
             return std::const_pointer_cast<RouterSnapshot>(SnapshotAt(self, now));
           })
      .def("report_failure", &ReportFailure)
      .def("report_failure_routed_by",
           [](Router& self, const RouterSnapshot& routed_by, ServerIndex server,
              std::string_view kind, double now) {
             const FailureKind failure = ToFailureKind(kind);
             const py::gil_scoped_release release;
             self.ReportFailure(routed_by, server, failure, ToTime(now));
           })
      .def(
          "report_success", [](Router& self, ServerIndex server) { self.ReportSuccess(server); },
          py::call_guard<py::gil_scoped_release>())
      .def(
          "report_success_routed_by",
          [](Router& self, const RouterSnapshot& routed_by, ServerIndex server) {
            self.ReportSuccess(routed_by, server);
          },
          py::call_guard<py::gil_scoped_release>())
      .def("probes_due",
           [](Router& self, const Now& now) {
             const py::gil_scoped_release release;
             return now ? self.ProbesDue(ToTime(*now)) : self.ProbesDue();
           })
      .def("report_probe", &ReportProbe)
      .def("follow", &Follow)
      .def("reload", &Reload)
      .def("counters", &Counters);
}

}  // namespace shardcache::python
