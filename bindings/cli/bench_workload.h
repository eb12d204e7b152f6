// What a load generator asks for.
#ifndef SHARDCACHE_BINDINGS_CLI_BENCH_WORKLOAD_H_
#define SHARDCACHE_BINDINGS_CLI_BENCH_WORKLOAD_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace shardcache::cli {

// Sizes of values in mcperf's notation.
class SizeDistribution {
 public:
  // No value is larger: memcached refuses that unless told otherwise (-I), and an exponential
  // distribution has no end.
  static constexpr std::size_t kMost = 1'000'000;

  // "d64" or "64": always 64 bytes; "u1,16": from 1 to less than 16, each as often; "e100":
  // exponential, 100 on average. Throws Failure that says what is wrong.
  static SizeDistribution Parse(const std::string& text);

  // For a number of 64 random bits.
  std::size_t Of(std::uint64_t random) const;
  // The largest.
  std::size_t Bound() const;

 private:
  enum class Kind { kFixed, kUniform, kExponential };

  Kind kind_ = Kind::kFixed;
  double first_ = 0;   // the size, the least size, or the mean
  double second_ = 0;  // of kUniform: the bound
};

struct WorkloadOptions {
  std::string sizes = "u1,16";
  double get_ratio = 0;  // 0: sets only; 1: gets only
  std::uint64_t keys = 10'000;
  std::size_t key_size = 0;  // 0: as long as they turn out
  std::string prefix = "shardcache-bench:";
  std::int64_t expire = 300;  // seconds
  std::uint64_t seed = 1;
};

// Which request is the n-th, and the value of each key: functions of the options alone, so that
// any connection may send any request, and each answer can be checked. Immutable, and so shared
// by threads.
class Workload {
 public:
  // Throws Failure for options that make no valid keys.
  explicit Workload(const WorkloadOptions& options);

  struct Choice {
    bool get = false;
    std::uint64_t key = 0;  // its number
  };
  Choice Request(std::uint64_t n) const;

  // Sets `*key` to the text of key number `n`. Keys have a mark of seed and sizes, so that what
  // another run stored is never mistaken for this one's.
  void MakeKey(std::uint64_t n, std::string* key) const;
  // What is stored under it.
  std::string_view ValueOf(std::uint64_t n) const;

  std::uint64_t keys() const { return options_.keys; }
  std::int64_t expire() const { return options_.expire; }
  bool has_gets() const { return options_.get_ratio > 0; }
  // Bytes of all keys and values at most.
  double Volume() const;

 private:
  WorkloadOptions options_;
  SizeDistribution sizes_;
  std::string start_;      // of each key
  std::size_t width_ = 1;  // of its number
  std::string bytes_;      // which values are cut out of
};

}  // namespace shardcache::cli

#endif  // SHARDCACHE_BINDINGS_CLI_BENCH_WORKLOAD_H_
