#include "lib/libmemcached/handle.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace shardcache::inline v0::internal {
namespace {

FailureKind KindOf(memcached_return_t rc, bool was_open) {
  switch (rc) {
    case MEMCACHED_TIMEOUT:
    case MEMCACHED_IN_PROGRESS:
      return FailureKind::kTimeout;
    case MEMCACHED_HOST_LOOKUP_FAILURE:
      return FailureKind::kUnresolved;
    case MEMCACHED_CONNECTION_FAILURE:
      return was_open ? FailureKind::kClosed : FailureKind::kRefused;
    case MEMCACHED_PROTOCOL_ERROR:
    case MEMCACHED_UNKNOWN_READ_FAILURE:
      return FailureKind::kProtocol;
    default:
      return FailureKind::kOther;
  }
}

// The handles by their memcached_st, which own them: for a hash function that is set later takes
// the place in the memcached_st that leads to one.
class Owners {
 public:
  static Owners& Get() {
    static auto* owners = new Owners;  // outlives every memcached_st
    return *owners;
  }

  Handle* Put(const memcached_st* memc, std::unique_ptr<Handle> handle) {
    const std::lock_guard lock(mutex_);
    return (handles_[memc] = std::move(handle)).get();
  }

  Handle* Find(const memcached_st* memc) {
    const std::lock_guard lock(mutex_);
    const auto found = handles_.find(memc);
    return found == handles_.end() ? nullptr : found->second.get();
  }

  std::unique_ptr<Handle> Take(const memcached_st* memc) {
    const std::lock_guard lock(mutex_);
    auto node = handles_.extract(memc);
    return node.empty() ? nullptr : std::move(node.mapped());
  }

 private:
  std::mutex mutex_;
  std::unordered_map<const memcached_st*, std::unique_ptr<Handle>> handles_;
};

}  // namespace

Handle::Handle(memcached_st* memc, std::shared_ptr<Router> router,
               std::shared_ptr<const ServerList> servers)
    : memc_(memc),
      router_(std::move(router)),
      servers_(std::move(servers)),
      query_(memcached_query_id(memc)),
      sights_(servers_->positions.size()) {}

Handle* Handle::Of(const memcached_st* memc) {
  const hashkit_st* kit = memcached_get_hashkit(memc);
  if (kit == nullptr || kit->base_hash.function != &Hash) return nullptr;
  return static_cast<Handle*>(kit->base_hash.context);
}

void Handle::Install(std::unique_ptr<Handle> handle) {
  memcached_st* memc = handle->memc_;
  const std::unique_ptr<Handle> old = Owners::Get().Take(memc);
  const bool was_attached = old != nullptr && memc->on_cleanup == &OnCleanup;
  handle->next_on_clone_ = was_attached ? old->next_on_clone_ : memc->on_clone;
  handle->next_on_cleanup_ = was_attached ? old->next_on_cleanup_ : memc->on_cleanup;
  memc->on_clone = &OnClone;
  memc->on_cleanup = &OnCleanup;
  // Not by memcached_set_hashkit(), which would drop an encryption key.
  memc->hashkit.base_hash.function = &Hash;
  memc->hashkit.base_hash.context = Owners::Get().Put(memc, std::move(handle));
}

std::uint32_t Handle::Hash(const char* key, std::size_t size, void* context) {
  return static_cast<Handle*>(context)->Route({key, size});
}

memcached_return_t Handle::OnClone(memcached_st* clone, const memcached_st* source) {
  const Handle* origin = Owners::Get().Find(source);
  if (origin == nullptr) return MEMCACHED_SUCCESS;
  auto handle = std::make_unique<Handle>(clone, origin->router_, origin->servers_);
  handle->next_on_clone_ = origin->next_on_clone_;
  handle->next_on_cleanup_ = origin->next_on_cleanup_;
  Handle* owned = Owners::Get().Put(clone, std::move(handle));
  if (Of(source) != nullptr) clone->hashkit.base_hash.context = owned;
  return origin->next_on_clone_ ? origin->next_on_clone_(clone, source) : MEMCACHED_SUCCESS;
}

memcached_return_t Handle::OnCleanup(const memcached_st* memc) {
  const std::unique_ptr<Handle> handle = Owners::Get().Take(memc);
  const bool more = handle != nullptr && handle->next_on_cleanup_ != nullptr;
  return more ? handle->next_on_cleanup_(memc) : MEMCACHED_SUCCESS;
}

const memcached_instance_st* Handle::Instance(ServerIndex server) const {
  return memcached_server_instance_by_position(memc_, servers_->positions[server]);
}

std::uint32_t Handle::Route(std::string_view key) {
  const std::uint64_t query = memcached_query_id(memc_);
  if (query != query_ || snapshot_ == nullptr) {
    Settle(query - 1, false);
    query_ = query;
    snapshot_ = router_->Snapshot();
    keys_ = 0;
    nowhere_ = false;
    failed_.reset();
    // As a hit leaves it: where this is 0, memcached_get() calls every error a miss.
    memc_->result.count = 1;
  }
  ++keys_;
  const std::optional<ServerIndex> server = server_ = Locate(key);
  if (!server) {
    nowhere_ = true;
    return servers_->nowhere;
  }
  Sight& sight = sights_[*server];
  if (sight.query != query) {
    sight.query = query;
    if (std::find(pending_.begin(), pending_.end(), *server) == pending_.end()) {
      pending_.push_back(*server);
    }
  } else if (memcached_server_response_count(Instance(*server)) == 0 &&
             memcached_last_error(memc_) != MEMCACHED_SUCCESS) {
    // A multi-get has just failed to connect to it, and would try again for each of its keys.
    return servers_->nowhere;
  }
  return servers_->positions[*server];
}

std::optional<ServerIndex> Handle::Locate(std::string_view key) {
  if (snapshot_->configuration != servers_->configuration) return std::nullopt;
  const auto* prefix = static_cast<const char*>(
      memcached_callback_get(memc_, MEMCACHED_CALLBACK_PREFIX_KEY, nullptr));
  if (prefix == nullptr) return snapshot_->Route(key);
  key_.assign(prefix).append(key);
  return snapshot_->Route(key_);
}

// Looks at the servers that were routed to. `query` is libmemcached's number of the last call
// that is over.
void Handle::Settle(std::uint64_t query, bool errors_are_current) {
  const bool calls_unseen = query != query_;
  std::size_t kept = 0;
  for (const ServerIndex server : pending_) {
    if (memcached_server_response_count(Instance(server)) > 0) {
      pending_[kept++] = server;  // its answer is not read yet
    } else {
      Report(server, LookAt(server, calls_unseen, errors_are_current));
    }
  }
  pending_.resize(kept);
}

Handle::Outcome Handle::LookAt(ServerIndex server, bool calls_unseen, bool errors_are_current) {
  const memcached_instance_st* instance = Instance(server);
  Sight& sight = sights_[server];
  const char* error = memcached_server_error(instance);
  const bool changed = std::exchange(sight.error, error) != error;
  if (memcached_server_name(instance)[0] == '/') {
    return LookAtSocket(instance, changed, errors_are_current);
  }
  const bool open = memcached_server_srcport(instance) != 0;
  const bool was_open = std::exchange(sight.open, open);
  if (open) return Outcome::kAnswered;
  memcached_return_t rc = memcached_server_error_return(instance);
  // Some answers that it cannot read make libmemcached close the connection and record nothing.
  const bool nothing_new = errors_are_current && memcached_last_error(memc_) == MEMCACHED_SUCCESS;
  // Perhaps it was never used: memcached_server_by_key() asks for servers too.
  if (!was_open && rc == MEMCACHED_SUCCESS && !nothing_new) return Outcome::kUnknown;
  // In between memcached_quit() may have been called, which is no failure.
  if (calls_unseen && !changed) return Outcome::kUnknown;
  if (nothing_new || rc == MEMCACHED_SUCCESS) rc = MEMCACHED_UNKNOWN_READ_FAILURE;
  // libmemcached closes the connection after this answer, the proxy does not.
  if (rc == MEMCACHED_SERVER_ERROR) return Outcome::kAnswered;
  failed_ = {rc, KindOf(rc, was_open)};
  return Outcome::kFailed;
}

// Whether a unix socket is connected cannot be seen. What is recorded for the present call is
// known to be new; otherwise only what differs from before is.
Handle::Outcome Handle::LookAtSocket(const memcached_instance_st* instance, bool changed,
                                     bool errors_are_current) {
  const memcached_return_t rc = memcached_server_error_return(instance);
  if (errors_are_current) {
    const bool is_its = std::strstr(memcached_last_error_message(memc_),
                                    memcached_server_name(instance)) != nullptr;
    changed = is_its && memcached_last_error(memc_) == rc;
  }
  if (!changed) {
    return errors_are_current || rc == MEMCACHED_SUCCESS ? Outcome::kAnswered : Outcome::kUnknown;
  }
  if (rc == MEMCACHED_SUCCESS || rc == MEMCACHED_SERVER_ERROR || rc == MEMCACHED_CLIENT_ERROR) {
    return Outcome::kAnswered;
  }
  failed_ = {rc, KindOf(rc, false)};
  return Outcome::kFailed;
}

void Handle::Report(ServerIndex server, Outcome outcome) {
  if (outcome == Outcome::kAnswered) {
    router_->ReportSuccess(*snapshot_, server);
  } else if (outcome == Outcome::kFailed &&
             router_->Snapshot()->configuration == servers_->configuration) {
    router_->ReportFailure(server, failed_->kind);
  }
}

// Whether a call of one key had its answer, without a look at the connection, which costs a call
// of the system.
bool Handle::SurelyAnswered(memcached_return_t rc) {
  if (rc != MEMCACHED_SUCCESS && rc != MEMCACHED_NOTSTORED && rc != MEMCACHED_DATA_EXISTS) {
    return false;
  }
  const bool alone = keys_ == 1 && server_ && pending_.size() == 1 && pending_[0] == *server_;
  if (!alone || memcached_server_response_count(Instance(*server_)) > 0) return false;
  sights_[*server_].open = true;
  Report(*server_, Outcome::kAnswered);
  pending_.clear();
  return true;
}

memcached_return_t Handle::Check(memcached_return_t rc) {
  const std::uint64_t query = memcached_query_id(memc_);
  const bool routed = query == query_ && keys_ > 0;
  if (routed && SurelyAnswered(rc)) return rc;
  Settle(query, query == query_);
  const memcached_return_t last = memcached_last_error(memc_);
  if (rc != MEMCACHED_NOTFOUND && rc != MEMCACHED_END) {
    const bool only_nowhere = routed && nowhere_ && !failed_ && memcached_failed(rc);
    return only_nowhere ? MEMCACHED_NO_SERVERS : rc;
  }
  // Is it the truth that nothing was found?
  if (!routed) return last == MEMCACHED_SUCCESS ? rc : last;
  if (last == MEMCACHED_SUCCESS && !failed_ && !nowhere_) return rc;
  if (keys_ > 1) return MEMCACHED_SOME_ERRORS;
  if (nowhere_) return MEMCACHED_NO_SERVERS;
  return failed_ ? failed_->rc : last;
}

memcached_return_t Handle::CheckGet(std::string_view key, memcached_return_t rc) {
  const memcached_result_st& result = memc_->result;
  const bool fetched = rc == MEMCACHED_SUCCESS && result.key_length > 0;
  if (!fetched || std::string_view(result.item_key, result.key_length) == key) return Check(rc);
  // What follows on that connection answers other requests than are asked.
  if (memcached_query_id(memc_) == query_ && server_) {
    failed_ = {MEMCACHED_PROTOCOL_ERROR, FailureKind::kProtocol};
    std::erase(pending_, *server_);
    sights_[*server_].open = false;
    Report(*server_, Outcome::kFailed);
  }
  Settle(query_, false);
  memcached_quit(memc_);  // there is no way to close one alone
  return MEMCACHED_PROTOCOL_ERROR;
}

}  // namespace shardcache::inline v0::internal
