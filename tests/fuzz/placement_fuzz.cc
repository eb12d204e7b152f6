// Any key, in any small pool: every way to ask gives one answer, a live server.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "shardcache/placement.h"

namespace {

using shardcache::Placement;
using shardcache::ServerIndex;

void Require(bool condition) {
  if (!condition) std::abort();
}

shardcache::PoolConfig Pool(FuzzedDataProvider& input) {
  shardcache::PoolConfig pool;
  pool.name = "fuzzed";
  pool.hash = input.PickValueInArray(shardcache::kHashFunctions);
  pool.distribution =
      input.ConsumeBool() ? shardcache::Distribution::kKetama : shardcache::Distribution::kModula;
  pool.char_sign =
      input.ConsumeBool() ? shardcache::CharSign::kSigned : shardcache::CharSign::kUnsigned;
  if (input.ConsumeBool()) {
    pool.hash_tag =
        shardcache::HashTag{input.ConsumeIntegral<char>(), input.ConsumeIntegral<char>()};
  }
  const int servers = input.ConsumeIntegralInRange(1, 6);
  for (int i = 0; i < servers; ++i) {
    pool.servers.push_back({.name = input.ConsumeRandomLengthString(300),
                            .host = "host",
                            .port = 1,
                            .weight = input.ConsumeIntegralInRange<std::uint32_t>(0, 0x80000000)});
  }
  return pool;
}

// `key` in memory of its very size, so that a byte read beyond it is found.
void CheckKey(const Placement& placement, const std::string& key) {
  const std::vector<char> exact(key.begin(), key.end());
  const std::string_view view(exact.data(), exact.size());
  const ServerIndex owner = placement.Locate(view);
  Require(placement.is_live(owner));
  Require(owner == placement.LocateHash(placement.HashKey(view)));
  const std::vector<std::string_view> keys(5, view);
  std::vector<ServerIndex> owners(keys.size());
  placement.Locate(keys, owners);
  Require(std::count(owners.begin(), owners.end(), owner) == 5);
  const std::string_view part = placement.HashedPart(view);
  Require(part.size() <= view.size());
  Require(view.empty() || !part.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  const auto all = Placement::Create(Pool(input));
  if (!all.ok()) return 0;
  const std::uint32_t mask = input.ConsumeIntegral<std::uint8_t>();
  const std::string key = input.ConsumeRemainingBytesAsString();
  CheckKey(*all, key);
  std::vector<ServerIndex> live;
  for (ServerIndex i = 0; i < all->servers().size(); ++i) {
    if ((mask >> i & 1) != 0) live.push_back(i);
  }
  const auto some = all->Restrict(live);
  Require(some.ok() == !live.empty());
  if (!some.ok()) return 0;
  CheckKey(*some, key);
  Require(some->live().size() == live.size());
  Require((some->fingerprint() == all->fingerprint()) == (live.size() == all->servers().size()));
  return 0;
}
