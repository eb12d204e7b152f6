#include "lib/fleet/layout.h"

namespace shardcache::inline v0 {

Layout Layout::Of(const Placement& placement) {
  return {.servers = {placement.servers().begin(), placement.servers().end()},
          .placement = placement};
}

namespace internal {

StoredKeys::StoredKeys(const Placement& placement) : placement_(placement) {
  const std::string sent = placement.SentKey("k");
  if (sent.ends_with('k')) prefix_ = sent.substr(0, sent.size() - 1);
}

std::span<const ServerIndex> StoredKeys::Owners(std::span<const std::string_view> keys) {
  asked_.assign(keys.begin(), keys.end());
  owners_.resize(keys.size());
  for (std::string_view& key : asked_) key.remove_prefix(HasPrefix(key) ? prefix_.size() : 0);
  placement_.Locate(asked_, owners_);
  if (prefix_.empty()) return owners_;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!HasPrefix(keys[i])) owners_[i] = kForeign;
  }
  return owners_;
}

Result<void> CheckPlaces(const Placement& placement) {
  if (placement.scheme() == "twemproxy" && placement.distribution() == Distribution::kRandom &&
      placement.servers().size() > 1) {
    return Error{ErrorCode::kInvalidArgument,
                 "a pool with distribution random has no place for a key"};
  }
  return {};
}

}  // namespace internal
}  // namespace shardcache::inline v0
