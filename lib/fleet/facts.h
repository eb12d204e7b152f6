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

// Seconds since 1970, some 35000 years. What a server says beyond is taken for this, so that sums
// of such times do not overflow.
inline constexpr std::int64_t kLatestTime = std::int64_t{1} << 40;

struct ServerFacts {
  std::string version;
  bool has_meta = false;
  std::int64_t time = 0;  // of its clock, in seconds since 1970, between the next two
  TimePoint asked_at = {};
  TimePoint answered_at = {};
  std::int64_t uptime = 0;
};

// Asks all servers of `links`, for whom a failure is an error that names the server and what to
// do. A server without cas is one too.
Result<std::vector<ServerFacts>> AskFacts(Links& links);

// Whether no two of them are the same server by two names: then its keys would be taken for copies
// of each other. Each is given a mark, which must not be seen under another name.
Result<void> CheckApart(Links& links);

// Of an answer of Status::kError and beyond, or a request that stayed pending.
Error RefusalOf(const Server& server, const std::string& what, const Answer& answer,
                const std::string& failure);

// What the server's clock says at `at`, at the least and at the most. It goes in steps of a second.
std::int64_t ServerTime(const ServerFacts& facts, TimePoint at);
std::int64_t LatestServerTime(const ServerFacts& facts, TimePoint at);

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_FLEET_FACTS_H_
