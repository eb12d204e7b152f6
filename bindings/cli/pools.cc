#include "bindings/cli/pools.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <set>

#include "bindings/cli/command.h"

namespace shardcache::cli {
namespace {

// The index of the server that `name` names, among `servers`.
ServerIndex FindServer(const PoolConfig& pool, std::span<const Server> servers,
                       const std::string& name) {
  const auto found = std::find_if(servers.begin(), servers.end(),
                                  [&](const Server& server) { return server.name == name; });
  if (found != servers.end()) return static_cast<ServerIndex>(found - servers.begin());
  std::string known;
  for (const Server& server : servers) known += (known.empty() ? "" : ", ") + server.name;
  throw Failure(kTrouble, "--down: pool '" + pool.name + "' has no server \"" + name +
                              "\"; its ring names are " + known);
}

}  // namespace

void AddWholePoolOptions(CLI::App& command, PoolOptions& options) {
  command.add_option("-c,--conf", options.file, "twemproxy's configuration, nutcracker.yml")
      ->type_name("FILE")
      ->required();
  command.add_option("-p,--pool", options.pool, "the pool; may be left out if FILE has just one")
      ->type_name("POOL");
}

void AddPoolOptions(CLI::App& command, PoolOptions& options) {
  AddWholePoolOptions(command, options);
  command
      .add_option("--down", options.down,
                  "a server, by its ring name, that is ejected; may be given again")
      ->type_name("NAME")
      ->allow_extra_args(false);
}

PoolConfig LoadPool(const PoolOptions& options) {
  Result<std::vector<PoolConfig>> pools = LoadPools(options.file);
  if (!pools.ok()) throw Failure(pools.error());
  if (options.pool.empty() && pools->size() == 1) return std::move(pools->front());
  std::string names;
  for (PoolConfig& pool : *pools) {
    if (pool.name == options.pool) return std::move(pool);
    names += (names.empty() ? "" : ", ") + pool.name;
  }
  throw Failure(kTrouble,
                options.file +
                    (options.pool.empty() ? " has several pools; choose one with -p: "
                                          : " has no pool '" + options.pool + "'; it has ") +
                    names);
}

Placement LoadPlacement(const PoolOptions& options) {
  const PoolConfig pool = LoadPool(options);
  Result<Placement> all = Placement::Create(pool);
  if (!all.ok()) throw Failure(all.error());
  if (options.down.empty()) return *std::move(all);
  std::set<ServerIndex> down;
  for (const std::string& name : options.down) {
    down.insert(FindServer(pool, all->servers(), name));
  }
  std::vector<ServerIndex> live;
  for (ServerIndex index : all->live()) {
    if (!down.contains(index)) live.push_back(index);
  }
  if (live.empty()) {
    throw Failure(kNo, "every server of pool '" + pool.name +
                           "' is down: twemproxy then refuses each request");
  }
  return *all->Restrict(live);
}

}  // namespace shardcache::cli
