// Layouts that a command is about: a pool, another client's placement, or a list of servers.
#ifndef SHARDCACHE_BINDINGS_CLI_LAYOUT_H_
#define SHARDCACHE_BINDINGS_CLI_LAYOUT_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "shardcache/fleet.h"
#include "shardcache/placement.h"

namespace CLI {
class App;
}  // namespace CLI

namespace shardcache::cli {

struct LayoutOptions {
  std::string file;  // nutcracker.yml
  std::string pool;
  std::string client;
  std::vector<std::string> settings;  // OPTION=VALUE, in the order given
  std::string servers;                // a file or a list

  bool given() const { return !file.empty() || !client.empty() || !servers.empty(); }
};

// The options -c, -p, --client, --set and --servers; with a prefix such as "from" all are long:
// --from-config, --from-pool, --from-client, ... `what` names the layout in help texts.
void AddLayoutOptions(CLI::App& command, LayoutOptions& options, const std::string& prefix,
                      const std::string& what);

// Throws Failure with what the user should change. Says on stderr what the owner of a client's
// setup may not expect.
Placement LoadPlacementOf(const LayoutOptions& options, const std::string& prefix);

// The same, where servers alone are a list without places.
Layout LoadLayout(const LayoutOptions& options, const std::string& prefix);

// What warm and clean have in common: --go, --rate, --concurrency, --timeout, --progress.
struct WorkOptions {
  bool go = false;
  std::uint64_t rate = 0;  // 0: without
  std::uint64_t concurrency = FleetOptions().concurrency;
  double timeout = 10;
  bool progress = false;
};

void AddWorkOptions(CLI::App& command, WorkOptions& options, const std::string& go);
void Apply(const WorkOptions& options, FleetOptions& fleet);

}  // namespace shardcache::cli

#endif  // SHARDCACHE_BINDINGS_CLI_LAYOUT_H_
