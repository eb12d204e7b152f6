#include "shardcache/dual_client.h"

#include <pybind11/stl.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "bindings/python/native/client.h"
#include "bindings/python/native/config.h"
#include "bindings/python/native/error.h"
#include "bindings/python/native/keys.h"
#include "bindings/python/native/module.h"

namespace shardcache::python {
namespace {

// A DualClient for any number of threads, of which one at a time is served.
class LockedDualClient {
 public:
  explicit LockedDualClient(DualClient client) : client_(std::move(client)) {}

  // What `work` makes of the DualClient, without the GIL; raises KeyboardInterrupt if the user
  // asked for it meanwhile.
  template <typename Work>
  auto Call(const Work& work) {
    auto result = [&] {
      const py::gil_scoped_release release;
      const std::lock_guard lock(mutex_);
      return work(client_);
    }();
    RaiseInterruption();
    return result;
  }

 private:
  std::mutex mutex_;
  DualClient client_;
};

// `until` in microseconds since 1970.
std::unique_ptr<LockedDualClient> Create(const py::dict& old_config, const py::dict& new_config,
                                         const py::dict& fields, std::optional<std::int64_t> until,
                                         Seconds unknown_expiration) {
  const PoolConfig old_pool = ToConfig(old_config);
  const PoolConfig new_pool = ToConfig(new_config);
  DualOptions options;
  options.new_client = ToClientOptions(fields);
  options.old_client = {.timeout = options.new_client.timeout,
                        .deadline = options.new_client.deadline,
                        .retry = options.new_client.retry,
                        .interrupted = options.new_client.interrupted,
                        .prefix = options.new_client.prefix,
                        .hash_prefix = options.new_client.hash_prefix};
  if (until)
    options.until = std::chrono::system_clock::time_point(std::chrono::microseconds(*until));
  options.unknown_expiration = ToExpiration(unknown_expiration);
  const py::gil_scoped_release release;
  return std::make_unique<LockedDualClient>(
      Unwrap(DualClient::Create(old_pool, new_pool, std::move(options))));
}

py::object Get(LockedDualClient& self, py::handle key) {
  const std::string_view bytes = KeyBytes(key);
  const auto value = Unwrap(self.Call([&](DualClient& client) { return client.Get(bytes); }), key);
  if (!value) return py::none();
  return py::bytes(value->data);
}

// ({key: data} of the hits, {key: Error}). Nobody else may change `keys` meanwhile.
py::tuple GetMany(LockedDualClient& self, const py::list& keys) {
  const auto bytes = AllKeyBytes(keys);
  return ByKey(keys, self.Call([&](DualClient& client) { return client.GetMany(bytes); }), DataOf);
}

Reply Execute(LockedDualClient& self, py::handle key, const Operation& operation) {
  return Unwrap(self.Call([&](DualClient& client) { return client.Execute(operation); }), key);
}

// How the server answered.
std::string_view Store(LockedDualClient& self, std::string_view command, py::handle key,
                       py::handle value, Seconds expire, std::uint32_t flags) {
  return OutcomeName(Execute(self, key,
                             {.command = ToStoringCommand(command),
                              .key = KeyBytes(key),
                              .value = ValueBytes(value),
                              .flags = flags,
                              .expire = ToExpiration(expire)})
                         .outcome);
}

bool Delete(LockedDualClient& self, py::handle key) {
  const Reply reply = Execute(self, key, {.command = Command::kDelete, .key = KeyBytes(key)});
  return reply.outcome == Outcome::kDeleted;
}

bool Touch(LockedDualClient& self, py::handle key, Seconds expire) {
  const Reply reply =
      Execute(self, key,
              {.command = Command::kTouch, .key = KeyBytes(key), .expire = ToExpiration(expire)});
  return reply.outcome == Outcome::kTouched;
}

std::optional<std::uint64_t> Count(LockedDualClient& self, bool up, py::handle key,
                                   std::uint64_t delta) {
  const Reply reply = Execute(self, key,
                              {.command = up ? Command::kIncrement : Command::kDecrement,
                               .key = KeyBytes(key),
                               .delta = delta});
  if (reply.outcome != Outcome::kCounted) return std::nullopt;
  return reply.counter;
}

// (hits in the new, hits in the old, misses).
py::tuple Counters(LockedDualClient& self) {
  const DualCounters counters = self.Call([](DualClient& client) { return client.counters(); });
  return py::make_tuple(counters.hits_in_new, counters.hits_in_old, counters.misses);
}

}  // namespace

void DefineDualClient(py::module_& module) {
  py::class_<LockedDualClient>(module, "DualClient")
      .def(py::init(&Create))
      .def("get", &Get)
      .def("get_many", &GetMany)
      .def("store", &Store)
      .def("delete", &Delete)
      .def("touch", &Touch)
      .def("count", &Count)
      .def("counters", &Counters);
}

}  // namespace shardcache::python
