// What a client leaves behind of the connections that it lost: nothing.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "shardcache/client.h"
#include "tests/client/pool.h"
#include "tests/harness/memcached_server.h"
#include "tests/harness/network.h"
#include "tests/unit/effort.h"

namespace shardcache {
namespace {

// The sanitizers' allocators keep what was freed.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

std::ptrdiff_t OpenDescriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                       std::filesystem::directory_iterator());
}

std::size_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t all = 0;
  std::size_t resident = 0;
  statm >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// A server that takes a connection and closes it, at its first request or without one.
class ClosingServer {
 public:
  ClosingServer() : listener_(testing::Listen(testing::Address(address_))) {
    ::fcntl(listener_.get(), F_SETFL, 0);
    thread_ = std::thread([this] { Serve(); });
  }
  ~ClosingServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }

  const std::string& address() const { return address_; }

 private:
  void Serve() {
    while (true) {
      const testing::Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!fd) return;
      char request[256];
      (void)!::recv(fd.get(), request, sizeof request, 0);
      // A reset leaves no port behind that the kernel would keep for a minute.
      const linger reset = {.l_onoff = 1, .l_linger = 0};
      ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    }
  }

  std::string address_ = testing::Loopback(testing::FreePort());
  testing::Fd listener_;
  std::thread thread_;
};

// 20,000 reconnects, or a million with SHARDCACHE_TEST_EFFORT=50.
TEST(ReconnectTest, LeavesNoDescriptorAndNoMemoryBehind) {
  const ClosingServer closing;
  const std::string nobody = testing::Loopback(testing::FreePort());
  testing::MemcachedServer good;
  Client client = *Client::Create(
      testing::PoolOf({closing.address(), nobody, good.address()}, {"timeout: 5000"}));
  std::vector<std::string> keys;  // one of each server
  for (ServerIndex server = 0; server < 3; ++server) {
    int i = 0;
    while (client.router().Route(std::to_string(i)) != server) ++i;
    keys.push_back(std::to_string(i));
  }
  const std::vector<std::string_view> asked(keys.begin(), keys.end());
  const auto reconnect = [&](std::size_t times) {
    for (std::size_t i = 0; i < times; ++i) {
      const auto results = client.GetMany(asked);
      ASSERT_FALSE(results[0].ok());
      ASSERT_FALSE(results[1].ok());
      ASSERT_TRUE(results[2].ok()) << results[2].error().message;
    }
  };
  reconnect(2000);
  const auto descriptors = OpenDescriptors();
  const std::size_t memory = ResidentBytes();
  const std::size_t reconnects = 20000 * testing::Effort();
  reconnect(reconnects);
  EXPECT_EQ(OpenDescriptors(), descriptors);
  if (!kSanitized) {
    EXPECT_LE(ResidentBytes(), memory + 512 * 1024);
  }
  const ClientMetrics metrics = client.Metrics();
  EXPECT_EQ(metrics.servers[0].connections, reconnects + 2000);
  EXPECT_EQ(metrics.servers[1].connections, 0u);
  EXPECT_EQ(metrics.servers[1].failures[static_cast<int>(FailureKind::kRefused)],
            reconnects + 2000);
  EXPECT_EQ(metrics.servers[2].connections, 1u);
}

}  // namespace
}  // namespace shardcache
