// The harness against the real programs that it drives.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/harness/echo_backends.h"
#include "tests/harness/memcached_server.h"
#include "tests/harness/nutcracker.h"
#include "tests/harness/process.h"
#include "tests/harness/random.h"
#include "tests/harness/text_client.h"

namespace shardcache::testing {
namespace {

bool Exists(pid_t pid) { return ::kill(pid, 0) == 0; }

TEST(RunToEnd, GivesExitCodeAndBothOutputs) {
  const RunResult result = RunToEnd({"sh", "-c", "cat; echo oops >&2; exit 3"}, "input");
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.out, "input");
  EXPECT_EQ(result.err, "oops\n");
  EXPECT_EQ(RunToEnd({"sh", "-c", "kill -9 $$"}).exit_code, 128 + SIGKILL);
}

TEST(RunToEnd, PassesMegabytesThroughPhpWithoutDeadlock) {
  Random random;
  std::string bytes(8'000'000, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.Bits());
  const RunResult result = RunToEnd({"php", "-r",
                                     "while (!feof(STDIN)) { $b = fread(STDIN, 8192); echo $b;"
                                     " fwrite(STDERR, $b); }"},
                                    bytes);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_TRUE(result.out == bytes);
  EXPECT_TRUE(result.err == bytes);
  EXPECT_EQ(RunToEnd({"true"}, bytes).exit_code, 0) << "a program that reads nothing";
}

TEST(RunToEnd, KillsAtTheTimeoutAndNamesWhatCannotRun) {
  const Clock::time_point start = Clock::now();
  EXPECT_THROW(RunToEnd({"sleep", "60"}, {}, Milliseconds(50)), std::runtime_error);
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(10));
  EXPECT_THROW(RunToEnd({"no-such-program"}), std::runtime_error);
  EXPECT_THROW(RunToEnd({"/etc/passwd"}), std::runtime_error);
}

TEST(Process, IsStoppedContinuedAndEnded) {
  const TempDir dir;
  Process process({"sh", "-c", "echo started; while :; do sleep 0.01; done"}, dir.File("log"));
  while (ReadFile(dir.File("log")) != "started\n") ::usleep(1000);
  process.Stop();
  process.Stop();
  const std::string stat = ReadFile("/proc/" + std::to_string(process.pid()) + "/stat");
  EXPECT_NE(stat.find(") T "), std::string::npos) << stat;
  EXPECT_TRUE(process.Running());
  process.Continue();
  process.Stop();
  EXPECT_EQ(process.Terminate(), 128 + SIGTERM) << "although stopped";
  EXPECT_FALSE(process.Running());
  EXPECT_FALSE(Exists(process.pid()));

  Process deaf({"sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.01; done"},
               dir.File("deaf"));
  while (ReadFile(dir.File("deaf")) != "deaf\n") ::usleep(1000);
  EXPECT_EQ(deaf.Terminate(Milliseconds(50)), 128 + SIGKILL);
}

// The test process itself is killed: its programs must go with it.
TEST(Process, DiesWithTheTest) {
  const TempDir dir;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("TMPDIR", dir.path().c_str(), 1);  // what the child leaves is removed here
    MemcachedServer server;
    const pid_t pid = server.process().pid();
    const bool told = ::write(ends[1], &pid, sizeof pid) == sizeof pid;
    ::pause();
    ::_exit(told ? 0 : 1);
  }
  pid_t pid = 0;
  ASSERT_EQ(::read(ends[0], &pid, sizeof pid), static_cast<ssize_t>(sizeof pid));
  const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  ASSERT_TRUE(pidfd);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  const bool ended = WaitFor(pidfd.get(), POLLIN, Clock::now() + std::chrono::seconds(5));
  EXPECT_TRUE(ended);
  if (!ended) ::kill(pid, SIGKILL);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(TempDir, IsRemovedWithItsContents) {
  std::filesystem::path path;
  {
    const TempDir dir;
    path = dir.path();
    std::filesystem::create_directories(path / "a" / "b");
    EXPECT_EQ(ReadFile(dir.Write("a/b/file", "text")), "text");
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(FreePort, IsNeverHandedOutTwice) {
  std::set<std::uint16_t> ports;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(ports.insert(FreePort()).second);
}

TEST(WaitForPort, NamesTheAddressThatNobodyServes) {
  try {
    WaitForPort("/tmp/no-such.sock", Milliseconds(20));
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("/tmp/no-such.sock"), std::string::npos);
  }
}

TEST(Random, KeysAreLegalAndRepeatable) {
  Random random(7);
  Random again(7);
  std::set<std::size_t> sizes;
  for (int i = 0; i < 5000; ++i) {
    const std::string key = random.Key();
    ASSERT_EQ(key, again.Key());
    ASSERT_TRUE(std::none_of(key.begin(), key.end(), [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return byte <= ' ' || byte == 0x7f;
    }));
    sizes.insert(key.size());
  }
  EXPECT_EQ(*sizes.begin(), 1U);
  EXPECT_EQ(*sizes.rbegin(), 250U);
}

TEST(MemcachedServer, ServesFreezesAndComesBackEmpty) {
  const TempDir dir;
  for (const std::string& address : {std::string(), dir.File("mc.sock")}) {
    MemcachedServer server(address, {"-m", "16"});
    TextClient client(server.address());
    Random random;
    for (int i = 0; i < 200; ++i) {
      const std::string key = random.Key();
      ASSERT_EQ(client.Set(key, key).status, Status::kOk) << key;
      ASSERT_EQ(client.Get(key), (Answer{Status::kHit, key}));
    }
    EXPECT_EQ(client.Delete("absent").status, Status::kMiss);
    server.Stop();
    EXPECT_EQ(client.Get("key", Milliseconds(50)).status, Status::kTimeout);
    server.Continue();
    client.Reconnect();
    EXPECT_EQ(client.Set("key", "value").status, Status::kOk);
    server.Restart();
    EXPECT_EQ(client.Get("key").status, Status::kClosed);
    client.Reconnect();
    EXPECT_EQ(client.Get("key").status, Status::kMiss);
    server.Kill();
    EXPECT_THROW(client.Reconnect(), std::system_error);
  }
}

TEST(TextClient, MarksWhatACloseLeftUnanswered) {
  MemcachedServer server;
  TextClient client(server.address());
  ASSERT_EQ(client.Set("a", "1").status, Status::kOk);
  // The third request carries a second line, at which memcached closes the connection. All are
  // sent at once, for a request sent after the close would be met by a reset.
  const std::vector<std::string> keys = {"a", "b", "c\r\nquit", "a", "b"};
  const Answer closed = {Status::kClosed, "end of file"};
  EXPECT_EQ(client.GetMany(keys),
            (std::vector<Answer>{
                {Status::kHit, "1"}, {Status::kMiss, ""}, {Status::kMiss, ""}, closed, closed}));
  EXPECT_FALSE(client.connected());
  client.Reconnect();
  EXPECT_EQ(client.Get("a"), (Answer{Status::kHit, "1"}));
}

TEST(MemcachedServer, ShowsWhyItDoesNotStart) {
  try {
    MemcachedServer server({}, {"--no-such-option"});
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("no-such-option"), std::string::npos) << error.what();
  }
}

struct ProxyOverBackends {
  static constexpr int kServers = 20;

  explicit ProxyOverBackends(const std::vector<std::string>& settings = {}) {
    for (int i = 0; i < kServers; ++i) {
      const std::string name = "s" + std::to_string(i);
      const int backend = backends.Add(name);
      servers.push_back({backends.address(backend), name});
    }
    yaml = MakePool("alpha", listen, settings, servers);
  }

  const std::string listen = Loopback(FreePort());
  EchoBackends backends;
  std::vector<PoolServer> servers;
  std::string yaml;
};

TEST(Nutcracker, TwentyThousandKeysFindTheirServers) {
  ProxyOverBackends setup;
  Nutcracker proxy(setup.yaml, {setup.listen});
  Random random;
  std::vector<std::string> keys;
  for (int i = 0; i < 20000; ++i) keys.push_back(random.Key());

  TextClient client(setup.listen);
  const Clock::time_point start = Clock::now();
  const std::vector<Answer> answers = client.GetMany(keys, std::chrono::seconds(60));
  const std::chrono::duration<double> elapsed = Clock::now() - start;
  std::printf("%.0f keys/s through nutcracker\n",
              static_cast<double>(keys.size()) / elapsed.count());

  std::map<std::string, std::uint64_t> by_server;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    ASSERT_EQ(answers[i].status, Status::kHit) << keys[i] << ": " << answers[i];
    ++by_server[answers[i].text];
  }
  EXPECT_EQ(by_server.size(), 20U);
  for (int i = 0; i < ProxyOverBackends::kServers; ++i) {
    EXPECT_EQ(setup.backends.Counters(i).requests, by_server[setup.backends.identity(i)]);
  }
}

TEST(Nutcracker, TellsItsStatisticsAndEjections) {
  ProxyOverBackends setup({"auto_eject_hosts: true", "server_failure_limit: 1",
                           "server_retry_timeout: 60000", "timeout: 1000"});
  Nutcracker proxy(setup.yaml, {setup.listen});
  TextClient client(setup.listen);
  const Answer before = client.Get("key");
  ASSERT_EQ(before.status, Status::kHit);
  setup.backends.SetMode(std::stoi(before.text.substr(1)), Mode::kRefuse);
  ::usleep(50000);  // the proxy sees the close, which is the failure that ejects
  const Answer after = client.Get("key");
  EXPECT_EQ(after.status, Status::kHit);
  EXPECT_NE(after.text, before.text);
  std::string stats;
  const Clock::time_point deadline = Clock::now() + std::chrono::seconds(5);
  do {
    stats = proxy.ReadStats();
  } while (stats.find("\"server_ejects\":1") == std::string::npos && Clock::now() < deadline);
  EXPECT_NE(stats.find("\"alpha\""), std::string::npos) << stats;
  EXPECT_NE(stats.find("\"server_ejects\":1"), std::string::npos) << stats;
}

TEST(Nutcracker, TestConfigAcceptsAndRefuses) {
  const TempDir dir;
  const ProxyOverBackends setup;
  EXPECT_EQ(Nutcracker::TestConfig(dir.Write("good.yml", setup.yaml)).exit_code, 0);
  const RunResult refused = Nutcracker::TestConfig(dir.Write("bad.yml", "alpha:\n  hash: md6\n"));
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.err, "");
  const Clock::time_point start = Clock::now();
  for (int i = 0; i < 200; ++i) Nutcracker::TestConfig(dir.File("good.yml"));
  const std::chrono::duration<double, std::milli> elapsed = Clock::now() - start;
  std::printf("%.2f ms for each nutcracker -t\n", elapsed.count() / 200);
}

TEST(Nutcracker, LeavesNoProcessAndShowsWhyItDoesNotStart) {
  ProxyOverBackends setup;
  pid_t pid = 0;
  {
    Nutcracker proxy(setup.yaml, {setup.listen});
    pid = proxy.process().pid();
    EXPECT_TRUE(Exists(pid));
  }
  EXPECT_FALSE(Exists(pid));
  EXPECT_THROW(Nutcracker("alpha:\n", {setup.listen}), std::runtime_error);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
}

}  // namespace
}  // namespace shardcache::testing
