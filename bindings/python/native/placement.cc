#include "shardcache/placement.h"

#include <memory>
#include <utility>

#include "bindings/python/native/config.h"
#include "bindings/python/native/convert.h"
#include "bindings/python/native/error.h"
#include "bindings/python/native/keys.h"
#include "bindings/python/native/module.h"

namespace shardcache::python {
namespace {

// `random` draws for the distribution of that name: a callable that returns 32 bits, or None.
Placement Create(const py::dict& config, const py::object& random) {
  Placement::RandomSource source;
  if (!random.is_none()) {
    // Owned by the placement, which any thread may let go of.
    const std::shared_ptr<py::object> draw(new py::object(random), [](py::object* object) {
      const py::gil_scoped_acquire acquire;
      delete object;
    });
    source = [draw] {
      const py::gil_scoped_acquire acquire;
      return (*draw)().cast<std::uint32_t>();
    };
  }
  const PoolConfig pool = ToConfig(config);
  const py::gil_scoped_release release;
  return Unwrap(Placement::Create(pool, std::move(source)));
}

std::pair<Uint32Array, Uint32Array> Points(const Placement& placement) {
  std::pair<Uint32Array, Uint32Array> result;
  for (const Point& point : placement.points()) {
    result.first.values.push_back(point.value);
    result.second.values.push_back(point.owner);
  }
  return result;
}

Uint32Array PointCounts(const Placement& placement) {
  Uint32Array result;
  for (ServerIndex i = 0; i < placement.servers().size(); ++i) {
    result.values.push_back(placement.PointCount(i));
  }
  return result;
}

Uint32Array HashKeys(const Placement& placement, const py::object& keys) {
  return MapKeys(keys, [&](KeySpan some, std::span<std::uint32_t> hashes) {
    for (std::size_t i = 0; i < some.size(); ++i) hashes[i] = placement.HashKey(some[i]);
  });
}

Uint32Array LocateMany(const Placement& placement, const py::object& keys) {
  return MapKeys(
      keys, [&](KeySpan some, std::span<std::uint32_t> owners) { placement.Locate(some, owners); });
}

}  // namespace

void DefinePlacement(py::module_& module) {
  py::class_<Placement>(module, "Placement")
      .def(py::init(&Create))
      .def("restrict",
           [](const Placement& placement, const std::vector<ServerIndex>& live) {
             const py::gil_scoped_release release;
             return Unwrap(placement.Restrict(live));
           })
      .def("locate", [](const Placement& placement,
                        py::handle key) { return placement.Locate(KeyBytes(key)); })
      .def("locate_many", &LocateMany)
      .def("locate_hash", &Placement::LocateHash)
      .def("hash_key", [](const Placement& placement,
                          py::handle key) { return placement.HashKey(KeyBytes(key)); })
      .def("hash_keys", &HashKeys)
      .def("hashed_part",
           [](const Placement& placement, py::handle key) {
             const std::string_view part = placement.HashedPart(KeyBytes(key));
             return py::bytes(part.data(), part.size());
           })
      .def("servers", [](const Placement& placement) { return FromServers(placement.servers()); })
      .def("scheme", &Placement::scheme)
      .def("sent_key", [](const Placement& placement,
                          py::handle key) { return py::bytes(placement.SentKey(KeyBytes(key))); })
      .def("live",
           [](const Placement& placement) {
             return std::vector<ServerIndex>(placement.live().begin(), placement.live().end());
           })
      .def("distribution",
           [](const Placement& placement) { return DistributionName(placement.distribution()); })
      .def("hash_function",
           [](const Placement& placement) { return HashName(placement.hash_function()); })
      .def("char_sign",
           [](const Placement& placement) { return CharSignName(placement.char_sign()); })
      .def("points", &Points)
      .def("point_counts", &PointCounts)
      .def("shares", &Placement::Shares)
      .def("fingerprint", &Placement::fingerprint);
}

}  // namespace shardcache::python
