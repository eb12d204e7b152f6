// Threads with a libmemcached handle each, which route as one proxy would: attach FILE KEY...
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "shardcache/libmemcached.h"
#include "shardcache/pool_config.h"

int main(int argc, char** argv) {
  if (argc < 3) return std::cerr << "usage: attach FILE KEY...\n", 2;
  const auto pools = shardcache::LoadPools(argv[1]);
  if (!pools.ok()) return std::cerr << pools.error().message << '\n', 1;
  auto router = shardcache::Router::Create(pools->front());
  if (!router.ok()) return std::cerr << router.error().message << '\n', 1;

  memcached_st* memc = memcached_create(nullptr);
  memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT, 400);  // ms: the pool's timeout
  memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_POLL_TIMEOUT, 400);
  const auto attached = shardcache::Attach(memc, *std::move(router));
  if (!attached.ok()) return std::cerr << attached.error().message << '\n', 1;

  const std::vector<std::string> keys(argv + 2, argv + argc);
  std::vector<memcached_return_t> results(keys.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    threads.emplace_back([&, i, mine = memcached_clone(nullptr, memc)] {  // attached as well
      const std::string value = "set by thread " + std::to_string(i);
      results[i] = shardcache::CheckCall(mine, memcached_set(mine, keys[i].data(), keys[i].size(),
                                                             value.data(), value.size(), 0, 0));
      memcached_free(mine);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    std::cout << keys[i] << ": " << memcached_strerror(memc, results[i]) << '\n';
  }
  memcached_free(memc);
}
