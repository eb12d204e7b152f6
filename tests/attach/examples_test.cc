// The examples of attaching, run on real servers.
#include <gtest/gtest.h>

#include <vector>

#include "tests/harness/memcached_server.h"
#include "tests/harness/nutcracker.h"
#include "tests/harness/text_client.h"

namespace shardcache::testing {
namespace {

class AttachExamplesTest : public ::testing::Test {
 protected:
  AttachExamplesTest()
      : listen_(Loopback(FreePort())),
        yaml_(MakePool(
            "alpha", listen_, {},
            std::vector<PoolServer>{{.address = one_.address()}, {.address = two_.address()}})),
        file_(dir_.Write("nutcracker.yml", yaml_)),
        proxy_(yaml_, {listen_}),
        client_(listen_) {}

  MemcachedServer one_;
  MemcachedServer two_;
  TempDir dir_;
  std::string listen_;
  std::string yaml_;
  std::string file_;
  Nutcracker proxy_;
  TextClient client_;
};

TEST_F(AttachExamplesTest, InCItStoresWhereTheProxyLooks) {
  for (const std::string key : {"user:42", "user:43", "user:44", "user:45"}) {
    const RunResult run = RunToEnd({SHARDCACHE_ATTACH_C_EXAMPLE, file_, key, "hello"});
    EXPECT_EQ(run.out, key + " is hello\n");
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_EQ(client_.Get(key), (Answer{Status::kHit, "hello"}));
  }
  one_.Kill();
  two_.Kill();
  const RunResult dead = RunToEnd({SHARDCACHE_ATTACH_C_EXAMPLE, file_, "user:42", "hello"});
  EXPECT_EQ(dead.exit_code, 1);
  EXPECT_EQ(dead.err, "user:42: CONNECTION FAILURE\n");
}

TEST_F(AttachExamplesTest, InCppItsThreadsStoreWhereTheProxyLooks) {
  const RunResult run = RunToEnd({SHARDCACHE_ATTACH_EXAMPLE, file_, "a", "b", "c"});
  EXPECT_EQ(run.out, "a: SUCCESS\nb: SUCCESS\nc: SUCCESS\n");
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(client_.Get("c"), (Answer{Status::kHit, "set by thread 2"}));
}

}  // namespace
}  // namespace shardcache::testing
