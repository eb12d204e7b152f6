// What a load generator counts and times.
#ifndef SHARDCACHE_BINDINGS_CLI_BENCH_FIGURES_H_
#define SHARDCACHE_BINDINGS_CLI_BENCH_FIGURES_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace shardcache::cli {

// Durations by how often they occurred, in bounded memory (20 KiB), whatever their number: 64
// buckets for each doubling, so that a percentile is within 0.8 % of the true one. Sum, least and
// greatest are exact. Not thread-safe.
class Histogram {
 public:
  using Duration = std::chrono::nanoseconds;

  Histogram() : buckets_(kBuckets) {}

  void Add(Duration duration);
  void Merge(const Histogram& other);

  std::uint64_t count() const { return count_; }
  // All 0 where nothing was added.
  double Average() const;
  double Deviation() const;
  Duration Min() const { return count_ == 0 ? Duration(0) : min_; }
  Duration Max() const { return max_; }
  // The least duration that is not exceeded by `share` (0 to 1) of all: nearest rank.
  Duration Percentile(double share) const;

 private:
  static constexpr int kBits = 6;  // of a duration, below its leading one, that count
  // Up to 2^40 ns, 18 minutes; what is longer counts as that, but in the exact figures.
  static constexpr std::size_t kBuckets = std::size_t{41 - kBits} << kBits;

  static std::size_t BucketOf(std::uint64_t value);
  static std::uint64_t MiddleOf(std::size_t bucket);

  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  double sum_ = 0;
  double squares_ = 0;
  Duration min_ = Duration::max();
  Duration max_{0};
};

// What may become of a request.
enum class Ending : std::uint8_t {
  kStored,
  kHit,   // with the very bytes that were stored
  kMiss,  // which is no error
  // Errors.
  kTimeout,      // no answer, or no connection, in time
  kRefused,      // no connection
  kLost,         // the connection was reset or closed before the answer
  kProtocol,     // an answer that makes no sense
  kServerError,  // SERVER_ERROR, CLIENT_ERROR or ERROR
  kWrong,        // a value that is not the one of its key, or NOT_STORED
  kNoServer,     // all servers are ejected
  kOther,
};
inline constexpr std::size_t kEndings = 11;

inline bool IsError(Ending ending) { return ending >= Ending::kTimeout; }
// "stored", "timeout", "server_error", ...
std::string_view EndingName(Ending ending);

// What one phase of a run came to. Not thread-safe.
struct Tally {
  std::array<std::uint64_t, kEndings> endings = {};
  Histogram response;  // of the requests that were answered without error
  Histogram connect;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  double seconds = 0;
  double cpu_seconds = 0;   // of this program
  std::string first_error;  // in words; empty without errors

  std::uint64_t Count(Ending ending) const { return endings[static_cast<std::size_t>(ending)]; }
  void Add(Ending ending) { ++endings[static_cast<std::size_t>(ending)]; }
  void AddError(Ending ending, const std::string& words);
  std::uint64_t requests() const;
  std::uint64_t errors() const;
  double Rate() const { return seconds > 0 ? static_cast<double>(requests()) / seconds : 0; }

  // Times are added up too.
  void Merge(const Tally& other);
};

}  // namespace shardcache::cli

#endif  // SHARDCACHE_BINDINGS_CLI_BENCH_FIGURES_H_
