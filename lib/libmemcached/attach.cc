#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/libmemcached/handle.h"
#include "shardcache/libmemcached.h"

namespace shardcache::inline v0 {
namespace {

using internal::Handle;
using internal::kNowhere;
using internal::ServerList;

struct Refusal {
  memcached_behavior_t behavior;
  const char* name;
  const char* why;
};

// Settings with which a handle cannot be routed from outside, or its failures not be seen.
constexpr Refusal kRefusals[] = {
    {MEMCACHED_BEHAVIOR_USE_UDP, "MEMCACHED_BEHAVIOR_USE_UDP", "UDP has no connections to watch"},
    {MEMCACHED_BEHAVIOR_NOREPLY, "MEMCACHED_BEHAVIOR_NOREPLY",
     "without answers failures go unnoticed"},
    {MEMCACHED_BEHAVIOR_BUFFER_REQUESTS, "MEMCACHED_BEHAVIOR_BUFFER_REQUESTS",
     "a buffered call tells nothing of its server, and libmemcached may abort the process"},
    {MEMCACHED_BEHAVIOR_NUMBER_OF_REPLICAS, "MEMCACHED_BEHAVIOR_NUMBER_OF_REPLICAS",
     "replicas go to servers that the proxy never asks"},
    {MEMCACHED_BEHAVIOR_SORT_HOSTS, "MEMCACHED_BEHAVIOR_SORT_HOSTS",
     "servers must keep their places"},
};

Error Invalid(std::string message) {
  return {.code = ErrorCode::kInvalidArgument, .message = std::move(message)};
}

Error Libmemcached(const memcached_st* memc, const std::string& what) {
  return {.code = ErrorCode::kIo,
          .message = what + ": " + std::string(memcached_last_error_message(memc))};
}

std::optional<Error> CheckSettings(memcached_st* memc) {
  for (const Refusal& refusal : kRefusals) {
    if (memcached_behavior_get(memc, refusal.behavior) == 0) continue;
    return Invalid(std::string(refusal.name) + " is set on the memcached_st: " + refusal.why +
                   "; set it to 0 before Attach()");
  }
  return std::nullopt;
}

// "::1" for "[::1]", as libmemcached itself understands it.
std::string_view WithoutBrackets(std::string_view host) {
  const bool brackets = host.size() > 1 && host.front() == '[' && host.back() == ']';
  return brackets ? host.substr(1, host.size() - 2) : host;
}

bool Is(const memcached_instance_st* instance, const Server& server) {
  return WithoutBrackets(memcached_server_name(instance)) == server.host &&
         (server.is_unix() || memcached_server_port(instance) == server.port);
}

std::string AddressOf(const memcached_instance_st* instance) {
  const std::string name = memcached_server_name(instance);
  return name[0] == '/' ? name : name + ":" + std::to_string(memcached_server_port(instance));
}

// Where `servers` are in the list of `memc`, each once and no others but kNowhere.
Result<std::vector<std::uint32_t>> FindAll(const memcached_st* memc,
                                           std::span<const Server> servers) {
  const std::uint32_t count = memcached_server_count(memc);
  std::vector<bool> used(count);
  std::vector<std::uint32_t> positions;
  const auto instance_at = [&](std::uint32_t at) {
    return memcached_server_instance_by_position(memc, at);
  };
  for (std::uint32_t next = 0; const Server& server : servers) {
    // In the order of the pool, unless the application has another one.
    std::uint32_t at = next;
    if (at >= count || used[at] || !Is(instance_at(at), server)) {
      for (at = 0; at < count && (used[at] || !Is(instance_at(at), server));) ++at;
    }
    if (at == count) {
      Error error = Invalid("the memcached_st has servers, but not the pool's " + server.name +
                            " (" + server.address() +
                            "); call memcached_servers_reset(), and Attach() adds the pool's");
      error.server = server.name;
      return error;
    }
    used[at] = true;
    positions.push_back(at);
    next = at + 1;
  }
  for (std::uint32_t at = 0; at < count; ++at) {
    if (used[at] || std::string_view(memcached_server_name(instance_at(at))) == kNowhere) continue;
    return Invalid("the memcached_st has the server " + AddressOf(instance_at(at)) +
                   ", which is not of the pool; call memcached_servers_reset(), and Attach() adds "
                   "the pool's");
  }
  return positions;
}

bool Add(memcached_st* memc, const Server& server) {
  return memcached_success(
      server.is_unix()
          ? memcached_server_add_unix_socket_with_weight(memc, server.host.c_str(), 1)
          : memcached_server_add_with_weight(memc, server.host.c_str(), server.port, 1));
}

std::optional<Error> Configure(memcached_st* memc) {
  const std::pair<memcached_behavior_t, std::uint64_t> settings[] = {
      {MEMCACHED_BEHAVIOR_DISTRIBUTION, MEMCACHED_DISTRIBUTION_MODULA},
      // It keeps a key's prefix from the hash function, or cuts it; Handle adds it by itself.
      {MEMCACHED_BEHAVIOR_HASH_WITH_PREFIX_KEY, 0},
      // The Router alone takes servers out.
      {MEMCACHED_BEHAVIOR_AUTO_EJECT_HOSTS, 0},
      {MEMCACHED_BEHAVIOR_SERVER_TIMEOUT_LIMIT, 0xffffffff},
  };
  for (const auto& [behavior, value] : settings) {
    if (memcached_failed(memcached_behavior_set(memc, behavior, value))) {
      return Libmemcached(memc, "memcached_behavior_set() failed");
    }
  }
  return std::nullopt;
}

// Fills the list of `memc` where it is empty, and finds the servers in it.
Result<std::vector<std::uint32_t>> MakeList(memcached_st* memc, std::span<const Server> servers) {
  if (memcached_server_count(memc) == 0) {
    for (const Server& server : servers) {
      if (!Add(memc, server)) {
        return Libmemcached(memc, "cannot add " + server.address() + " to the memcached_st");
      }
    }
  }
  return FindAll(memc, servers);
}

}  // namespace

Result<void> Attach(memcached_st* memc, std::shared_ptr<Router> router) {
  if (memc == nullptr || router == nullptr) return Invalid("no memcached_st or no Router is given");
  if (const auto error = CheckSettings(memc)) return *error;
  const auto snapshot = router->Snapshot();
  const auto servers = snapshot->placement.servers();
  const bool again = Handle::Of(memc) != nullptr;
  if (memcached_server_count(memc) > 0) {
    const auto found = FindAll(memc, servers);
    if (!found.ok() && !again) return found.error();
    if (!found.ok()) memcached_servers_reset(memc);  // ours, of another configuration
  }
  if (const auto error = Configure(memc)) return *error;
  auto positions = MakeList(memc, servers);
  if (!positions.ok()) return positions.error();
  const std::uint32_t count = memcached_server_count(memc);
  if (count == servers.size() &&
      memcached_failed(memcached_server_add_unix_socket_with_weight(memc, kNowhere, 1))) {
    return Libmemcached(memc, "cannot add a server to the memcached_st");
  }
  ServerList list{
      .configuration = snapshot->configuration, .positions = *std::move(positions), .nowhere = 0};
  while (std::find(list.positions.begin(), list.positions.end(), list.nowhere) !=
         list.positions.end()) {
    ++list.nowhere;
  }
  Handle::Install(std::make_unique<Handle>(memc, std::move(router),
                                           std::make_shared<const ServerList>(std::move(list))));
  return {};
}

bool IsAttached(const memcached_st* memc) { return Handle::Of(memc) != nullptr; }

memcached_return_t CheckCall(memcached_st* memc, memcached_return_t rc) {
  Handle* handle = Handle::Of(memc);
  return handle == nullptr ? rc : handle->Check(rc);
}

memcached_return_t CheckGet(memcached_st* memc, std::string_view key, memcached_return_t rc) {
  Handle* handle = Handle::Of(memc);
  return handle == nullptr ? rc : handle->CheckGet(key, rc);
}

}  // namespace shardcache::inline v0
