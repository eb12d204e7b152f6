// What a server is and can do, asked before anything is changed.
#ifndef SHARDCACHE_LIB_FLEET_FACTS_H_
#define SHARDCACHE_LIB_FLEET_FACTS_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "lib/fleet/links.h"
#include "shardcache/result.h"

namespace shardcache::inline v0::internal {

struct ServerFacts {
  std::string version;
  bool has_cas = true;
  bool has_meta = false;
  std::int64_t clock_ahead = 0;  // seconds of its clock before ours
  std::int64_t uptime = 0;
  std::uint64_t items = 0;
};

// Asks all servers of `links`, for whom a failure is an error that names the server and what to
// do. A server without cas is one too.
Result<std::vector<ServerFacts>> AskFacts(Links& links);

// Of an answer of Status::kError and beyond, or a request that stayed pending.
Error RefusalOf(const Server& server, const std::string& what, const Answer& answer,
                const std::string& failure);

// The present as seconds since 1970, by our clock.
std::int64_t UnixNow();

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_FLEET_FACTS_H_
