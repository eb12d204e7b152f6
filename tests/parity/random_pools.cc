#include "tests/parity/random_pools.h"

#include <algorithm>
#include <array>
#include <utility>

#include "tests/harness/nutcracker.h"

namespace shardcache::testing {
namespace {

std::size_t RandomSize(Random& random, std::size_t most) {
  // Those where equal weights get fewer points, and their neighbours, come up often.
  constexpr std::array<std::size_t, 14> kTelling = {1,  2,  3,  24,  25,  26,  47,
                                                    50, 55, 71, 100, 107, 110, 120};
  const std::size_t size = random.Chance(0.4) ? random.Pick(kTelling) : random.Between(1, 120);
  return std::min(size, most);
}

// twemproxy spells a modula table out, so its weights stay small.
int RandomWeight(Random& random, int kind, Distribution distribution) {
  const int most = distribution == Distribution::kModula ? 500 : 1000000;
  switch (kind) {
    case 0:
      return 1;
    case 1:
      return static_cast<int>(random.Between(1, 4));
    case 2:
      return static_cast<int>(random.Between(1, static_cast<std::uint64_t>(most)));
    default:  // one heavy among light ones
      return random.Chance(0.1) ? most : 1;
  }
}

// Different for each `index`; of different lengths, so that the order by length shows.
std::string RandomNodeName(Random& random, std::size_t index) {
  constexpr std::array<std::string_view, 6> kStems = {"n",
                                                      "cache",
                                                      "10.0.0.1:",
                                                      "kn\xc3\xb6tchen",
                                                      "\xe6\x97\xa5",
                                                      "a-rather-long-name-of-a-node."};
  return std::string(random.Pick(kStems)) + std::to_string(index);
}

}  // namespace

std::string RandomPool(Random& random, const std::string& name, const std::string& listen,
                       HashFunction hash, Distribution distribution,
                       const std::vector<std::string>& addresses) {
  std::vector<std::string> settings = {
      "hash: " + std::string(HashName(hash)),
      "distribution: " + std::string(DistributionName(distribution))};
  if (random.Chance(0.4)) {
    constexpr std::array<std::string_view, 5> kTags = {"{}", "$$", "}{", "{$", "ae"};
    settings.push_back("hash_tag: '" + std::string(random.Pick(kTags)) + "'");
  }
  std::vector<std::string> chosen = addresses;
  for (std::size_t i = chosen.size(); i > 1; --i) std::swap(chosen[i - 1], chosen[random.Below(i)]);
  chosen.resize(RandomSize(random, chosen.size()));
  const int weights = static_cast<int>(random.Below(4));
  constexpr std::array kNamed = {0.0, 0.5, 1.0};
  const double named = random.Pick(kNamed);
  std::vector<PoolServer> servers;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    servers.push_back({.address = chosen[i],
                       .name = random.Chance(named) ? RandomNodeName(random, i) : "",
                       .weight = RandomWeight(random, weights, distribution)});
  }
  return MakePool(name, listen, settings, servers);
}

}  // namespace shardcache::testing
