#include "lib/fleet/causes.h"

#include "shardcache/interop.h"

namespace shardcache::inline v0::internal {

Causes::Causes(const Placement& placement, const CleanOptions& options) : all_(placement) {
  if (options.before) before_ = Make(*options.before);
  if (options.other_client) {
    client_ = Make(*options.other_client);
  } else {
    const auto php =
        ModelClient({.client = "php-memcached",
                     .servers = {placement.servers().begin(), placement.servers().end()},
                     .options = {}});
    if (php.ok()) php_ = Make(php->placement);
  }
  // Only twemproxy ejects.
  const std::size_t count = placement.servers().size();
  std::vector<ServerIndex> live;
  for (ServerIndex i = 0; i < count; ++i) live.push_back(i);
  auto all = placement.Restrict(live);
  if (!all.ok() || count < 2) return;
  all_ = *std::move(all);
  for (ServerIndex out = 0; out < count; ++out) {
    std::erase(live, out);
    auto without = all_.Restrict(live);
    without_.push_back(without.ok() ? std::optional(*std::move(without)) : std::nullopt);
    live.insert(live.begin() + out, out);
  }
}

std::optional<Causes::Other> Causes::Make(const Placement& other) const {
  std::map<std::string, ServerIndex> known;
  for (ServerIndex i = 0; i < all_.servers().size(); ++i) known[all_.server(i).address()] = i;
  Other made{StoredKeys(other), {}};
  for (const Server& server : other.servers()) {
    const auto found = known.find(server.address());
    made.here.push_back(found == known.end() ? std::nullopt : std::optional(found->second));
  }
  return made;
}

std::span<const Causes::Cause> Causes::Of(ServerIndex at, std::span<const std::string_view> keys) {
  causes_.assign(keys.size(), {});
  if (before_) Mark(*before_, OrphanCause::kResize, at, keys);
  if (client_) Mark(*client_, OrphanCause::kOtherClient, at, keys);
  if (!without_.empty()) MarkEjections(at, keys);
  if (php_) Mark(*php_, OrphanCause::kOtherClient, at, keys);
  return causes_;
}

void Causes::Mark(Other& other, OrphanCause cause, ServerIndex at,
                  std::span<const std::string_view> keys) {
  const auto owners = other.keys.Owners(keys);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (causes_[i].cause != OrphanCause::kUnknown || owners[i] == StoredKeys::kForeign) continue;
    if (other.here[owners[i]] == at) causes_[i] = {cause, std::nullopt};
  }
}

void Causes::MarkEjections(ServerIndex at, std::span<const std::string_view> keys) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (causes_[i].cause != OrphanCause::kUnknown) continue;
    const std::uint32_t hash = all_.HashKey(keys[i]);
    const auto fits = [&](ServerIndex out) {
      return without_[out] && out != at && without_[out]->LocateHash(hash) == at;
    };
    const ServerIndex home = all_.LocateHash(hash);
    if (fits(home)) {
      causes_[i] = {OrphanCause::kEjection, home};
      continue;
    }
    for (ServerIndex out = 0; out < without_.size(); ++out) {
      if (out == home || !fits(out)) continue;
      causes_[i] = {OrphanCause::kEjection, out};
      break;
    }
  }
}

}  // namespace shardcache::inline v0::internal
