// A memcached (or redis) endpoint as twemproxy names it.
#ifndef SHARDCACHE_SERVER_H_
#define SHARDCACHE_SERVER_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "shardcache/export.h"
#include "shardcache/result.h"

namespace shardcache::inline v0 {

// A server's place among the servers of its pool, sorted as twemproxy sorts them: by ring
// name, shorter names first, equal lengths by bytes. This order, not that of the
// configuration file, decides `modula` and which server wins a tie on the ring.
using ServerIndex = std::uint32_t;

// One server of a pool. A plain value.
struct SHARDCACHE_EXPORT Server {
  // The ring name: the text that is hashed to place the server on the continuum. It is the
  // node name if one is given; else the host alone for port 11211; else "host:port"; else,
  // for a unix socket, the path followed by a colon.
  std::string name;
  // Host name or IP address without brackets, or the absolute path of a unix socket.
  std::string host;
  // 1 to 65535; 0 for a unix socket.
  std::uint16_t port = 0;
  // 1 to 2147483647.
  std::uint32_t weight = 1;
  // Whether `name` was given, and not made from host and port.
  bool named = false;

  bool is_unix() const { return port == 0; }

  // "host:port", "[host]:port" where the host has a colon, or the socket's path.
  std::string address() const;

  friend bool operator==(const Server&, const Server&) = default;
};

// Whether a server of ring name `a` comes before one of ring name `b` in the sorted pool.
SHARDCACHE_EXPORT bool RingNameLess(std::string_view a, std::string_view b);

// Reads a line of a pool's `servers:`, "host:port:weight [name]" or "/path:weight [name]",
// as twemproxy 0.5.0 does (src/nc_conf.c, conf_add_server): split from the right, so that
// "::1:11211:1" is host "::1". Brackets round an IPv6 address are part of its ring name, as
// they are for twemproxy, but not of `host`.
//
// Errors: kInvalidConfig, with a message that says what is wrong with `line` and what would
// be right. Numbers too large for an int are refused, though twemproxy wraps them round.
[[nodiscard]] SHARDCACHE_EXPORT Result<Server> ParseServer(std::string_view line);

}  // namespace shardcache::inline v0

#endif  // SHARDCACHE_SERVER_H_
