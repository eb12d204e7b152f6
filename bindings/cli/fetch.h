// What a TCP server sends before it closes the connection.
#ifndef SHARDCACHE_BINDINGS_CLI_FETCH_H_
#define SHARDCACHE_BINDINGS_CLI_FETCH_H_

#include <chrono>
#include <string>

namespace shardcache::cli {

// Connects to "host:port" or "[host]:port" and reads to the end of file, all within `timeout`.
// Throws Failure, naming the address, if that fails or more than 64 MiB come.
std::string Fetch(const std::string& address, std::chrono::milliseconds timeout);

}  // namespace shardcache::cli

#endif  // SHARDCACHE_BINDINGS_CLI_FETCH_H_
