#include "shardcache/fleet.h"

#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bindings/python/native/callable.h"
#include "bindings/python/native/client.h"
#include "bindings/python/native/convert.h"
#include "bindings/python/native/error.h"
#include "bindings/python/native/keys.h"
#include "bindings/python/native/module.h"

namespace shardcache::python {
namespace {

template <typename T>
T Field(const py::dict& fields, const char* name) {
  return fields[name].cast<T>();
}

// What Python raised while the library called it, until the library's call has ended.
class Raised {
 public:
  bool any() const { return raised_ != nullptr; }

  // Calls `work`, which Python may end. Returns whether it did not. Takes the GIL.
  template <typename Work>
  bool Call(const Work& work) {
    if (any()) return false;
    const py::gil_scoped_acquire acquire;
    try {
      work();
    } catch (...) {  // Python's, or a Failure
      raised_ = std::current_exception();
    }
    return !any();
  }

  void Raise() const {
    if (any()) std::rethrow_exception(raised_);
  }

 private:
  std::exception_ptr raised_;
};

// Tells `progress` of it, if it is one, and ends when that returns False or the user wants it.
std::function<bool(const FleetProgress&)> ToProgress(const py::object& progress, Raised& raised) {
  return [tell = Keep(progress), &raised](const FleetProgress& now) {
    bool go_on = true;
    const bool fine = raised.Call([&] {
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      if (tell->is_none()) return;
      const char* phase = now.phase == FleetProgress::Phase::kListing ? "listing" : "working";
      const py::object answer = (*tell)(py::make_tuple(phase, now.keys, now.total, now.elapsed));
      go_on = answer.ptr() != Py_False;
    });
    return fine && go_on;
  };
}

void SetCommon(const py::dict& fields, FleetOptions& options) {
  options.go = Field<bool>(fields, "go");
  options.rate = Field<std::optional<std::uint64_t>>(fields, "rate");
  options.concurrency = Field<std::size_t>(fields, "concurrency");
  options.timeout = Field<std::chrono::milliseconds>(fields, "timeout");
  options.busy_wait = Field<std::chrono::milliseconds>(fields, "busy_wait");
}

// A Placement, or a tuple of servers.
Layout ToLayout(const py::object& layout) {
  if (py::isinstance<Placement>(layout)) return Layout::Of(layout.cast<const Placement&>());
  Layout result;
  for (const py::handle server : layout) {
    result.servers.push_back(ToServer(server.cast<py::tuple>()));
  }
  return result;
}

std::optional<Placement> ToPlacement(const py::object& placement) {
  if (placement.is_none()) return std::nullopt;
  return placement.cast<const Placement&>();
}

py::list FromTexts(const std::vector<std::string>& texts) {
  py::list result;
  for (const std::string& text : texts) result.append(ToText(text));
  return result;
}

// (rows, counters by name, failures, interrupted).
py::tuple FromSummary(const WarmSummary& summary) {
  py::list rows;
  for (const WarmRow& row : summary.rows) {
    rows.append(py::make_tuple(ToText(row.from), ToText(row.to), row.keys, row.bytes, row.copied,
                               row.copied_bytes, row.renewed, row.already_there, row.gone,
                               row.removed, row.failed));
  }
  py::dict counters;
  counters["listed"] = summary.listed;
  counters["at_home"] = summary.at_home;
  counters["orphans"] = summary.orphans;
  counters["foreign"] = summary.foreign;
  counters["unnameable"] = summary.unnameable;
  counters["resumed"] = summary.resumed;
  return py::make_tuple(rows, counters, FromTexts(summary.failures), summary.interrupted);
}

py::tuple FromSummary(const CleanSummary& summary) {
  py::list rows;
  for (const CleanRow& row : summary.rows) {
    rows.append(py::make_tuple(FromServer(row.server), OrphanCauseName(row.cause),
                               ToText(row.culprit), row.keys, row.bytes, row.youngest, row.oldest,
                               row.expiring));
  }
  py::list servers;
  for (const CleanServer& server : summary.servers) {
    servers.append(py::make_tuple(FromServer(server.server), server.uptime, server.listed,
                                  server.at_home, server.orphans, server.deleted, server.kept,
                                  server.failed));
  }
  return py::make_tuple(rows, servers, summary.foreign, summary.unnameable,
                        FromTexts(summary.failures), summary.interrupted);
}

// Runs `work`, which the library may have call Python, without the GIL.
template <typename Work>
py::tuple Run(const Raised& raised, const Work& work) {
  const auto summary = [&] {
    const py::gil_scoped_release release;
    return work();
  }();
  raised.Raise();
  return FromSummary(Unwrap(summary));
}

py::tuple CallWarm(const py::object& old_layout, const Placement& to, const py::dict& fields,
                   const py::object& keys, const py::object& progress) {
  Raised raised;
  WarmOptions options;
  SetCommon(fields, options);
  options.progress = ToProgress(progress, raised);
  options.remove = Field<bool>(fields, "remove");
  options.journal = Field<std::string>(fields, "journal");
  if (Field<bool>(fields, "unknown_is_known")) {
    options.unknown_expiration = ToExpiration(Field<Seconds>(fields, "unknown_expiration"));
  }
  if (!keys.is_none()) {
    options.keys = [&](const WarmOptions::KeyVisitor& visit) -> Result<void> {
      if (raised.Call([&] { ForEachKeys(keys, visit); })) return {};
      return Error{ErrorCode::kIo, "the keys cannot be read"};
    };
  }
  const Layout from = ToLayout(old_layout);
  return Run(raised, [&] { return Warm(from, Layout::Of(to), options); });
}

py::tuple CallClean(const Placement& placement, const py::dict& fields, const py::object& before,
                    const py::object& other_client, const py::object& progress) {
  Raised raised;
  CleanOptions options;
  SetCommon(fields, options);
  options.progress = ToProgress(progress, raised);
  options.before = ToPlacement(before);
  options.other_client = ToPlacement(other_client);
  options.after_outage = Field<std::string>(fields, "after_outage");
  options.flush = Field<bool>(fields, "flush");
  return Run(raised, [&] { return Clean(placement, options); });
}

}  // namespace

void DefineFleet(py::module_& module) {
  module.def("warm", &CallWarm);
  module.def("clean", &CallClean);
}

}  // namespace shardcache::python
