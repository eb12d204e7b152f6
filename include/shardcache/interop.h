// Where other memcached clients put keys: php-memcached, pecl memcache, libmemcached, pylibmc...
#ifndef SHARDCACHE_INTEROP_H_
#define SHARDCACHE_INTEROP_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shardcache/export.h"
#include "shardcache/hash.h"
#include "shardcache/placement.h"
#include "shardcache/result.h"
#include "shardcache/server.h"

namespace shardcache::inline v0 {

// How well a model is known to be right.
enum class Verified : std::uint8_t {
  // The tests run the program itself beside the model, over random configurations.
  kAgainstProgram,
  // Read in the program's source; the program was not run.
  kFromSource,
};

// A client that is modelled. A plain value.
struct ClientInfo {
  std::string_view name;         // "php-memcached": what ClientSetup::client takes
  std::string_view description;  // the program, its versions
  Verified verified = Verified::kFromSource;
  std::string_view evidence;  // what exactly was run, or read
  std::string_view options;   // the options that place keys, a line each
};

// All of them.
SHARDCACHE_EXPORT std::span<const ClientInfo> Clients();

// One setting as the client names it: {"OPT_HASH", "HASH_MD5"}.
struct ClientOption {
  std::string name;
  std::string value;

  friend bool operator==(const ClientOption&, const ClientOption&) = default;
};

// A client as an application sets it up. A plain value.
struct ClientSetup {
  std::string client;           // a ClientInfo's name
  std::vector<Server> servers;  // in the order in which the application adds them
  // In the order in which they are set: for some clients it changes the result. The options are
  // set before the servers are added, unless one named "addServers" (or "addServer", where the
  // two differ; its value is not looked at) stands where that happens.
  std::vector<ClientOption> options;
  // Of the machine that the client runs on.
  CharSign char_sign = CharSign::kSigned;
};

// What a setup comes to.
struct ClientModel {
  // The client's placement: its servers are those of the setup, in that order, and a
  // ServerIndex counts in it.
  Placement placement;
  // What the owner of the setup may not expect, a sentence each: an option that the client
  // refuses or never reads, or that a later one undoes.
  std::vector<std::string> notes;
};

// The placement of `setup`. A key is given to it as the application gives it to the client.
//
// Errors: kNotFound for a client or option that is not known; kInvalidArgument for a value that
// makes no sense, for what the client itself refuses with an exception, for a setup without
// servers, and where the client places keys at random.
[[nodiscard]] SHARDCACHE_EXPORT Result<ClientModel> ModelClient(const ClientSetup& setup);

}  // namespace shardcache::inline v0

#endif  // SHARDCACHE_INTEROP_H_
