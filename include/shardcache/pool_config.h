// nutcracker.yml, read as twemproxy reads it.
#ifndef SHARDCACHE_POOL_CONFIG_H_
#define SHARDCACHE_POOL_CONFIG_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shardcache/export.h"
#include "shardcache/hash.h"
#include "shardcache/result.h"
#include "shardcache/server.h"

namespace shardcache::inline v0 {

// The values of twemproxy's `distribution:` setting.
enum class Distribution : std::uint8_t {
  kKetama,  // the continuum: the first point at or after the key's hash; the default
  kModula,  // hash modulo a table that holds each live server `weight` times
  kRandom,  // any live server, drawn anew for each request; weights do not count
};

// The name that twemproxy's configuration has for it: "ketama", "modula", "random".
SHARDCACHE_EXPORT std::string_view DistributionName(Distribution distribution);
SHARDCACHE_EXPORT std::optional<Distribution> ParseDistributionName(std::string_view name);

// The two bytes of `hash_tag`. Of a key that has `open`, and later `close`, and at least one
// byte between, only the bytes between the first `open` and the first `close` after it are
// hashed.
struct HashTag {
  char open = '{';
  char close = '}';

  friend bool operator==(const HashTag&, const HashTag&) = default;
};

// Where a pool listens: "host:port", or "/path [octal permissions]" for a unix socket.
struct ListenAddress {
  std::string text;                          // as written, which is what two pools may not share
  std::string host;                          // or the socket's path
  std::uint16_t port = 0;                    // 0 for a unix socket
  std::optional<std::uint32_t> permissions;  // of a unix socket, if given

  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

// The settings of one pool, each under twemproxy's name and with twemproxy's default; absent
// is std::nullopt where twemproxy has no default. A plain value; LoadPools() and ParsePools()
// return only valid ones, but a program may fill one in by hand.
struct PoolConfig {
  std::string name;
  ListenAddress listen;
  HashFunction hash = HashFunction::kFnv1a_64;
  std::optional<HashTag> hash_tag;
  Distribution distribution = Distribution::kKetama;
  // Covers connecting to a server and waiting for its answer. Absent: waits for ever.
  std::optional<std::chrono::milliseconds> timeout;
  int backlog = 512;
  std::optional<int> client_connections;  // read, but without effect in twemproxy 0.5.0
  bool redis = false;
  bool tcpkeepalive = false;
  bool reuseport = false;  // twemproxy after 0.5.0; 0.5.0 refuses it
  std::optional<std::string> redis_auth;
  int redis_db = 0;
  bool preconnect = false;
  bool auto_eject_hosts = false;
  int server_connections = 1;
  std::chrono::milliseconds server_retry_timeout{30000};
  int server_failure_limit = 2;
  // In the order of the file. A ServerIndex counts in the sorted order instead: see
  // Placement::servers().
  std::vector<Server> servers;

  // Not a setting of the file: the proxy's `char`, see CharSign.
  CharSign char_sign = CharSign::kSigned;

  friend bool operator==(const PoolConfig&, const PoolConfig&) = default;
};

// Reads the pools of `text`, in its order; `file_name` is what errors call it.
//
// Accepts and refuses what `nutcracker -t` of twemproxy 0.5.0 does, with these exceptions:
// - `reuseport`, which later twemproxy has, is accepted;
// - a number that does not fit an int is refused (twemproxy wraps it round);
// - a value with a NUL byte is refused (twemproxy reads past its end);
// - the `listen` host is not looked up: see CheckListen().
//
// Errors: kInvalidConfig, naming file, line, pool, setting and value, and what would be right.
[[nodiscard]] SHARDCACHE_EXPORT Result<std::vector<PoolConfig>> ParsePools(
    std::string_view text, std::string_view file_name);

// The same for the file at `path`. Errors: also kIo if it cannot be read.
[[nodiscard]] SHARDCACHE_EXPORT Result<std::vector<PoolConfig>> LoadPools(const std::string& path);

// Looks the listen host of `pool` up, as twemproxy does when it reads its configuration: a
// name that this machine does not know is kInvalidConfig. May wait for the network.
[[nodiscard]] SHARDCACHE_EXPORT Result<void> CheckListen(const PoolConfig& pool);

}  // namespace shardcache::inline v0

#endif  // SHARDCACHE_POOL_CONFIG_H_
