#include "bindings/python/native/client.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bindings/python/native/config.h"
#include "bindings/python/native/convert.h"
#include "bindings/python/native/error.h"
#include "bindings/python/native/keys.h"
#include "bindings/python/native/module.h"

namespace shardcache::python {
namespace {

// Clients for any number of threads. Every call takes one for itself.
class SharedClient {
 public:
  explicit SharedClient(std::unique_ptr<ClientPool> pool) : pool_(std::move(pool)) {}

  // What `work` makes of a Client, without the GIL; raises KeyboardInterrupt if the user asked for
  // it meanwhile.
  template <typename Work>
  auto Call(const Work& work) {
    auto result = [&] {
      const py::gil_scoped_release release;
      const Use use(this);
      return work(*use.client);
    }();
    RaiseInterruption();
    return result;
  }

  // Clients that nobody uses at this moment look at their connections.
  void CheckIdle() {
    const py::gil_scoped_release release;
    std::vector<ClientPool::Lease> idle;
    for (int left = most_.load() - in_use_.load(); left > 0; --left) idle.push_back(pool_->Take());
    for (const auto& client : idle) client->CheckIdle();
  }

  ClientPool& pool() const { return *pool_; }

 private:
  struct Use {
    explicit Use(SharedClient* owner) : owner(owner), client(owner->pool_->Take()) {
      const int in_use = ++owner->in_use_;
      int most = owner->most_.load();
      while (most < in_use && !owner->most_.compare_exchange_weak(most, in_use)) {
      }
    }
    ~Use() { --owner->in_use_; }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

    SharedClient* owner;
    ClientPool::Lease client;
  };

  const std::unique_ptr<ClientPool> pool_;
  std::atomic<int> in_use_ = 0;
  std::atomic<int> most_ = 0;  // and so how many clients the pool has made
};

std::unique_ptr<SharedClient> Create(const py::dict& config, const py::dict& fields) {
  const PoolConfig pool = ToConfig(config);
  ClientOptions options = ToClientOptions(fields);
  const py::gil_scoped_release release;
  return std::make_unique<SharedClient>(Unwrap(ClientPool::Create(pool, std::move(options))));
}

// (data, flags, cas).
py::tuple FromValue(const Value& value) {
  return py::make_tuple(py::bytes(value.data), value.flags, value.cas);
}

py::object Get(SharedClient& self, py::handle key) {
  const std::string_view bytes = KeyBytes(key);
  const auto value = Unwrap(self.Call([&](Client& client) { return client.Get(bytes); }), key);
  if (!value) return py::none();
  return py::bytes(value->data);
}

py::object Gets(SharedClient& self, py::handle key) {
  const std::string_view bytes = KeyBytes(key);
  const auto value = Unwrap(self.Call([&](Client& client) { return client.Gets(bytes); }), key);
  if (!value) return py::none();
  return FromValue(*value);
}

py::object GetAndTouch(SharedClient& self, py::handle key, Seconds expire) {
  const std::string_view bytes = KeyBytes(key);
  const auto value = Unwrap(
      self.Call([&](Client& client) { return client.GetAndTouch(bytes, ToExpiration(expire)); }),
      key);
  if (!value) return py::none();
  return py::bytes(value->data);
}

// How the server answered.
std::string_view Store(SharedClient& self, std::string_view command, py::handle key,
                       py::handle value, Seconds expire, std::uint32_t flags, std::uint64_t cas) {
  const Operation operation = {.command = ToStoringCommand(command),
                               .key = KeyBytes(key),
                               .value = ValueBytes(value),
                               .flags = flags,
                               .expire = ToExpiration(expire),
                               .cas = cas};
  auto replies = self.Call([&](Client& client) { return client.Execute({&operation, 1}); });
  return OutcomeName(Unwrap(std::move(replies.front()), key).outcome);
}

bool Delete(SharedClient& self, py::handle key) {
  const std::string_view bytes = KeyBytes(key);
  return Unwrap(self.Call([&](Client& client) { return client.Delete(bytes); }), key);
}

bool Touch(SharedClient& self, py::handle key, Seconds expire) {
  const std::string_view bytes = KeyBytes(key);
  return Unwrap(
      self.Call([&](Client& client) { return client.Touch(bytes, ToExpiration(expire)); }), key);
}

std::optional<std::uint64_t> Increment(SharedClient& self, py::handle key, std::uint64_t delta) {
  const std::string_view bytes = KeyBytes(key);
  return Unwrap(self.Call([&](Client& client) { return client.Increment(bytes, delta); }), key);
}

std::optional<std::uint64_t> Decrement(SharedClient& self, py::handle key, std::uint64_t delta) {
  const std::string_view bytes = KeyBytes(key);
  return Unwrap(self.Call([&](Client& client) { return client.Decrement(bytes, delta); }), key);
}

// ({key: data} of the hits, {key: Error}). Nobody else may change `keys` meanwhile.
py::tuple GetMany(SharedClient& self, const py::list& keys) {
  const auto bytes = AllKeyBytes(keys);
  return ByKey(keys, self.Call([&](Client& client) { return client.GetMany(bytes); }), DataOf);
}

// The same with (data, seconds left or None).
py::tuple GetManyWithExpiration(SharedClient& self, const py::list& keys) {
  const auto bytes = AllKeyBytes(keys);
  const auto results =
      self.Call([&](Client& client) { return client.GetManyWithExpiration(bytes); });
  return ByKey(keys, results, [](const std::optional<LivingValue>& found) {
    if (!found) return py::object();
    Seconds left;
    if (found->remaining) left = found->remaining->count();
    return py::object(py::make_tuple(py::bytes(found->value.data), left));
  });
}

// The same with (data, flags, cas).
py::tuple GetsMany(SharedClient& self, const py::list& keys) {
  std::vector<Operation> operations;
  operations.reserve(keys.size());
  for (const std::string_view key : AllKeyBytes(keys)) {
    operations.push_back({.command = Command::kGets, .key = key});
  }
  const auto results = self.Call([&](Client& client) { return client.Execute(operations); });
  return ByKey(keys, results, [](const Reply& reply) {
    return reply.outcome == Outcome::kHit ? py::object(FromValue(reply.value)) : py::object();
  });
}

// {key: Error}. `items` are (key, value); nobody else may change them meanwhile.
py::dict SetMany(SharedClient& self, const py::list& items, Seconds expire, std::uint32_t flags) {
  std::vector<Operation> operations;
  operations.reserve(items.size());
  for (const py::handle item : items) {
    const auto pair = py::reinterpret_borrow<py::tuple>(item);
    operations.push_back({.command = Command::kSet,
                          .key = KeyBytes(PyTuple_GET_ITEM(pair.ptr(), 0)),
                          .value = ValueBytes(PyTuple_GET_ITEM(pair.ptr(), 1)),
                          .flags = flags,
                          .expire = ToExpiration(expire)});
  }
  auto results = self.Call([&](Client& client) { return client.Execute(operations); });
  py::dict errors;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i].ok()) continue;
    const py::object key = items[i].cast<py::tuple>()[0];
    errors[key] = MakeError(results[i].error(), key);
  }
  return errors;
}

py::object FromAnswer(const Result<std::string>& version) { return ToText(*version); }
py::object FromAnswer(const Result<void>&) { return py::none(); }
py::object FromAnswer(const Result<std::map<std::string, std::string>>& stats) {
  py::dict values;
  for (const auto& [name, value] : *stats) values[ToText(name)] = ToText(value);
  return values;
}

// ({ring name: answer}, {ring name: Error}).
template <typename T>
py::tuple FromAnswers(const std::map<std::string, Result<T>>& answers) {
  py::dict values;
  py::dict errors;
  for (const auto& [name, answer] : answers) {
    if (answer.ok()) {
      values[ToText(name)] = FromAnswer(answer);
    } else {
      errors[ToText(name)] = MakeError(answer.error());
    }
  }
  return py::make_tuple(values, errors);
}

// In short turns, between which signals are seen.
bool Maintain(SharedClient& self, std::chrono::milliseconds limit) {
  constexpr std::chrono::milliseconds kTurn(50);
  const auto end = std::chrono::steady_clock::now() + limit;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        std::max(end - std::chrono::steady_clock::now(), std::chrono::nanoseconds(0)));
    const bool done =
        self.Call([&](Client& client) { return client.Maintain(std::min(left, kTurn)); });
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    if (done || left <= kTurn) return done;
  }
}

}  // namespace

void DefineClient(py::module_& module) {
  py::class_<SharedClient>(module, "Client")
      .def(py::init(&Create))
      .def("get", &Get)
      .def("gets", &Gets)
      .def("get_and_touch", &GetAndTouch)
      .def("get_many", &GetMany)
      .def("gets_many", &GetsMany)
      .def("get_many_with_expiration", &GetManyWithExpiration)
      .def("store", &Store)
      .def("set_many", &SetMany)
      .def("delete", &Delete)
      .def("touch", &Touch)
      .def("increment", &Increment)
      .def("decrement", &Decrement)
      .def("version",
           [](SharedClient& self) {
             return FromAnswers(self.Call([](Client& client) { return client.Version(); }));
           })
      .def("flush_all",
           [](SharedClient& self) {
             return FromAnswers(self.Call([](Client& client) { return client.FlushAll(); }));
           })
      .def("stats",
           [](SharedClient& self, std::string_view sort) {
             return FromAnswers(self.Call([&](Client& client) { return client.Stats(sort); }));
           })
      .def("check_idle", &SharedClient::CheckIdle)
      .def("maintain", &Maintain)
      .def(
          "router", [](const SharedClient& self) { return &self.pool().router(); },
          py::return_value_policy::reference_internal)
      .def("metrics", [](const SharedClient& self) {
        const py::gil_scoped_release release;
        return self.pool().Metrics();
      });
}

}  // namespace shardcache::python
