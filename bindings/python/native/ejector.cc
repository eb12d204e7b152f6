#include "shardcache/ejector.h"

#include <string>
#include <tuple>

#include "bindings/python/native/convert.h"
#include "bindings/python/native/error.h"
#include "bindings/python/native/module.h"

namespace shardcache::python {
namespace {

using Milliseconds = std::chrono::milliseconds;

// auto_eject_hosts, server_failure_limit, server_retry_timeout, probe_before_readmission,
// back_off_cap.
using Rules = std::tuple<bool, int, Milliseconds, bool, std::optional<Milliseconds>>;

EjectionRules ToRules(const Rules& rules) {
  const auto& [eject, limit, timeout, probe, cap] = rules;
  return {eject, limit, timeout, probe, cap};
}

Ejector Create(std::size_t server_count, const Rules& rules) {
  if (server_count == 0) {
    throw Failure({ErrorCode::kInvalidArgument, "an ejector needs at least one server"});
  }
  return {server_count, ToRules(rules)};
}

ServerIndex Checked(const Ejector& ejector, ServerIndex server) {
  if (server < ejector.size()) return server;
  throw Failure({ErrorCode::kInvalidArgument, "there is no server " + std::to_string(server) +
                                                  " in a pool of " +
                                                  std::to_string(ejector.size())});
}

Ejector Changed(const Ejector& old, const std::vector<std::optional<ServerIndex>>& origin,
                const Rules& rules, double now) {
  if (origin.empty()) {
    throw Failure({ErrorCode::kInvalidArgument, "an ejector needs at least one server"});
  }
  for (const auto& server : origin) {
    if (server) Checked(old, *server);
  }
  return {old, origin, ToRules(rules), ToTime(now)};
}

}  // namespace

void DefineEjector(py::module_& module) {
  py::class_<Ejector>(module, "Ejector")
      .def(py::init(&Create))
      .def("changed", &Changed)
      .def("advance", [](Ejector& self, double now) { return self.Advance(ToTime(now)); })
      .def("report_failure",
           [](Ejector& self, ServerIndex server, double now) {
             return self.ReportFailure(Checked(self, server), ToTime(now));
           })
      .def("report_success",
           [](Ejector& self, ServerIndex server) { self.ReportSuccess(Checked(self, server)); })
      .def("report_probe",
           [](Ejector& self, ServerIndex server, bool answered, double now) {
             return self.ReportProbe(Checked(self, server), answered, ToTime(now));
           })
      .def("override",
           [](Ejector& self, ServerIndex server, std::optional<double> until, double now) {
             std::optional<TimePoint> end;
             if (until) end = ToTime(*until);
             return self.Override(Checked(self, server), end, ToTime(now));
           })
      .def("size", &Ejector::size)
      .def("is_live", [](const Ejector& self,
                         ServerIndex server) { return self.is_live(Checked(self, server)); })
      .def("ring", &Ejector::ring)
      .def("next_rebuild", [](const Ejector& self) { return FromTime(self.next_rebuild()); })
      .def("failure_count",
           [](const Ejector& self, ServerIndex server) {
             return self.failure_count(Checked(self, server));
           })
      .def("retry_at",
           [](const Ejector& self, ServerIndex server) {
             return FromTime(self.retry_at(Checked(self, server)));
           })
      .def("probes_due",
           [](const Ejector& self, double now) { return self.ProbesDue(ToTime(now)); });
}

}  // namespace shardcache::python
