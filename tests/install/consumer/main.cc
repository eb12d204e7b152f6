// Ends with 0 if the library answers as it should.
#include <cstdio>

#include "shardcache/lint.h"
#include "shardcache/placement.h"
#include "shardcache/pool_config.h"

int main() {
  const auto pools = shardcache::ParsePools(
      "alpha:\n"
      "  listen: 127.0.0.1:22121\n"
      "  hash: md5\n"
      "  servers:\n"
      "  - 127.0.0.1:11211:1 one\n"
      "  - 127.0.0.1:11212:1 two\n",
      "text");
  if (!pools.ok()) {
    std::fprintf(stderr, "%s\n", pools.error().message.c_str());
    return 1;
  }
  const auto placement = shardcache::Placement::Create(pools->front());
  if (!placement.ok() || placement->points().size() != 320) return 2;
  if (!shardcache::Lint(pools->front()).empty()) return 3;
  std::printf("user:42 is on %s\n", placement->server(placement->Locate("user:42")).name.c_str());
}
