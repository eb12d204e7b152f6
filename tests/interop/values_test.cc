// Values of other clients through Client, and back, byte by byte: directly, and through a real
// nutcracker.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include "shardcache/client.h"
#include "tests/client/pool.h"
#include "tests/harness/memcached_server.h"
#include "tests/harness/network.h"
#include "tests/harness/nutcracker.h"
#include "tests/interop/driver.h"

namespace shardcache::testing {
namespace {

// Another client, with settings under which it places as the pool does.
struct Other {
  std::string name;
  std::string program;
  std::string driver;
  std::vector<std::vector<std::string>> options;
  std::vector<std::string> pool;  // settings

  friend std::ostream& operator<<(std::ostream& out, const Other& other) {
    return out << other.name;
  }
};

std::vector<Other> Others() {
  return {
      {"php-memcached",
       "php",
       "php_values.php",
       {{"OPT_LIBKETAMA_COMPATIBLE", "true"}, {"OPT_HASH", "HASH_FNV1A_64"}},
       {"hash: fnv1a_64", "distribution: ketama"}},
      {"pecl-memcache",
       "php",
       "php_values.php",
       {{"memcache.hash_strategy", "standard"}, {"memcache.hash_function", "crc32"}},
       {"hash: crc32", "distribution: modula"}},
      {"pylibmc",
       "/usr/bin/python3",
       "pylibmc_values.py",
       {{"ketama_weighted", "true"}, {"hash", "fnv1a_64"}},
       {"hash: fnv1a_64", "distribution: ketama"}},
  };
}

// What a memcached itself says that it has, if anything.
std::optional<Value> RawGet(const std::string& address, const std::string& key) {
  const Clock::time_point deadline = Clock::now() + std::chrono::seconds(5);
  const Fd fd = Connect(Address(address), deadline);
  const std::string request = "get " + key + "\r\n";
  EXPECT_EQ(::send(fd.get(), request.data(), request.size(), 0),
            static_cast<ssize_t>(request.size()));
  std::string answer;
  char buffer[16384];
  while (answer != "END\r\n" && WaitFor(fd.get(), POLLIN, deadline)) {
    const ssize_t size = ::recv(fd.get(), buffer, sizeof buffer, 0);
    if (size <= 0) break;
    answer.append(buffer, static_cast<std::size_t>(size));
    const std::size_t line = answer.find("\r\n");
    if (!answer.starts_with("VALUE ") || line == std::string::npos) continue;
    std::istringstream header(answer.substr(0, line));
    std::string word, name;
    std::uint32_t flags = 0;
    std::size_t length = 0;
    header >> word >> name >> flags >> length;
    const std::string end = "\r\nEND\r\n";
    if (answer.size() < line + 2 + length + end.size()) continue;
    EXPECT_EQ(name, key);
    EXPECT_EQ(answer.substr(line + 2 + length), end);
    return Value{.data = answer.substr(line + 2, length), .flags = flags};
  }
  EXPECT_EQ(answer, "END\r\n");
  return std::nullopt;
}

class ValuesTest : public ::testing::TestWithParam<Other> {
 protected:
  ValuesTest() {
    std::vector<PoolServer> servers;
    for (const auto& server : servers_) servers.push_back({.address = server->address()});
    const std::string yaml = MakePool("pool", listen_, GetParam().pool, servers);
    pool_ = ParsePools(yaml, "test.yml")->front();
    proxy_.emplace(yaml, std::vector<std::string>{listen_});
    behind_ = ParsePools(MakePool("proxy", "127.0.0.1:1", {}, {{{.address = listen_}}}), "test.yml")
                  ->front();
  }

  std::vector<std::string> Direct() const {
    std::vector<std::string> addresses;
    for (const auto& server : servers_) addresses.push_back(server->address());
    return addresses;
  }

  // Has the other client do something at `addresses`, and expects it to be content with each value.
  // Returns their names.
  std::vector<std::string> Have(const std::string& what, const std::vector<std::string>& addresses,
                                const std::string& prefix) const {
    nlohmann::json line = {{"client", GetParam().name},
                           {"options", GetParam().options},
                           {"do", what},
                           {"prefix", prefix},
                           {"servers", nlohmann::json::array()}};
    for (const std::string& address : addresses) {
      line["servers"].push_back({"127.0.0.1", Address(address).port(), 1});
    }
    std::vector<std::string> names;
    const std::vector<nlohmann::json> lines = {line};
    const nlohmann::json answer = AskDriver(GetParam().program, GetParam().driver, lines).front();
    for (const auto& [name, good] : answer.items()) {
      EXPECT_TRUE(good.get<bool>()) << what << " " << prefix << name;
      names.push_back(name);
    }
    EXPECT_GE(names.size(), 12u);
    return names;
  }

  // Reads what the other client wrote, and stores the same under keys of its own.
  void Copy(Client& client, const std::vector<std::string>& names, const std::string& from,
            const std::string& to) {
    std::map<std::uint32_t, int> by_flags;
    for (const std::string& name : names) {
      const auto read = client.Get(from + name);
      ASSERT_TRUE(read.ok()) << read.error().message;
      ASSERT_TRUE(*read) << from << name;
      std::vector<std::optional<Value>> raw;
      for (const std::string& address : Direct()) raw.push_back(RawGet(address, from + name));
      // On one server alone, on which it is what the client said.
      EXPECT_EQ(std::count(raw.begin(), raw.end(), std::nullopt),
                static_cast<std::ptrdiff_t>(raw.size() - 1));
      EXPECT_EQ(std::count(raw.begin(), raw.end(), **read), 1) << from << name;
      if (name == "long") {
        EXPECT_LT((*read)->data.size(), 5000u);  // it is compressed
      }
      ++by_flags[(*read)->flags];
      const auto stored = client.Set(to + name, (*read)->data, {}, (*read)->flags);
      ASSERT_TRUE(stored.ok()) << stored.error().message;
    }
    EXPECT_GE(by_flags.size(), 4u);  // so there were types to be told apart
  }

  std::vector<std::unique_ptr<MemcachedServer>> servers_ = [] {
    std::vector<std::unique_ptr<MemcachedServer>> servers;
    for (int i = 0; i < 3; ++i) servers.push_back(std::make_unique<MemcachedServer>());
    return servers;
  }();
  std::string listen_ = Loopback(FreePort());
  PoolConfig pool_;
  PoolConfig behind_;  // the proxy alone
  std::optional<Nutcracker> proxy_;
};

TEST_P(ValuesTest, AreReadAndWrittenAsTheyAre) {
  Client client = *Client::Create(pool_, {.timeout = std::chrono::milliseconds(5000)});
  Copy(client, Have("write", Direct(), "theirs:"), "theirs:", "ours:");
  Have("check", Direct(), "theirs:");
  Have("check", Direct(), "ours:");
}

TEST_P(ValuesTest, AreTheSameThroughTheProxy) {
  Client direct = *Client::Create(pool_, {.timeout = std::chrono::milliseconds(5000)});
  Client behind = *Client::Create(behind_, {.timeout = std::chrono::milliseconds(5000)});
  // Written through the proxy, read directly; copied directly, read through the proxy.
  const auto names = Have("write", {listen_}, "theirs:");
  Copy(direct, names, "theirs:", "ours:");
  Have("check", {listen_}, "ours:");
  // And all of it through the proxy.
  Copy(behind, names, "theirs:", "behind:");
  Have("check", {listen_}, "behind:");
  Have("check", Direct(), "behind:");
}

TEST_P(ValuesTest, CountersAreShared) {
  Client client = *Client::Create(pool_, {.timeout = std::chrono::milliseconds(5000)});
  Have("write", Direct(), "n:");
  EXPECT_EQ(*client.Increment("n:int"), 43u);
  EXPECT_EQ(*client.Decrement("n:int"), 42u);
  const auto now = client.Get("n:int");
  ASSERT_TRUE(now.ok() && *now);
  EXPECT_EQ((*now)->data.substr(0, 2), "42");
  Have("check", Direct(), "n:");
}

INSTANTIATE_TEST_SUITE_P(, ValuesTest, ::testing::ValuesIn(Others()), [](const auto& info) {
  std::string name = info.param.name;
  std::erase(name, '-');
  return name;
});

}  // namespace
}  // namespace shardcache::testing
