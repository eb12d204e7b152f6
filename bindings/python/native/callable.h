// Python's callables in the hands of the library.
#ifndef SHARDCACHE_BINDINGS_PYTHON_NATIVE_CALLABLE_H_
#define SHARDCACHE_BINDINGS_PYTHON_NATIVE_CALLABLE_H_

#include <pybind11/pybind11.h>

#include <functional>
#include <memory>

#include "shardcache/router.h"

namespace shardcache::python {

namespace py = pybind11;

// A callable that the library keeps, and that any thread may call and let go of.
using Callable = std::shared_ptr<py::object>;

inline Callable Keep(const py::object& callable) {
  return {new py::object(callable), [](py::object* object) {
            const py::gil_scoped_acquire acquire;
            delete object;
          }};
}

// Calls `observer` with what `convert` makes of each event. An observer must not throw: what it
// raises goes where Python reports what it cannot raise, as of `who`.
template <typename Event>
std::function<void(const Event&)> MakeObserver(const py::object& observer,
                                               py::tuple (*convert)(const Event&),
                                               const char* who) {
  return [tell = Keep(observer), convert, who](const Event& event) {
    const py::gil_scoped_acquire acquire;
    try {
      (*tell)(convert(event));
    } catch (py::error_already_set& error) {
      error.discard_as_unraisable(who);
    }
  };
}

std::function<void(const RouterEvent&)> RouterObserver(const py::object& observer);

}  // namespace shardcache::python

#endif  // SHARDCACHE_BINDINGS_PYTHON_NATIVE_CALLABLE_H_
