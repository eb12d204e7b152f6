// An application during an outage: reads and writes keys, checks each value that it reads, and says
// what it saw.
//   application POOL.yml off|exact|fleet KEYS OWNED WRITE_SECONDS SECONDS
// KEYS and OWNED are files of keys, a line each; OWNED has those on the server that will be out.
// Prints "ready" when all keys are stored, and begins. A tenth of the requests are writes, of ever
// higher numbers, for WRITE_SECONDS. At the end it prints JSON: for each tenth of a second the
// right answers, failures and stale values; and how long keys of OWNED could not be had from the
// first failure on.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "shardcache/client.h"

namespace {

using shardcache::Clock;
using shardcache::StaleGuard;
using Seconds = std::chrono::duration<double>;

constexpr Seconds kInterval(0.1);
constexpr std::chrono::microseconds kPace(500);  // between two requests

struct Counts {
  unsigned right = 0;
  unsigned failed = 0;
  unsigned stale = 0;
};

std::vector<std::string> ReadLines(const char* path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

class Application {
 public:
  Application(shardcache::Client client, const char* keys, const char* owned)
      : client_(std::move(client)), keys_(ReadLines(keys)) {
    for (std::string& key : ReadLines(owned)) owned_.insert(std::move(key));
  }

  bool StoreAll() {
    for (const std::string& key : keys_) {
      if (!client_.Set(key, "0").ok()) return false;
    }
    return !keys_.empty();
  }

  void Run(Seconds write_time, Seconds time) {
    intervals_.resize(static_cast<std::size_t>(time / kInterval) + 1);
    std::mt19937_64 random(2014);
    const auto begin = Clock::now();
    for (Seconds now(0); now < time; now = Clock::now() - begin) {
      const std::string& key = keys_[random() % keys_.size()];
      const bool writes = random() % 10 == 0 && now < write_time;
      Counts& counts = intervals_[static_cast<std::size_t>(now / kInterval)];
      const bool answered = writes ? Write(key, &counts) : Read(key, &counts);
      if (!answered && !first_failure_) first_failure_ = now;
      if (answered && first_failure_ && !served_again_ && owned_.contains(key)) {
        served_again_ = Seconds(Clock::now() - begin) - *first_failure_;
      }
      std::this_thread::sleep_until(begin + std::chrono::duration_cast<Clock::duration>(now) +
                                    kPace);
    }
  }

  void Print() const {
    std::printf("{\"reads\": %u, \"served_again\": ", reads_);
    if (served_again_) {
      std::printf("%.4f", served_again_->count());
    } else {
      std::printf("null");
    }
    std::printf(", \"intervals\": [");
    for (const Counts& counts : intervals_) {
      std::printf("%s[%u, %u, %u]", &counts == intervals_.data() ? "" : ", ", counts.right,
                  counts.failed, counts.stale);
    }
    std::printf("]}\n");
  }

 private:
  bool Write(const std::string& key, Counts* counts) {
    const long version = ++last_version_;
    const auto stored = client_.Set(key, std::to_string(version));
    if (stored.ok()) newest_[key] = version;
    ++(stored.ok() ? counts->right : counts->failed);
    return stored.ok();
  }

  bool Read(const std::string& key, Counts* counts) {
    ++reads_;
    const auto value = client_.Get(key);
    const bool stale = value.ok() && *value && std::atol((*value)->data.c_str()) < newest_[key];
    ++(!value.ok() ? counts->failed : stale ? counts->stale : counts->right);
    return value.ok();
  }

  shardcache::Client client_;
  std::vector<std::string> keys_;
  std::set<std::string> owned_;
  std::map<std::string, long> newest_;  // whose write was answered
  long last_version_ = 0;
  unsigned reads_ = 0;
  std::vector<Counts> intervals_;
  std::optional<Seconds> first_failure_;
  std::optional<Seconds> served_again_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::map<std::string, StaleGuard> guards = {
      {"off", StaleGuard::kOff}, {"exact", StaleGuard::kExact}, {"fleet", StaleGuard::kFleet}};
  if (argc != 7 || !guards.contains(argv[2])) {
    return std::cerr << "usage: application POOL.yml off|exact|fleet KEYS OWNED WRITE_SECONDS "
                        "SECONDS\n",
           2;
  }
  const auto pools = shardcache::LoadPools(argv[1]);
  if (!pools.ok()) return std::cerr << pools.error().message << '\n', 2;
  auto client =
      shardcache::Client::Create(pools->front(), {.stale_guard = {.level = guards.at(argv[2])}});
  if (!client.ok()) return std::cerr << client.error().message << '\n', 2;
  Application application(*std::move(client), argv[3], argv[4]);
  if (!application.StoreAll()) return std::cerr << "the keys cannot be stored\n", 1;
  std::cout << "ready" << std::endl;
  application.Run(Seconds(std::atof(argv[5])), Seconds(std::atof(argv[6])));
  application.Print();
}
