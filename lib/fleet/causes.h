// Why a key may be where it does not belong.
#ifndef SHARDCACHE_LIB_FLEET_CAUSES_H_
#define SHARDCACHE_LIB_FLEET_CAUSES_H_

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/fleet/layout.h"
#include "shardcache/fleet.h"

namespace shardcache::inline v0::internal {

// Looks which other layout would have put a key where it is. A guess: of n servers every n-th key
// fits a layout by chance. So what the caller says of the past comes first, and of ejections that
// of the key's home. Not thread-safe.
class Causes {
 public:
  struct Cause {
    OrphanCause cause = OrphanCause::kUnknown;
    std::optional<ServerIndex> culprit = {};  // of kEjection

    // NOLINTNEXTLINE(modernize-use-nullptr): what clang makes of the comparison
    friend auto operator<=>(const Cause&, const Cause&) = default;
  };

  Causes(const Placement& placement, const CleanOptions& options);

  // Of keys that server `at` has, and that belong elsewhere. Valid until the next call.
  std::span<const Cause> Of(ServerIndex at, std::span<const std::string_view> keys);

 private:
  // Another layout, whose servers are known by their addresses.
  struct Other {
    StoredKeys keys;
    std::vector<std::optional<ServerIndex>> here;  // by its own index
  };

  std::optional<Other> Make(const Placement& other) const;
  void Mark(Other& other, OrphanCause cause, ServerIndex at,
            std::span<const std::string_view> keys);
  void MarkEjections(ServerIndex at, std::span<const std::string_view> keys);

  Placement all_;  // with every server live
  std::optional<Other> before_;
  std::optional<Other> client_;
  std::optional<Other> php_;
  // By server: the placement while that one is ejected. Empty where there are no ejections.
  std::vector<std::optional<Placement>> without_;
  std::vector<Cause> causes_;
};

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_FLEET_CAUSES_H_
