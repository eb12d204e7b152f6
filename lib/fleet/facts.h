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
  std::int64_t time = 0;  // of its clock, in seconds since 1970, at `asked_at`
  TimePoint asked_at = {};
  std::int64_t uptime = 0;
  std::uint64_t items = 0;
};

// Asks all servers of `links`, for whom a failure is an error that names the server and what to
// do. A server without cas is one too.
Result<std::vector<ServerFacts>> AskFacts(Links& links);

// Of an answer of Status::kError and beyond, or a request that stayed pending.
Error RefusalOf(const Server& server, const std::string& what, const Answer& answer,
                const std::string& failure);

// What the server's clock says at `at`, or a second less: nobody knows when its seconds begin.
std::int64_t ServerTime(const ServerFacts& facts, TimePoint at);

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_FLEET_FACTS_H_
