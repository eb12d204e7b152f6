#include <mutex>
#include <utility>
#include <vector>

#include "lib/client/core.h"
#include "lib/client/engine.h"
#include "shardcache/client.h"

namespace shardcache::inline v0 {

struct ClientPool::Idle {
  std::mutex mutex;
  std::vector<std::unique_ptr<Client>> clients;
};

ClientPool::ClientPool(std::shared_ptr<internal::ClientCore> core)
    : core_(std::move(core)), idle_(std::make_unique<Idle>()) {}
ClientPool::~ClientPool() = default;

Result<std::unique_ptr<ClientPool>> ClientPool::Create(const PoolConfig& pool,
                                                       ClientOptions options) {
  auto core = internal::ClientCore::Create(pool, std::move(options));
  if (!core.ok()) return core.error();
  return std::unique_ptr<ClientPool>(new ClientPool(*std::move(core)));
}

ClientPool::Lease ClientPool::Take() {
  {
    const std::lock_guard lock(idle_->mutex);
    if (!idle_->clients.empty()) {
      std::unique_ptr<Client> client = std::move(idle_->clients.back());
      idle_->clients.pop_back();
      return {this, std::move(client)};
    }
  }
  return {this,
          std::unique_ptr<Client>(new Client(std::make_unique<internal::ClientEngine>(core_)))};
}

void ClientPool::GiveBack(std::unique_ptr<Client> client) {
  const std::lock_guard lock(idle_->mutex);
  idle_->clients.push_back(std::move(client));
}

ClientPool::Lease::~Lease() {
  if (client_) pool_->GiveBack(std::move(client_));
}

Router& ClientPool::router() const { return core_->router(); }

ClientMetrics ClientPool::Metrics() const { return core_->Metrics(); }

}  // namespace shardcache::inline v0
