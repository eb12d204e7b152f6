#include "lib/ketama.h"

#include <algorithm>
#include <string>

#include "lib/hash/reference.h"

namespace shardcache::inline v0::internal {

std::uint32_t TotalWeight(std::span<const Server> servers, std::span<const ServerIndex> live) {
  std::uint32_t total = 0;
  for (ServerIndex index : live) total += servers[index].weight;
  return total;
}

std::vector<std::uint32_t> KetamaGroupsOf(std::span<const Server> servers,
                                          std::span<const ServerIndex> live) {
  const std::uint32_t total = TotalWeight(servers, live);
  const auto live_count = static_cast<std::uint32_t>(live.size());
  std::vector<std::uint32_t> groups(servers.size(), 0);
  for (ServerIndex i : live) groups[i] = KetamaGroups(servers[i].weight, total, live_count);
  return groups;
}

void AppendKetamaPoints(std::string_view ring_name, ServerIndex owner, std::uint32_t groups,
                        std::vector<Point>& points) {
  std::string text;
  for (std::uint32_t group = 0; group < groups; ++group) {
    text.assign(ring_name);
    text += '-';
    text += std::to_string(group);
    if (text.size() > kKetamaMaxText) text.resize(kKetamaMaxText);
    for (std::uint32_t value : Md5Words(text)) points.push_back({value, owner});
  }
}

std::vector<Point> KetamaRing(std::span<const Server> servers,
                              std::span<const std::uint32_t> groups) {
  std::vector<Point> ring;
  for (ServerIndex i = 0; i < servers.size(); ++i) {
    AppendKetamaPoints(servers[i].name, i, groups[i], ring);
  }
  // Stable, as the merge sort is that glibc has for qsort: equal values keep server order.
  std::stable_sort(ring.begin(), ring.end(),
                   [](const Point& a, const Point& b) { return a.value < b.value; });
  return ring;
}

ServerIndex KetamaOwner(std::span<const Point> ring, std::uint32_t hash) {
  const auto at_or_after =
      std::lower_bound(ring.begin(), ring.end(), hash,
                       [](const Point& point, std::uint32_t value) { return point.value < value; });
  return (at_or_after == ring.end() ? ring.front() : *at_or_after).owner;
}

}  // namespace shardcache::inline v0::internal
