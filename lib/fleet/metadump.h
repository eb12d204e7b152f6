// The keys of servers, as they list them.
#ifndef SHARDCACHE_LIB_FLEET_METADUMP_H_
#define SHARDCACHE_LIB_FLEET_METADUMP_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shardcache/result.h"
#include "shardcache/server.h"

namespace shardcache::inline v0::internal {

// One line of a metadump.
struct ListedKey {
  std::string_view key;
  std::optional<std::int64_t> expires;  // seconds since 1970 by the server; absent: never
  std::int64_t last_access = 0;         // the same
  std::uint64_t cas = 0;
  std::uint64_t size = 0;  // of the item with its headers; 0 if not told
};

// Reads a line. The key is decoded to the end of `*bytes`, into which the answer points until that
// changes. Nothing if it is no such line.
std::optional<ListedKey> ParseListedKey(std::string_view line, std::string* bytes);

// Takes keys of one server, some hundreds at a time, or none while nothing comes. Returns whether
// to go on.
using KeySink = std::function<bool(std::size_t server, std::span<const ListedKey> keys)>;

struct ListingOptions {
  std::chrono::milliseconds timeout;    // of a server's silence
  std::chrono::milliseconds busy_wait;  // for a crawler that is at work
};

// Lists the keys of all `servers` at once, and hands them to `sink` as they come; returns false if
// that stopped it. Each server walks its hash table if it can (since memcached 1.6.9): then nothing
// is left out that stays there all the time. It holds a lock of that table while it waits for
// us to read (memcached 1.6.18, crawler.c), so the sink must not wait for a server.
//
// Errors: as of Warm().
Result<bool> ListKeys(std::span<const Server> servers, const ListingOptions& options,
                      const KeySink& sink);

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_FLEET_METADUMP_H_
