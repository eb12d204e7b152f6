// The examples of the client, run on real servers.
#include <gtest/gtest.h>

#include "tests/client/pool.h"
#include "tests/harness/memcached_server.h"

namespace shardcache::testing {
namespace {

class ClientExamplesTest : public ::testing::Test {
 protected:
  RunResult Run(const std::string& program, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {SHARDCACHE_EXAMPLES "/" + program, file_});
    return RunToEnd(arguments);
  }

  MemcachedServer one_;
  MemcachedServer two_;
  TempDir dir_;
  std::string file_ = dir_.Write(
      "nutcracker.yml",
      MakePool("alpha", "127.0.0.1:1",
               std::vector<std::string>{"auto_eject_hosts: true", "server_failure_limit: 2",
                                        "server_retry_timeout: 1000"},
               std::vector<PoolServer>{{one_.address(), "s0"}, {two_.address(), "s1"}}));
};

TEST_F(ClientExamplesTest, ReadThroughMakesAValueOnce) {
  const RunResult first = Run("read_through", {"user:1", "user:2", "user:1"});
  EXPECT_EQ(first.out,
            "user:1: the value of user:1\nuser:2: the value of user:2\n"
            "user:1: the value of user:1 (cached)\n");
  EXPECT_EQ(first.exit_code, 0) << first.err;
  EXPECT_EQ(Run("read_through", {"user:2"}).out, "user:2: the value of user:2 (cached)\n");
  one_.Kill();
  two_.Kill();
  const RunResult dead = Run("read_through", {"user:1"});
  EXPECT_EQ(dead.out, "user:1: the value of user:1\n");
  EXPECT_EQ(dead.exit_code, 0);
  EXPECT_NE(dead.err.find("Connection refused"), std::string::npos) << dead.err;
}

TEST_F(ClientExamplesTest, CountersCount) {
  for (int i = 1; i < 4; ++i) {
    const RunResult run = Run("counters", {"visits"});
    EXPECT_EQ(run.out, "visits: " + std::to_string(i) + "\n");
    EXPECT_EQ(run.exit_code, 0) << run.err;
  }
  one_.Stop();
  two_.Stop();
  const RunResult late = Run("counters", {"visits"});
  EXPECT_EQ(late.exit_code, 1);
  EXPECT_NE(late.err.find("no answer in time (it was not counted)"), std::string::npos) << late.err;
  one_.Continue();
  two_.Continue();
  EXPECT_EQ(Run("counters", {"visits"}).out, "visits: 4\n");
}

TEST_F(ClientExamplesTest, TheOutageDemoNeverShowsTheOldValueAgain) {
  const RunResult run = Run("outage_demo", {"user:42"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const std::string home = run.out.substr(run.out.find("on s") + 3, 2);
  EXPECT_EQ(run.out, "user:42 belongs on " + home +
                         "\n"
                         "get: old\n" +
                         home +
                         " is stopped\n"
                         "get: failed\n"
                         "  * " +
                         home +
                         " is ejected\n"
                         "set: failed\n"
                         "get: new\n" +
                         home +
                         " goes on, with what it held\n"
                         "  * 1 stale values are deleted from " +
                         home +
                         "\n"
                         "  * " +
                         home +
                         " is readmitted\n"
                         "  * 1 stale values are deleted from " +
                         (home == "s0" ? "s1" : "s0") +
                         "\n"
                         "get: nothing\n");
}

TEST_F(ClientExamplesTest, ThreadsShareClients) {
  const RunResult run = Run("threads", {"3"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out.substr(0, run.out.find('\n')), "3000 values were stored and read");
  EXPECT_NE(run.out.find("\ns1: "), std::string::npos) << run.out;
}

}  // namespace
}  // namespace shardcache::testing
