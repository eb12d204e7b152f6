// Says which server of the first pool in nutcracker.yml has a key: locate FILE KEY
#include <iostream>

#include "shardcache/placement.h"
#include "shardcache/pool_config.h"

int main(int argc, char** argv) {
  if (argc != 3) return std::cerr << "usage: locate FILE KEY\n", 2;
  const auto pools = shardcache::LoadPools(argv[1]);
  if (!pools.ok()) return std::cerr << pools.error().message << '\n', 1;
  const auto placement = shardcache::Placement::Create(pools->front());
  if (!placement.ok()) return std::cerr << placement.error().message << '\n', 1;

  const shardcache::Server& server = placement->server(placement->Locate(argv[2]));
  std::cout << argv[2] << " is on " << server.name << " (" << server.address() << ")\n";
}
