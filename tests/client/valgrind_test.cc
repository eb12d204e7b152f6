// A program that uses the client, watched by valgrind.
#include <gtest/gtest.h>

#include "tests/client/pool.h"
#include "tests/harness/memcached_server.h"

namespace shardcache::testing {
namespace {

TEST(ValgrindTest, FindsNothingWrongInAnyCall) {
  const MemcachedServer one;
  const MemcachedServer two;
  const std::vector<PoolServer> servers = {
      {one.address(), "s0"}, {two.address(), "s1"}, {Loopback(FreePort()), "nobody"}};
  const std::vector<std::string> settings = {"timeout: 10000", "auto_eject_hosts: true",
                                             "server_failure_limit: 20",
                                             "server_retry_timeout: 100"};
  const TempDir dir;
  const std::string file =
      dir.Write("nutcracker.yml", MakePool("pool", "127.0.0.1:1", settings, servers));
  const RunResult run = RunToEnd({"valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full",
                                  "--errors-for-leak-kinds=definite,indirect,possible",
                                  "--track-fds=yes", SHARDCACHE_ALL_CALLS, file});
  EXPECT_EQ(run.exit_code, 0) << run.out << run.err;
  EXPECT_NE(run.out.find(" answered, "), std::string::npos) << run.out << run.err;
  // Its three are open in any program; what it was started with is none of its own.
  EXPECT_EQ(run.err.find("Open AF_INET socket"), std::string::npos) << run.err;
}

}  // namespace
}  // namespace shardcache::testing
