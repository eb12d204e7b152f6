// Any bytes as a line of `servers:`.
#include <cstdlib>
#include <string_view>

#include "shardcache/server.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const auto server = shardcache::ParseServer(line);
  if (!server.ok()) {
    Require(server.error().code == shardcache::ErrorCode::kInvalidConfig);
    Require(!server.error().message.empty());
    return 0;
  }
  Require(server->weight >= 1 && server->weight <= 2147483647);
  Require(server->is_unix() == (line.front() == '/'));
  Require(server->named || server->name.size() <= line.size());
  Require(server->name.find('\0') == std::string::npos);
  Require(server->address().size() >= server->host.size());
  Require(!shardcache::RingNameLess(server->name, server->name));
  Require(*shardcache::ParseServer(line) == *server);
  return 0;
}
