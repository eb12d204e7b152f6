#include "shardcache/proxy_stats.h"

#include <gtest/gtest.h>

namespace shardcache {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// What nutcracker 0.5.0 sent (its `source` shortened) after server1 refused a connection.
constexpr std::string_view kReal =
    R"({"service":"nutcracker", "source":"host", "version":"0.5.0", "uptime":2, )"
    R"("timestamp":1795442930, "total_connections":3, "curr_connections":1, "alpha": )"
    R"({"client_eof":1, "client_err":0, "client_connections":2, "server_ejects":1, )"
    R"("forward_error":3, "fragments":0, "s2": {"server_eof":0, "server_err":0, )"
    R"("server_timedout":0, "server_connections":0, "server_ejected_at":0, "requests":0, )"
    R"("request_bytes":0, "responses":0, "response_bytes":0, "in_queue":0, "in_queue_bytes":0, )"
    R"("out_queue":0, "out_queue_bytes":0},"server1": {"server_eof":0, "server_err":1, )"
    R"("server_timedout":0, "server_connections":0, "server_ejected_at":1795442929321745, )"
    R"("requests":3, "request_bytes":26, "responses":0, "response_bytes":0, "in_queue":0, )"
    R"("in_queue_bytes":0, "out_queue":0, "out_queue_bytes":0}}})"
    "\n";

TEST(ProxyStatsTest, ReadsWhatTheProxySends) {
  const ProxyStats stats = *ParseProxyStats(kReal);
  EXPECT_EQ(stats.version, "0.5.0");
  EXPECT_EQ(stats.timestamp, WallTime(seconds(1795442930)));
  ASSERT_EQ(stats.pools.size(), 1U);
  const ProxyPoolStats* alpha = stats.Find("alpha");
  ASSERT_NE(alpha, nullptr);
  EXPECT_EQ(alpha->client_connections, 2U);
  EXPECT_EQ(alpha->server_ejects, 1U);
  ASSERT_EQ(alpha->servers.size(), 2U);
  EXPECT_EQ(alpha->servers[0].name, "s2");
  EXPECT_EQ(alpha->servers[0].server_ejected_at, std::nullopt);
  EXPECT_EQ(alpha->servers[1].requests, 3U);
  EXPECT_EQ(alpha->servers[1].server_err, 1U);
  EXPECT_EQ(alpha->servers[1].server_ejected_at, WallTime(microseconds(1795442929321745)));
  EXPECT_EQ(stats.Find("beta"), nullptr);
}

TEST(ProxyStatsTest, AnEjectionLastsForTheRetryTimeout) {
  const ProxyStats stats = *ParseProxyStats(kReal);
  PoolConfig pool;
  pool.auto_eject_hosts = true;
  pool.server_retry_timeout = milliseconds(1000);
  const WallTime ejected(microseconds(1795442929321745));
  const auto just_before = EjectionsAt(*stats.Find("alpha"), pool, ejected + microseconds(999999));
  ASSERT_EQ(just_before.size(), 1U);
  EXPECT_EQ(just_before[0].server, "server1");
  EXPECT_EQ(just_before[0].until, ejected + seconds(1));
  EXPECT_TRUE(EjectionsAt(*stats.Find("alpha"), pool, ejected + seconds(1)).empty());
  const TimePoint now(seconds(5));
  const auto remote = InRouterTime(just_before, ejected + milliseconds(400), now);
  EXPECT_EQ(remote[0].ejected_at, now - milliseconds(400));
  EXPECT_EQ(remote[0].until, now + milliseconds(600));
  pool.auto_eject_hosts = false;
  EXPECT_TRUE(EjectionsAt(*stats.Find("alpha"), pool, ejected).empty());
}

TEST(ProxyStatsTest, RefusesAnythingElse) {
  for (std::string_view text :
       {"", "[]", "{}", "\"x\"", "HTTP/1.1 400 Bad Request\r\n\r\n", "{\"service\":\"redis\"}",
        "{\"service\":\"nutcracker\", \"a\": {\"b\": {\"c\": {}}}}",
        "{\"service\":\"nutcracker\", \"a\": [1]}", "{\"service\":\"nutcracker\"", "\xff\xfe"}) {
    const Result<ProxyStats> stats = ParseProxyStats(text);
    ASSERT_FALSE(stats.ok()) << text;
    EXPECT_EQ(stats.error().code, ErrorCode::kInvalidArgument);
  }
  // Any part of it that was cut off.
  for (std::size_t size = 0; size + 2 < kReal.size(); ++size) {
    EXPECT_FALSE(ParseProxyStats(kReal.substr(0, size)).ok()) << size;
  }
}

}  // namespace
}  // namespace shardcache
