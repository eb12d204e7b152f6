// Looks values up in a cache before it makes them: read_through FILE KEY...
#include <chrono>
#include <iostream>
#include <string>

#include "shardcache/client.h"

namespace {

// What is slow and to be spared.
std::string Make(const std::string& key) { return "the value of " + key; }

std::string Find(shardcache::Client& cache, const std::string& key) {
  auto cached = cache.Get(key);
  if (cached.ok() && *cached) return (*cached)->data + " (cached)";
  std::string value = Make(key);
  if (!cached.ok()) {
    // The cache is an aid: without it the program is slower, but goes on.
    std::cerr << cached.error().message << '\n';
    return value;
  }
  // Adds, so that a newer value, which somebody else stored meanwhile, stays.
  const auto added = cache.Add(key, value, std::chrono::minutes(10));
  if (!added.ok()) std::cerr << added.error().message << '\n';
  return value;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return std::cerr << "usage: read_through FILE KEY...\n", 2;
  const auto pools = shardcache::LoadPools(argv[1]);
  if (!pools.ok()) return std::cerr << pools.error().message << '\n', 1;
  auto cache = shardcache::Client::Create(
      pools->front(), {.timeout = std::chrono::milliseconds(500),
                       .stale_guard = {.level = shardcache::StaleGuard::kExact}});
  if (!cache.ok()) return std::cerr << cache.error().message << '\n', 1;

  for (int i = 2; i < argc; ++i) std::cout << argv[i] << ": " << Find(*cache, argv[i]) << '\n';
}
