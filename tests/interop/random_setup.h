// Random setups of clients, and the keys to try them with.
#ifndef SHARDCACHE_TESTS_INTEROP_RANDOM_SETUP_H_
#define SHARDCACHE_TESTS_INTEROP_RANDOM_SETUP_H_

#include <string>
#include <vector>

#include "shardcache/interop.h"
#include "tests/harness/random.h"

namespace shardcache::testing {

// A loopback address, for a server of `network` (0 to 255) and `number` (1 to 254). Tests that run
// at the same time get others, so that each may use port 11211.
std::string LoopbackHost(std::uint64_t network, std::uint64_t number);

class RandomSetup : public Random {
 public:
  // Of one seed, each `stream` gives other values.
  explicit RandomSetup(std::uint64_t stream) : Random(Seed() * 1000003 + stream) {}

  template <typename T>
  const T& Pick(const std::vector<T>& from) {
    return from[Below(from.size())];
  }

  struct ServerKinds {
    bool names = true;    // host names besides IP addresses
    bool sockets = true;  // unix sockets, sometimes
    std::uint64_t most = 60;
    std::uint64_t most_weight = 1000;
  };
  // 1 to `most` servers of different addresses in random order; port 11211 is frequent; half of
  // the lists have weights other than 1.
  std::vector<Server> Servers(const ServerKinds& kinds);

  // Of 1 to 60 bytes: plain, UTF-8, any bytes above 0x20, any bytes at all. No NUL, CR or LF.
  std::string Key();
  std::vector<std::string> Keys(std::size_t count);
  // Such that a client whose keys are text can hold them; of about `longest` bytes at most.
  std::vector<std::string> Utf8Keys(std::size_t count, std::size_t longest = 250);
};

}  // namespace shardcache::testing

#endif  // SHARDCACHE_TESTS_INTEROP_RANDOM_SETUP_H_
