#include "shardcache/lint.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "shardcache/analysis.h"
#include "shardcache/placement.h"

namespace shardcache::inline v0 {
namespace {

std::string Percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", share * 100);
  return text;
}

class Linter {
 public:
  explicit Linter(const PoolConfig& pool) : pool_(pool) {}

  std::vector<Warning> Run() {
    CheckHash();
    CheckNames();
    const Result<Placement> placement = Placement::Create(pool_);
    if (!placement.ok()) {
      Warn("servers", placement.error().message);
      return std::move(warnings_);
    }
    if (pool_.distribution == Distribution::kKetama) {
      CheckSpread(*placement);
      CheckPoints(*placement);
    }
    if (pool_.auto_eject_hosts) CheckEjection(*placement);
    return std::move(warnings_);
  }

 private:
  void Warn(std::string setting, std::string message) {
    warnings_.push_back({pool_.name, std::move(setting), std::move(message)});
  }

  void CheckHash() {
    if (pool_.distribution == Distribution::kRandom || pool_.servers.size() == 1) return;
    if (!DependsOnCharSign(pool_.hash)) return;
    Warn("hash", std::string(HashName(pool_.hash)) +
                     " reads keys through C's char: proxies on ARM and on x86 disagree on keys "
                     "with bytes above 0x7f; md5, murmur, jenkins and crc32a do not");
  }

  void CheckNames() {
    for (const Server& server : pool_.servers) {
      if (server.name.empty()) {
        Warn("servers",
             "the server " + server.address() + " ends in a space and so has an empty ring name");
      }
      if (server.name.size() > 260 && pool_.distribution == Distribution::kKetama) {
        Warn("servers", "the ring name of " + server.address() + " has " +
                            std::to_string(server.name.size()) +
                            " bytes; twemproxy cuts name and point number at 272, so that "
                            "points fall together");
      }
    }
  }

  // Measures the spread of crc32 and crc16, which leave most of the circle empty.
  void CheckSpread(const Placement& placement) {
    if (pool_.hash != HashFunction::kCrc32 && pool_.hash != HashFunction::kCrc16) return;
    if (pool_.servers.size() == 1) return;
    constexpr int kKeys = 10000;
    std::map<ServerIndex, int> counts;
    for (int i = 0; i < kKeys; ++i) ++counts[placement.Locate("key:" + std::to_string(i))];
    const auto most = std::max_element(counts.begin(), counts.end(),
                                       [](auto& a, auto& b) { return a.second < b.second; });
    Warn("hash", std::string(HashName(pool_.hash)) +
                     " does not spread keys over a ketama ring: of key:0 to key:9999, " +
                     Percent(double{1} * most->second / kKeys) + " go to \"" +
                     placement.server(most->first).name + "\" and " +
                     std::to_string(counts.size()) + " of " + std::to_string(pool_.servers.size()) +
                     " servers get any; use another hash, or modula");
  }

  void CheckPoints(const Placement& placement) {
    for (ServerIndex index = 0; index < placement.servers().size(); ++index) {
      if (placement.PointCount(index) > 0) continue;
      const Server& server = placement.server(index);
      Warn("servers", "\"" + server.name + "\" never gets a key: its weight " +
                          std::to_string(server.weight) +
                          " is too small a part of the whole to give it a point");
    }
  }

  void CheckEjection(const Placement& placement) {
    if (!pool_.timeout) {
      Warn("timeout",
           "is not set: a server that hangs is waited for without end and never "
           "ejected, auto_eject_hosts notwithstanding");
    }
    const int limit = std::max(pool_.server_failure_limit, 1);
    if (pool_.server_connections > limit) {
      Warn("server_connections",
           std::to_string(pool_.server_connections) +
               " connections to a server, but a failure limit of " + std::to_string(limit) +
               ": each connection that closes counts, so a server that closes its idle "
               "connections is ejected though it is well");
    }
    if (placement.servers().size() < 2) return;
    if (pool_.distribution == Distribution::kModula) {
      Warn("distribution",
           "modula with auto_eject_hosts: an ejection changes the divisor and "
           "so moves nearly all keys, also between servers that are alive; "
           "ketama moves those of the ejected server");
    } else if (pool_.distribution == Distribution::kKetama) {
      CheckSurvivors(placement);
    }
  }

  // Looks for an ejection that moves keys between survivors, which happens exactly when it
  // changes how many points they have. That depends on the ejected server's weight only.
  void CheckSurvivors(const Placement& placement) {
    constexpr std::size_t kMostWeights = 16;  // a ring is built for each
    std::set<std::uint32_t> weights;
    double worst = 0;
    std::string worst_name;
    for (ServerIndex victim = 0; victim < placement.servers().size(); ++victim) {
      if (weights.size() == kMostWeights) break;
      if (!weights.insert(placement.server(victim).weight).second) continue;
      const EjectionEffect effect = *EjectionEffectOf(placement, victim);
      if (effect.survivors == 0) continue;
      const double moved = effect.survivors_moved / effect.survivors;
      if (moved > worst) {
        worst = moved;
        worst_name = placement.server(victim).name;
      }
    }
    if (worst == 0) return;
    const bool equal = weights.size() == 1;
    Warn("servers",
         "the ejection of \"" + worst_name + "\" also moves " + Percent(worst) +
             " of the keys of servers that are alive: " +
             (equal ? "twemproxy's float arithmetic gives " +
                          std::to_string(placement.servers().size()) + " and " +
                          std::to_string(placement.servers().size() - 1) +
                          " equal servers different numbers of points"
                    : std::string("with unequal weights their numbers of points change")));
  }

  const PoolConfig& pool_;
  std::vector<Warning> warnings_;
};

}  // namespace

std::vector<Warning> Lint(const PoolConfig& pool) { return Linter(pool).Run(); }

}  // namespace shardcache::inline v0
