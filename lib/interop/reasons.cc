#include "lib/interop/reasons.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "lib/placement_state.h"

namespace shardcache::inline v0::internal {
namespace {

constexpr std::size_t kMostNamed = 3;

// "a, b, c and 4 more".
std::string List(const std::vector<std::string>& items) {
  std::string text;
  for (std::size_t i = 0; i < std::min(items.size(), kMostNamed); ++i) {
    text += (i > 0 ? ", " : "") + items[i];
  }
  if (items.size() > kMostNamed) {
    text += " and " + std::to_string(items.size() - kMostNamed) + " more";
  }
  return text;
}

class Differences {
 public:
  Differences(const Placement& proxy, const Placement& client)
      : proxy_(proxy),
        client_(client),
        pool_(*PlacementAccess::State(proxy).pool),
        scheme_(*PlacementAccess::State(client).pool->scheme) {
    for (ServerIndex i = 0; i < client.servers().size(); ++i) {
      client_index_.emplace(client.server(i).address(), i);
    }
  }

  std::vector<std::string> Find() {
    Servers();
    Bytes();
    HashFunctions();
    if (scheme_.compute) {
      Say("the client computes a server for each key (" + scheme_.name +
          "), where the proxy looks its hash up in a " + Structure() +
          ": nothing makes that alike");
    } else if (scheme_.ring.empty() != (pool_.distribution != shardcache::Distribution::kKetama)) {
      Say("the client uses " + scheme_.name + ", the proxy " +
          std::string(DistributionName(pool_.distribution)));
    } else if (scheme_.ring.empty()) {
      Tables();
    } else {
      Rings();
    }
    return std::move(reasons_);
  }

 private:
  void Say(std::string reason) { reasons_.push_back(std::move(reason)); }
  std::string Structure() const {
    return pool_.distribution == shardcache::Distribution::kKetama ? "ring" : "table";
  }

  void Servers() {
    std::vector<std::string> missing;
    std::vector<std::string> foreign;
    std::set<std::string> proxy_addresses;
    for (const Server& server : proxy_.servers()) {
      proxy_addresses.insert(server.address());
      if (!client_index_.contains(server.address())) missing.push_back(server.address());
    }
    for (const Server& server : client_.servers()) {
      if (!proxy_addresses.contains(server.address())) foreign.push_back(server.address());
    }
    if (!missing.empty()) Say("the client does not have " + List(missing) + " of the pool");
    if (!foreign.empty()) Say("the pool does not have " + List(foreign) + " of the client");
  }

  void Bytes() {
    const KeyRule& rule = scheme_.rule;
    if (!rule.prefix.empty() && !rule.prefix_hashed) {
      Say("the client puts the prefix \"" + rule.prefix +
          "\" before each key but does not hash it; the proxy sees and hashes it");
    }
    if (pool_.hash_tag) {
      Say(std::string("the pool has hash_tag \"") + pool_.hash_tag->open + pool_.hash_tag->close +
          "\", so the proxy hashes only what is between; the client hashes all of a key");
    }
    if (rule.part != nullptr) Say("the client hashes only a part of some keys");
    if (!rule.suffix.empty()) {
      Say("the client hashes each key with \"" + rule.suffix +
          "\" behind it, which it does not send, so that the proxy never sees it");
    }
  }

  void HashFunctions() {
    if (scheme_.compute) return;
    const KeyHash hash = KeyHashOf(pool_.hash);
    if (!KeyHash::Same(hash, pool_.char_sign, scheme_.hash, scheme_.sign)) {
      Say("the client hashes keys by " + std::string(scheme_.hash.name) + ", the proxy by " +
          std::string(hash.name));
    }
    if (scheme_.zero_is_one) {
      Say("the client takes 1 for a hash of 0, which one key of 32,768 has; the proxy takes 0");
    }
    if (scheme_.mask != ~std::uint32_t{0}) {
      Say("the client drops the highest bit of the hash, the proxy does not");
    }
  }

  // The weights of servers that both have.
  void Weights() {
    std::vector<std::string> differing;
    for (const Server& server : proxy_.servers()) {
      const auto found = client_index_.find(server.address());
      if (found == client_index_.end()) continue;
      const std::uint32_t weight = client_.server(found->second).weight;
      if (weight == server.weight) continue;
      differing.push_back(server.address() + " (" + std::to_string(weight) + ", and " +
                          std::to_string(server.weight) + " at the proxy)");
    }
    if (!differing.empty()) Say("weights differ: " + List(differing));
  }

  void Tables() {
    const std::size_t slots = scheme_.table.size();
    std::uint64_t proxy_slots = 0;
    for (ServerIndex i = 0; i < proxy_.servers().size(); ++i) proxy_slots += proxy_.PointCount(i);
    if (slots != proxy_slots) {
      Say("the client's table has " + std::to_string(slots) + " slots, the proxy's " +
          std::to_string(proxy_slots) + " (the sum of its weights)");
      Weights();
      return;
    }
    std::vector<std::string> order;
    for (const Server& server : proxy_.servers()) order.push_back(server.address());
    std::vector<std::string> client_order;
    for (std::size_t i = 0; i < slots; ++i) {
      if (i > 0 && scheme_.table[i] == scheme_.table[i - 1]) continue;
      client_order.push_back(client_.server(scheme_.table[i]).address());
    }
    if (order != client_order) {
      Say("the order of the servers differs, and by it the slots are numbered: the proxy sorts "
          "them by ring name, shorter names first (" +
          List(order) + "), the client has " + List(client_order));
    }
    Weights();
  }

  void Rings() {
    std::uint64_t client_points = scheme_.ring.size();
    std::uint64_t proxy_points = 0;
    for (ServerIndex i = 0; i < proxy_.servers().size(); ++i) proxy_points += proxy_.PointCount(i);
    if (scheme_.ring_names.empty()) {
      Say("the rings are made of other points: " + scheme_.name + " has " +
          std::to_string(client_points) + ", the proxy " + std::to_string(proxy_points) +
          " from the MD5 of each server's name");
      return;
    }
    Names();
    Weights();
    Points();
  }

  void Names() {
    std::vector<std::string> differing;
    for (const Server& server : proxy_.servers()) {
      const auto found = client_index_.find(server.address());
      if (found == client_index_.end()) continue;
      const std::string& name = scheme_.ring_names[found->second];
      if (name != server.name) {
        differing.push_back("\"" + name + "\", and \"" + server.name + "\" at the proxy");
      }
    }
    if (!differing.empty()) {
      Say("servers have other names on the client's ring: " + List(differing));
    }
  }

  // Where servers and weights are the same but not the numbers of points, it is the arithmetic.
  void Points() {
    if (proxy_.servers().size() != client_.servers().size()) return;
    for (const Server& server : proxy_.servers()) {
      const auto found = client_index_.find(server.address());
      if (found == client_index_.end()) return;
      const auto index = static_cast<ServerIndex>(&server - proxy_.servers().data());
      const std::uint32_t here = proxy_.PointCount(index);
      const std::uint32_t there = client_.PointCount(found->second);
      if (here != there && client_.server(found->second).weight == server.weight) {
        Say("twemproxy computes in single precision, and at " +
            std::to_string(proxy_.servers().size()) + " servers with these weights gives " +
            server.address() + " " + std::to_string(here) + " points; the client gives it " +
            std::to_string(there));
        return;
      }
    }
  }

  const Placement& proxy_;
  const Placement& client_;
  const PlacementPool& pool_;
  const Scheme& scheme_;
  std::map<std::string, ServerIndex> client_index_;
  std::vector<std::string> reasons_;
};

}  // namespace

std::vector<std::string> Reasons(const Placement& proxy, const Placement& client) {
  return Differences(proxy, client).Find();
}

}  // namespace shardcache::inline v0::internal
