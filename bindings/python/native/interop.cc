#include "shardcache/interop.h"

#include <string>
#include <tuple>

#include "bindings/python/native/config.h"
#include "bindings/python/native/convert.h"
#include "bindings/python/native/error.h"
#include "bindings/python/native/module.h"
#include "shardcache/remedy.h"

namespace shardcache::python {
namespace {

// client, servers, options, char_sign.
using Setup = std::tuple<std::string, py::tuple, std::vector<std::pair<std::string, std::string>>,
                         std::string>;

ClientSetup ToSetup(const Setup& setup) {
  const auto& [client, servers, options, char_sign] = setup;
  ClientSetup result;
  result.client = client;
  for (py::handle server : servers) result.servers.push_back(ToServer(server.cast<py::tuple>()));
  for (const auto& [name, value] : options) result.options.push_back({name, value});
  result.char_sign = ToCharSign(char_sign);
  return result;
}

py::tuple FromSetup(const ClientSetup& setup) {
  py::tuple options(setup.options.size());
  for (std::size_t i = 0; i < options.size(); ++i) {
    options[i] = py::make_tuple(setup.options[i].name, setup.options[i].value);
  }
  return py::make_tuple(setup.client, FromServers(setup.servers), options,
                        CharSignName(setup.char_sign));
}

// (name, description, whether verified against the program, evidence, options) of each.
py::list ListClients() {
  py::list result;
  for (const ClientInfo& client : Clients()) {
    result.append(py::make_tuple(client.name, client.description,
                                 client.verified == Verified::kAgainstProgram, client.evidence,
                                 client.options));
  }
  return result;
}

std::pair<Placement, std::vector<std::string>> Model(const Setup& setup) {
  ClientModel model = Unwrap(ModelClient(ToSetup(setup)));
  return {std::move(model.placement), std::move(model.notes)};
}

py::tuple FromRemedy(const Remedy& remedy) {
  return py::make_tuple(FromSetup(remedy.client), FromConfig(remedy.pool), remedy.client_changes,
                        remedy.pool_changes, remedy.client_snippet, remedy.pool_snippet,
                        remedy.agreement, remedy.client_moves, remedy.pool_moves);
}

// (agree, reasons, remedies, verdict).
py::tuple AdviseOn(const py::dict& config, const Setup& setup) {
  const PoolConfig pool = ToConfig(config);
  const ClientSetup client = ToSetup(setup);
  const Advice advice = [&] {
    const py::gil_scoped_release release;
    return Unwrap(Advise(pool, client));
  }();
  py::list remedies;
  for (const Remedy& remedy : advice.remedies) remedies.append(FromRemedy(remedy));
  return py::make_tuple(advice.agree, advice.reasons, remedies, advice.verdict);
}

}  // namespace

void DefineInterop(py::module_& module) {
  module.def("clients", &ListClients);
  module.def("model_client", &Model);
  module.def("advise", &AdviseOn);
  module.def("pool_to_yaml", [](const py::dict& config) { return ToYaml(ToConfig(config)); });
  module.def("client_to_code", [](const Setup& setup) { return ToCode(ToSetup(setup)); });
}

}  // namespace shardcache::python
