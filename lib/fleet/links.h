// One connection to each of several servers, asked in batches.
#ifndef SHARDCACHE_LIB_FLEET_LINKS_H_
#define SHARDCACHE_LIB_FLEET_LINKS_H_

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "lib/wire/exchange.h"

namespace shardcache::inline v0::internal {

// A server that fails a few batches in a row is given up: what is asked of it then stays pending
// at once, so that one dead server does not hold up the rest. Not thread-safe.
class Links {
 public:
  Links(const std::vector<Server>& servers, std::chrono::milliseconds timeout);

  const Server& server(std::size_t index) const { return links_[index].connection.server(); }
  std::size_t size() const { return links_.size(); }

  // To be asked by the next Run(); must live until that returns.
  void Queue(std::size_t server, Request* request);
  // Asks all that is queued, of all servers at once. What a server does not answer stays pending.
  void Run();

  // Whether it has ever let us connect.
  bool connected(std::size_t server) const { return links_[server].connection.opened() > 0; }
  // Why the last requests of this server stayed pending; empty if none did.
  const std::string& failure(std::size_t server) const { return links_[server].failure; }
  bool given_up(std::size_t server) const { return links_[server].failures_in_row >= kGiveUpAfter; }

 private:
  static constexpr int kGiveUpAfter = 6;

  struct Link {
    explicit Link(const Server& server) : connection(server, Numbers::kIfPossible) {}

    Connection connection;
    Lane lane;
    std::string failure;
    int failures_in_row = 0;
  };

  std::vector<Link> links_;
  std::chrono::milliseconds timeout_;
  std::vector<Lane*> lanes_;
};

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_FLEET_LINKS_H_
