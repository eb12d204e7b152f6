// What the benchmarks route: keys as users have them, and pools of servers.
#ifndef SHARDCACHE_TESTS_BENCH_WORKLOAD_H_
#define SHARDCACHE_TESTS_BENCH_WORKLOAD_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "shardcache/pool_config.h"

// Different keys, the same in every run, one after another in memory.
class Keys {
 public:
  enum class Kind {
    kMixed,   // 8 to 64 printable bytes, the smaller of two random lengths: 26 on average
    kSorted,  // the same, by length: where a key ends can be foreseen
    kFixed,   // 21 bytes
    kTagged,  // mixed, of which a part stands in {braces}
    kUtf8,    // mixed, most characters of two bytes
  };

  Keys(Kind kind, std::size_t count);
  Keys(const Keys&) = delete;  // views_ look into text_
  Keys& operator=(const Keys&) = delete;

  const std::vector<std::string_view>& views() const { return views_; }

 private:
  void Sort();

  std::string text_;
  std::vector<std::string_view> views_;
};

// As many keys as one benchmark routes, made once.
const std::vector<std::string_view>& BenchmarkKeys(Keys::Kind kind);

// `count` servers "10.0.x.y:11311" of weight 1, by fnv1a_64 and ketama.
shardcache::PoolConfig MakePool(std::size_t count);

#endif  // SHARDCACHE_TESTS_BENCH_WORKLOAD_H_
