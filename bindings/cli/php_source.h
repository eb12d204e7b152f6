// The set-up of a memcached client, read from PHP source.
#ifndef SHARDCACHE_BINDINGS_CLI_PHP_SOURCE_H_
#define SHARDCACHE_BINDINGS_CLI_PHP_SOURCE_H_

#include <string>
#include <string_view>
#include <vector>

#include "shardcache/interop.h"

namespace shardcache::cli {

struct PhpSource {
  // The client is "php-memcached" or "pecl-memcache", after the class of the object; empty if
  // there is none. Options, and the mark of where servers are added, are in the file's order.
  ClientSetup setup;
  // What could not be read, "line 12: addServer: its argument 1 is no literal".
  std::vector<std::string> unread;
};

// Reads the calls of addServer, addServers, setOption, setOptions, setBucket and ini_set with
// literal arguments, of the first object that is a Memcached or a Memcache. It runs nothing: code
// that is not reached, or run in another order than written, is read all the same.
PhpSource ReadPhp(std::string_view text);

}  // namespace shardcache::cli

#endif  // SHARDCACHE_BINDINGS_CLI_PHP_SOURCE_H_
