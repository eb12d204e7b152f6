// What tests ask of a client's results.
#ifndef SHARDCACHE_TESTS_CLIENT_RESULTS_H_
#define SHARDCACHE_TESTS_CLIENT_RESULTS_H_

#include <gtest/gtest.h>

#include <numeric>
#include <utility>

#include "shardcache/client.h"

namespace shardcache::testing {

// Of the connections to the first server.
inline std::uint64_t FailuresOf(const Client& client) {
  const ClientMetrics metrics = client.Metrics();
  const auto& failures = metrics.servers[0].failures;
  return std::accumulate(failures.begin(), failures.end(), std::uint64_t{0});
}

// The reply; the test fails if there is none.
inline Reply Must(Result<Reply> result) {
  if (!result.ok()) ADD_FAILURE() << result.error().message;
  return result.ok() ? *std::move(result) : Reply{};
}

}  // namespace shardcache::testing

#endif  // SHARDCACHE_TESTS_CLIENT_RESULTS_H_
