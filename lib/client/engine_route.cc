// Which server each key goes to, over which connection.
#include <algorithm>
#include <utility>

#include "lib/client/engine.h"

namespace shardcache::inline v0::internal {
namespace {

// For fewer keys hashing them side by side does not pay.
constexpr std::size_t kRoutedOneByOne = 4;

}  // namespace

// Has a link for each server of `snapshot`, keeping the connections to those that stayed.
void ClientEngine::Follow(const RouterSnapshot& snapshot) {
  if (snapshot.configuration == configuration_) return;
  configuration_ = snapshot.configuration;
  std::vector<std::unique_ptr<Link>> old = std::exchange(links_, {});
  for (const Server& server : snapshot.placement.servers()) {
    const auto same = std::find_if(old.begin(), old.end(), [&](const auto& link) {
      return link && link->connection.server().name == server.name &&
             link->connection.server().address() == server.address();
    });
    links_.push_back(same == old.end() ? std::make_unique<Link>(server) : std::move(*same));
    links_.back()->metrics = metrics_->Of(server.name);
  }
  for (const auto& gone : old) {
    if (gone) gone->metrics->open.Set(0);
  }
}

// `keys` as they are sent. Good until the next call, and as long as they are.
std::span<const std::string_view> ClientEngine::WithPrefix(std::span<const std::string_view> keys) {
  const std::string& prefix = core_->options().prefix;
  if (prefix.empty()) return keys;
  std::size_t size = keys.size() * prefix.size();
  for (const std::string_view key : keys) size += key.size();
  prefixed_.clear();
  prefixed_.reserve(size);  // views into it stay good
  sent_keys_.clear();
  for (const std::string_view key : keys) {
    const std::size_t begin = prefixed_.size();
    prefixed_.append(prefix).append(key);
    sent_keys_.push_back(std::string_view(prefixed_).substr(begin));
  }
  return sent_keys_;
}

// Puts the prefix before the keys and checks them. Items that are over already are left alone.
// Returns whether anything is left to ask.
bool ClientEngine::Prepare(std::span<Item> items) {
  keys_.clear();
  for (const Item& item : items) keys_.push_back(item.key);
  const auto sent = WithPrefix(keys_);
  pending_.clear();
  for (std::size_t i = 0; i < items.size(); ++i) {
    Item& item = items[i];
    if (item.error || item.answer.status != Status::kPending) continue;
    item.sent_key = sent[i];
    if (!item.key.empty() && IsValidKey(item.sent_key)) {
      pending_.push_back(&item);
      continue;
    }
    item.error = std::make_unique<Error>(
        Error{ErrorCode::kInvalidArgument,
              "memcached takes keys of 1 to 250 bytes without blanks and control "
              "characters, not the " +
                  std::to_string(item.sent_key.size()) + " bytes of '" +
                  std::string(item.key.substr(0, 300)) + "'",
              "", std::string(item.key)});
  }
  return !pending_.empty();
}

// Sets routes_ and used_ as `snapshot` says.
void ClientEngine::FindServers(std::span<const std::string_view> keys,
                               const RouterSnapshot& snapshot) {
  Follow(snapshot);
  routes_.resize(keys.size());
  if (routes_.size() < kRoutedOneByOne) {
    for (std::size_t i = 0; i < routes_.size(); ++i) {
      routes_[i] = snapshot.Route(keys[i]).value_or(kNoServer);
    }
  } else {
    snapshot.Route(keys, routes_);
  }
  used_.clear();
  is_used_.assign(links_.size(), false);
  for (const ServerIndex server : routes_) {
    if (server == kNoServer || is_used_[server]) continue;
    is_used_[server] = true;
    used_.push_back(server);
  }
}

// Finds the servers of `keys`, after what there is to do before. `*now` is moved on if that took
// long.
std::shared_ptr<const RouterSnapshot> ClientEngine::Route(std::span<const std::string_view> keys,
                                                          TimePoint* now) {
  auto snapshot = core_->router().Snapshot(RouterTime(*now));
  if (core_->MayHaveWork(*snapshot)) {
    core_->Step();
    snapshot = core_->router().Snapshot();
    *now = Clock::now();
  }
  FindServers(keys, *snapshot);
  // What a lost connection changed about who is live holds for these keys already.
  for (int i = 0; i < 8 && CheckConnections(*snapshot); ++i) {
    snapshot = core_->router().Snapshot();
    FindServers(keys, *snapshot);
    *now = Clock::now();
  }
  return snapshot;
}

// Gives each pending item its server, and each link its items.
std::shared_ptr<const RouterSnapshot> ClientEngine::RoutePending(TimePoint* now) {
  keys_.clear();
  const bool hash_prefix = core_->options().hash_prefix;
  for (const Item* item : pending_) keys_.push_back(hash_prefix ? item->sent_key : item->key);
  auto snapshot = Route(keys_, now);
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    Item* const item = pending_[i];
    item->server = routes_[i];
    if (item->server == kNoServer) {
      item->error = std::make_unique<Error>(
          Error{ErrorCode::kNoLiveServer, "no server is live for '" + std::string(item->key) + "'",
                "", std::string(item->key)});
      continue;
    }
    links_[item->server]->items.push_back(item);
  }
  std::erase_if(pending_, [](const Item* item) { return item->server == kNoServer; });
  return snapshot;
}

// Looks whether the idle connections that are needed still stand, where that does not show later.
// Returns whether one did not.
bool ClientEngine::CheckConnections(const RouterSnapshot& snapshot) {
  bool lost = false;
  for (const ServerIndex server : used_) {
    Link* const link = links_[server].get();
    if (link->connection.needs_check()) lost |= !StillStands(link, snapshot, server);
  }
  return lost;
}

bool ClientEngine::StillStands(Link* link, const RouterSnapshot& snapshot, ServerIndex server) {
  const auto failure = link->connection.CheckIdle();
  if (failure) ReportFailure(link, snapshot, server, failure->kind);
  return !failure;
}

}  // namespace shardcache::inline v0::internal
