// Threads that share a pool of clients: threads FILE [THREADS]
#include <atomic>
#include <chrono>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "shardcache/client.h"

int main(int argc, char** argv) {
  if (argc < 2) return std::cerr << "usage: threads FILE [THREADS]\n", 2;
  const auto pools = shardcache::LoadPools(argv[1]);
  if (!pools.ok()) return std::cerr << pools.error().message << '\n', 1;
  const auto clients = shardcache::ClientPool::Create(
      pools->front(), {.timeout = std::chrono::milliseconds(2000),
                       .stale_guard = {.level = shardcache::StaleGuard::kExact}});
  if (!clients.ok()) return std::cerr << clients.error().message << '\n', 1;

  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int t = argc > 2 ? std::stoi(argv[2]) : 4; t > 0; --t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 1000; ++i) {
        // The client, with its connections, is this thread's until the end of the scope.
        const auto client = (*clients)->Take();
        const std::string key = std::to_string(t) + ":" + std::to_string(i);
        if (const auto stored = client->Set(key, key); !stored.ok()) {
          std::cerr << stored.error().message + '\n';
          continue;
        }
        const auto value = client->Get(key);
        right += value.ok() && *value && (*value)->data == key;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  std::cout << right << " values were stored and read\n";
  for (const shardcache::ServerMetrics& server : (*clients)->Metrics().servers) {
    std::cout << server.name << ": " << server.operations << " operations, " << server.connections
              << " connections, half of the round trips within "
              << server.latency.Quantile(0.5).count() / 1000 << " us\n";
  }
}
