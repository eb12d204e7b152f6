// Does one thing a number of times, for instructions.py to count the instructions of.
//   shardcache_instructions CASE ROUNDS
// A round routes 4,096 keys, or makes one ring, with 100 servers.
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "shardcache/hash.h"
#include "shardcache/placement.h"
#include "shardcache/router.h"
#include "workload.h"

namespace {

using shardcache::HashFunction;
using shardcache::Placement;
using shardcache::ServerIndex;

constexpr std::size_t kServers = 100;

const std::vector<std::string_view>& RoundKeys() {
  static const Keys keys(Keys::Kind::kMixed, 4096);
  return keys.views();
}

// Kept, so that nothing is optimized away.
volatile std::uint32_t answer;

Placement MakePlacement(HashFunction function) {
  shardcache::PoolConfig pool = MakePool(kServers);
  pool.hash = function;
  return *Placement::Create(pool);
}

using Round = std::function<void()>;

Round OneKey(HashFunction function) {
  return [placement = MakePlacement(function)] {
    for (std::string_view key : RoundKeys()) answer = placement.Locate(key);
  };
}

Round Batch(HashFunction function) {
  return [placement = MakePlacement(function)] {
    const std::span keys = RoundKeys();
    std::vector<ServerIndex> owners(256);
    for (std::size_t at = 0; at < keys.size(); at += 256) {
      placement.Locate(keys.subspan(at, 256), owners);
      answer = owners.back();
    }
  };
}

Round Build() {
  return [pool = MakePool(kServers)] { answer = Placement::Create(pool)->live().back(); };
}

Round Eject() {
  std::vector<ServerIndex> live(kServers - 1);
  std::iota(live.begin(), live.end(), 1);
  return [live, all = MakePlacement(HashFunction::kFnv1a_64)] {
    answer = all.Restrict(live)->live().back();
  };
}

// Two weights in turn, so that every round is a change.
Round Reload() {
  const std::shared_ptr<shardcache::Router> router =
      *shardcache::Router::Create(MakePool(kServers));
  return [router, weight = 1U]() mutable {
    shardcache::PoolConfig pool = MakePool(kServers);
    pool.servers.front().weight = weight = 3 - weight;
    answer = router->Reload(pool).ok() ? 1 : 0;
  };
}

std::map<std::string, std::function<Round()>> Cases() {
  std::map<std::string, std::function<Round()>> cases = {
      {"build", Build}, {"eject", Eject}, {"reload", Reload}};
  for (HashFunction function :
       {HashFunction::kFnv1a_64, HashFunction::kMurmur, HashFunction::kJenkins,
        HashFunction::kCrc32a, HashFunction::kOneAtATime, HashFunction::kMd5}) {
    const std::string name(HashName(function));
    cases["one_key/" + name] = [function] { return OneKey(function); };
    cases["batch_256/" + name] = [function] { return Batch(function); };
  }
  return cases;
}

}  // namespace

int main(int argc, char** argv) {
  const auto cases = Cases();
  if (argc == 2 && std::string_view(argv[1]) == "--list") {
    for (const auto& [name, make] : cases) std::puts(name.c_str());
    return 0;
  }
  const auto found = argc == 3 ? cases.find(argv[1]) : cases.end();
  if (found == cases.end()) {
    std::fprintf(stderr, "usage: shardcache_instructions --list | CASE ROUNDS\n");
    return 2;
  }
  const Round round = found->second();
  RoundKeys();  // made beforehand
  for (long rounds = std::strtol(argv[2], nullptr, 10); rounds > 0; --rounds) round();
}
