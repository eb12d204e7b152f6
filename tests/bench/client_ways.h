// Ways to talk to memcached servers, or to a proxy before them, that client_bench compares.
#ifndef SHARDCACHE_TESTS_BENCH_CLIENT_WAYS_H_
#define SHARDCACHE_TESTS_BENCH_CLIENT_WAYS_H_

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shardcache/pool_config.h"

// An item, and the server that it belongs on.
struct Record {
  std::string_view key;
  std::string_view value;
  std::size_t server = 0;
};

// Each call throws std::runtime_error unless all went well and the values are those of the records.
class Way {
 public:
  virtual ~Way() = default;
  virtual void Set(const Record& record) = 0;
  virtual void Get(const Record& record) = 0;
  virtual void GetMany(std::span<const Record> records) = 0;
  // With a result for each: at once where the way can do that, else one by one.
  virtual void SetAll(std::span<const Record> records) = 0;
};

// Blocking sockets and as little else as can be: it is told where a key is.
std::unique_ptr<Way> RawWay(const std::vector<std::string>& addresses);

// libmemcached with its weighted ketama, which places as the pool does.
std::unique_ptr<Way> LibmemcachedWay(const std::vector<std::string>& addresses);

// shardcache::Client.
std::unique_ptr<Way> ClientWay(const shardcache::PoolConfig& pool);

#endif  // SHARDCACHE_TESTS_BENCH_CLIENT_WAYS_H_
