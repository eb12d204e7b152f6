// Where the keys that servers hold belong.
#ifndef SHARDCACHE_LIB_FLEET_LAYOUT_H_
#define SHARDCACHE_LIB_FLEET_LAYOUT_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shardcache/fleet.h"
#include "shardcache/placement.h"

namespace shardcache::inline v0::internal {

// A placement that is asked for keys as servers have them. Servers have a client's keys with its
// prefix, while the client may hash what comes after it; see Placement::SentKey().
class StoredKeys {
 public:
  static constexpr ServerIndex kForeign = static_cast<ServerIndex>(-1);

  explicit StoredKeys(const Placement& placement);

  // The owner of each of `keys`; kForeign for those without the prefix. Valid until the next call.
  std::span<const ServerIndex> Owners(std::span<const std::string_view> keys);

  const Placement& placement() const { return placement_; }
  // What the client hashes of the key. REQUIRES: it has the prefix.
  std::string_view WithoutPrefix(std::string_view key) const { return key.substr(prefix_.size()); }
  bool HasPrefix(std::string_view key) const { return key.starts_with(prefix_); }

 private:
  Placement placement_;
  std::string prefix_;
  std::vector<std::string_view> asked_;
  std::vector<ServerIndex> owners_;
};

// Whether its keys have an owner each; else an error.
Result<void> CheckPlaces(const Placement& placement);

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_FLEET_LAYOUT_H_
