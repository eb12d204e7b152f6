// Counts something, for a day from the first time on: counters FILE NAME
#include <chrono>
#include <iostream>

#include "shardcache/client.h"

namespace {

// A counter is there only when somebody has added it, and only one can: so whoever finds none adds
// it, and whoever was not the first to add counts after all.
shardcache::Result<std::uint64_t> Count(shardcache::Client& client, std::string_view name) {
  while (true) {
    const auto counted = client.Increment(name);
    if (!counted.ok()) return counted.error();
    if (*counted) return **counted;
    const auto added = client.Add(name, "1", std::chrono::hours(24));
    if (!added.ok()) return added.error();
    if (*added == shardcache::Outcome::kStored) return std::uint64_t{1};
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::cerr << "usage: counters FILE NAME\n", 2;
  const auto pools = shardcache::LoadPools(argv[1]);
  if (!pools.ok()) return std::cerr << pools.error().message << '\n', 1;
  auto client = shardcache::Client::Create(
      pools->front(), {.timeout = std::chrono::milliseconds(500),
                       .stale_guard = {.level = shardcache::StaleGuard::kExact}});
  if (!client.ok()) return std::cerr << client.error().message << '\n', 1;

  const auto count = Count(*client, argv[2]);
  if (!count.ok()) {
    // Never repeated by the client: that might count twice.
    std::cerr << count.error().message
              << (count.error().maybe_applied ? " (it may have been counted)\n"
                                              : " (it was not counted)\n");
    return 1;
  }
  std::cout << argv[2] << ": " << *count << '\n';
}
