#include <algorithm>
#include <array>
#include <exception>
#include <string>
#include <utility>

#include "bindings/python/native/callable.h"
#include "bindings/python/native/client.h"
#include "bindings/python/native/convert.h"
#include "bindings/python/native/error.h"
#include "bindings/python/native/keys.h"

namespace shardcache::python {

namespace py = pybind11;

namespace {

constexpr std::array<std::string_view, 3> kGuards = {"off", "exact", "fleet"};

// What a signal handler raised, until the call that it interrupted has returned.
thread_local std::exception_ptr interruption;

bool Interrupted() {
  const py::gil_scoped_acquire acquire;
  if (PyErr_CheckSignals() == 0) return false;
  interruption = std::make_exception_ptr(py::error_already_set());
  return true;
}

StaleGuard ToStaleGuard(std::string_view name) {
  for (std::size_t i = 0; i < kGuards.size(); ++i) {
    if (name == kGuards[i]) return static_cast<StaleGuard>(i);
  }
  throw Failure({ErrorCode::kInvalidArgument,
                 "there is no stale guard '" + std::string(name) + "'; use off, exact or fleet"});
}

// (type, server, keys, message).
py::tuple FromGuardEvent(const StaleGuardEvent& event) {
  constexpr std::array<const char*, 6> kTypes = {"cleaned",   "invalidated", "already_invalidated",
                                                 "restarted", "overflow",    "failed"};
  return py::make_tuple(kTypes[static_cast<std::size_t>(event.type)], ToText(event.server),
                        event.keys, ToText(event.message));
}

template <typename T>
T Field(const py::dict& fields, const char* name) {
  const py::object value = fields[name];
  try {
    return value.cast<T>();
  } catch (const py::cast_error&) {
    throw py::type_error(std::string(name) + " cannot be " + py::repr(value).cast<std::string>());
  }
}

}  // namespace

void Raise(const Error& error, py::handle key) {
  const py::object instance = MakeError(error, key);
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(instance.ptr())), instance.ptr());
  throw py::error_already_set();
}

std::string_view ValueBytes(py::handle value) {
  if (PyBytes_Check(value.ptr()) || PyUnicode_Check(value.ptr())) return KeyBytes(value);
  throw py::type_error(std::string("the value is of type ") + Py_TYPE(value.ptr())->tp_name +
                       "; values are bytes or str");
}

Expiration ToExpiration(const Seconds& seconds) {
  if (!seconds) return std::nullopt;
  return std::chrono::seconds(*seconds);
}

Command ToStoringCommand(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, Command>, 6> kCommands = {
      {{"set", Command::kSet},
       {"add", Command::kAdd},
       {"replace", Command::kReplace},
       {"append", Command::kAppend},
       {"prepend", Command::kPrepend},
       {"cas", Command::kCas}}};
  const auto* const found = std::find_if(kCommands.begin(), kCommands.end(),
                                         [&](const auto& one) { return one.first == name; });
  if (found == kCommands.end()) {
    throw Failure({ErrorCode::kInvalidArgument, "no command stores by " + std::string(name)});
  }
  return found->second;
}

std::vector<std::string_view> AllKeyBytes(const py::list& keys) {
  std::vector<std::string_view> bytes;
  bytes.reserve(keys.size());
  for (const py::handle key : keys) bytes.push_back(KeyBytes(key));
  return bytes;
}

py::object DataOf(const std::optional<Value>& found) {
  return found ? py::object(py::bytes(found->data)) : py::object();
}

void RaiseInterruption() {
  if (interruption) std::rethrow_exception(std::exchange(interruption, nullptr));
}

ClientOptions ToClientOptions(const py::dict& fields) {
  using Milliseconds = std::optional<std::chrono::milliseconds>;
  ClientOptions options;
  options.timeout = Field<Milliseconds>(fields, "timeout");
  options.deadline = Field<Milliseconds>(fields, "deadline");
  options.retry = Field<bool>(fields, "retry") ? Retry::kUntilAnswered : Retry::kNone;
  options.interrupted = &Interrupted;
  options.prefix = Field<std::string>(fields, "prefix");
  options.hash_prefix = Field<bool>(fields, "hash_prefix");
  options.stale_guard.level = ToStaleGuard(Field<std::string>(fields, "stale_guard"));
  options.stale_guard.memory = Field<std::size_t>(fields, "stale_guard_memory");
  if (const py::object observer = fields["stale_guard_observer"]; !observer.is_none()) {
    options.stale_guard.observer = MakeObserver<StaleGuardEvent>(
        observer, &FromGuardEvent, "the observer of a Client's stale guard");
  }
  if (const py::object observer = fields["observer"]; !observer.is_none()) {
    options.routing.observer = RouterObserver(observer);
  }
  options.routing.probe_before_readmission = Field<bool>(fields, "probe_before_readmission");
  options.routing.back_off_cap = Field<Milliseconds>(fields, "back_off_cap");
  options.routing.keep_ring = Field<bool>(fields, "keep_ring");
  return options;
}

}  // namespace shardcache::python
