// The client that a command is about.
#ifndef SHARDCACHE_BINDINGS_CLI_CLIENT_H_
#define SHARDCACHE_BINDINGS_CLI_CLIENT_H_

#include <string>
#include <vector>

#include "shardcache/interop.h"
#include "shardcache/pool_config.h"

namespace CLI {
class App;
}  // namespace CLI

namespace shardcache::cli {

// The options --client, --set, --servers, --php and --list-clients.
struct ClientOptions {
  std::string client;
  std::vector<std::string> settings;  // OPTION=VALUE, in the order given
  std::string servers;                // a file, or empty
  std::string php;                    // a file, or empty
};

void AddClientOptions(CLI::App& command, ClientOptions& options);

// The client as the options describe it. Its servers are those of --servers, else those of the
// PHP file, else those of `pool` in the file's order. Says on stderr what the PHP file holds and
// what of it could not be read. Throws Failure.
ClientSetup LoadClient(const ClientOptions& options, const PoolConfig& pool);

// The servers of a file, a line each, or of a list divided by commas: as in nutcracker.yml, where
// the weight may be left out. Throws Failure.
std::vector<Server> LoadServers(const std::string& file_or_list);

}  // namespace shardcache::cli

#endif  // SHARDCACHE_BINDINGS_CLI_CLIENT_H_
