// Ends with 0 if a client says that nobody listens.
#include "shardcache/client.h"

#include <cstdio>

#include "shardcache/pool_config.h"

int main() {
  const auto pools = shardcache::ParsePools(
      "alpha:\n"
      "  listen: 127.0.0.1:22121\n"
      "  servers:\n"
      "  - 127.0.0.1:1:1\n",
      "text");
  auto client = shardcache::Client::Create(pools->front());
  if (!client.ok()) {
    std::fprintf(stderr, "%s\n", client.error().message.c_str());
    return 1;
  }
  const auto value = client->Get("key");
  if (value.ok()) return 2;
  std::printf("%s\n", value.error().message.c_str());
}
