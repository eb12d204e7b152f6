#include "bindings/python/native/config.h"

#include <string>
#include <utility>

#include "bindings/python/native/convert.h"
#include "bindings/python/native/error.h"
#include "bindings/python/native/module.h"
#include "shardcache/lint.h"

namespace shardcache::python {
namespace {

// Calls visit(name, field) for each field that needs no conversion of its own.
template <typename Config, typename Visit>
void VisitPlain(Config& config, Visit visit) {
  visit("name", config.name);
  visit("timeout", config.timeout);
  visit("backlog", config.backlog);
  visit("client_connections", config.client_connections);
  visit("redis", config.redis);
  visit("tcpkeepalive", config.tcpkeepalive);
  visit("reuseport", config.reuseport);
  visit("redis_auth", config.redis_auth);
  visit("redis_db", config.redis_db);
  visit("preconnect", config.preconnect);
  visit("auto_eject_hosts", config.auto_eject_hosts);
  visit("server_connections", config.server_connections);
  visit("server_retry_timeout", config.server_retry_timeout);
  visit("server_failure_limit", config.server_failure_limit);
}

// Reads fields of one pool, and says which is wrong.
class FieldReader {
 public:
  explicit FieldReader(const py::dict& fields) : fields_(fields) {}

  template <typename T>
  T Get(const char* name) const {
    const py::object value = fields_[name];
    try {
      return value.cast<T>();
    } catch (const py::cast_error&) {
      throw Refuse(name, "cannot be " + py::repr(value).cast<std::string>());
    }
  }

  Failure Refuse(const char* name, const std::string& why) const {
    const auto pool = py::str(fields_["name"]).cast<std::string>();
    return Failure({ErrorCode::kInvalidArgument, "pool '" + pool + "': " + name + " " + why});
  }

 private:
  const py::dict& fields_;
};

std::optional<HashTag> ToHashTag(const FieldReader& fields) {
  const auto tag = fields.Get<std::optional<std::string>>("hash_tag");
  if (!tag) return std::nullopt;
  if (tag->size() != 2) throw fields.Refuse("hash_tag", "has two bytes, and not '" + *tag + "'");
  return HashTag{(*tag)[0], (*tag)[1]};
}

py::object FromHashTag(const std::optional<HashTag>& tag) {
  if (!tag) return py::none();
  return py::str(std::string{tag->open, tag->close});
}

py::tuple FromListen(const ListenAddress& listen) {
  return py::make_tuple(listen.text, listen.host, listen.port, listen.permissions);
}

ListenAddress ToListen(const FieldReader& fields) {
  using Parts = std::tuple<std::string, std::string, std::uint16_t, std::optional<std::uint32_t>>;
  auto [text, host, port, permissions] = fields.Get<Parts>("listen");
  return {std::move(text), std::move(host), port, permissions};
}

py::list FromConfigs(const std::vector<PoolConfig>& configs) {
  py::list result;
  for (const PoolConfig& config : configs) result.append(FromConfig(config));
  return result;
}

}  // namespace

py::dict FromConfig(const PoolConfig& config) {
  py::dict fields;
  VisitPlain(config, [&](const char* name, const auto& field) { fields[name] = field; });
  fields["listen"] = FromListen(config.listen);
  fields["hash"] = HashName(config.hash);
  fields["hash_tag"] = FromHashTag(config.hash_tag);
  fields["distribution"] = DistributionName(config.distribution);
  fields["servers"] = FromServers(config.servers);
  fields["char_sign"] = CharSignName(config.char_sign);
  return fields;
}

PoolConfig ToConfig(const py::dict& dict) {
  const FieldReader fields(dict);
  PoolConfig config;
  VisitPlain(config, [&](const char* name, auto& field) {
    field = fields.Get<std::remove_reference_t<decltype(field)>>(name);
  });
  config.listen = ToListen(fields);
  config.hash = ToHashFunction(fields.Get<std::string>("hash"));
  config.hash_tag = ToHashTag(fields);
  config.distribution = ToDistribution(fields.Get<std::string>("distribution"));
  for (py::handle server : fields.Get<py::tuple>("servers")) {
    config.servers.push_back(ToServer(server.cast<py::tuple>()));
  }
  config.char_sign = ToCharSign(fields.Get<std::string>("char_sign"));
  return config;
}

void DefineConfig(py::module_& module) {
  module.def("parse_server",
             [](std::string_view line) { return FromServer(Unwrap(ParseServer(line))); });
  module.def("address", [](const py::tuple& server) { return ToServer(server).address(); });
  module.def("load_pools", [](const std::string& path) {
    return FromConfigs(Unwrap([&] {
      const py::gil_scoped_release release;
      return LoadPools(path);
    }()));
  });
  module.def("parse_pools", [](std::string_view text, std::string_view file_name) {
    return FromConfigs(Unwrap(ParsePools(text, file_name)));
  });
  module.def("check_listen", [](const py::dict& fields) {
    const PoolConfig config = ToConfig(fields);
    const py::gil_scoped_release release;  // a look-up may wait for the network
    Unwrap(CheckListen(config));
  });
  module.def("lint", [](const py::dict& fields) {
    const PoolConfig config = ToConfig(fields);
    const std::vector<Warning> warnings = [&] {
      const py::gil_scoped_release release;
      return Lint(config);
    }();
    py::list result;
    for (const Warning& warning : warnings) {
      result.append(py::make_tuple(warning.pool, warning.setting, warning.message));
    }
    return result;
  });
}

}  // namespace shardcache::python
