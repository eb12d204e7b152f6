// Why keys failed, for people.
#ifndef SHARDCACHE_LIB_FLEET_FAILURES_H_
#define SHARDCACHE_LIB_FLEET_FAILURES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace shardcache::inline v0::internal {

// The first ten causes, each with its first key and how many more. Not thread-safe.
class Failures {
 public:
  void Add(std::string_view cause, std::string_view key);

  // "127.0.0.1:11211: no answer in time (key "a" and 3 more)"; bytes that are not ASCII as \xHH.
  std::vector<std::string> Texts() const;

 private:
  struct Cause {
    std::string what;
    std::string key;
    std::uint64_t more = 0;
  };

  std::vector<Cause> causes_;
};

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_FLEET_FAILURES_H_
