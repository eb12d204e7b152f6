// A process that reads and writes keys of its own, and keys that it shares with others, through a
// ClientPool while servers go and come; it says what it read that was older than it should be.
//   outage_worker POOL.yml LEVEL NAME SECONDS SEED
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "shardcache/client.h"

namespace {

using namespace shardcache;  // NOLINT: a program of one file
using std::chrono::nanoseconds;

std::int64_t Now() { return Clock::now().time_since_epoch().count(); }

// What this process knows of one of its own keys.
struct OwnKey {
  std::mutex mutex;
  // By the number of the write: when it had ended; absent while it may yet take effect.
  std::map<std::uint64_t, std::int64_t> ended;
  // The latest beginning of any write that has ended.
  std::int64_t newest_begin = 0;
};

struct Totals {
  std::mutex mutex;
  std::uint64_t reads = 0, hits = 0, writes = 0, errors = 0;
  std::uint64_t older_than_own_write = 0;  // what kExact forbids
  std::uint64_t held_before_ejection = 0;  // what kFleet forbids
  std::uint64_t ejections = 0;
  std::map<std::string, std::int64_t> ejected_at;  // last ejection, by ring name
  std::map<int, std::uint64_t> events;
};

constexpr int kOwnKeys = 60;
constexpr int kSharedKeys = 60;

// A value says who wrote it, its number, where it was sent, and when that began.
std::string MakeValue(const std::string& who, std::uint64_t number, const std::string& server) {
  std::ostringstream value;
  value << who << ' ' << number << ' ' << server << ' ' << Now();
  return value.str();
}

class Worker {
 public:
  Worker(const PoolConfig& pool, StaleGuard level, std::string name)
      : name_(std::move(name)), own_(kOwnKeys) {
    ClientOptions options;
    options.stale_guard.level = level;
    options.stale_guard.observer = [this](const StaleGuardEvent& event) {
      const std::lock_guard lock(totals_.mutex);
      ++totals_.events[static_cast<int>(event.type)];
    };
    options.routing.observer = [this](const RouterEvent& event) {
      if (event.type != RouterEvent::Type::kEjected) return;
      const std::lock_guard lock(totals_.mutex);
      totals_.ejected_at[event.name] = Now();
      ++totals_.ejections;
    };
    clients_ = *ClientPool::Create(pool, options);
    timeout_ns_ = nanoseconds(*pool.timeout).count();
  }

  void Run(std::chrono::seconds time, std::uint64_t seed) {
    const auto end = Clock::now() + time;
    std::mt19937_64 random(seed);
    const auto client = clients_->Take();
    while (Clock::now() < end) {
      const bool own = random() % 2 == 0;
      const auto any_key = [&] {
        const auto i = static_cast<std::size_t>(random() % (own ? kOwnKeys : kSharedKeys));
        return Key{(own ? name_ : std::string("shared")) + ":" + std::to_string(i),
                   own ? &own_[i] : nullptr};
      };
      const auto what = random() % 10;
      if (what < 5) {
        std::vector<Key> keys(what < 3 ? 1 : 4);
        std::generate(keys.begin(), keys.end(), any_key);
        Read(*client, keys);
      } else {
        Write(*client, any_key(), what == 9);
      }
      std::this_thread::sleep_for(std::chrono::microseconds(500));
    }
  }

  void Print() {
    std::printf("reads %llu\nhits %llu\nwrites %llu\nerrors %llu\nejections %llu\n",
                Number(totals_.reads), Number(totals_.hits), Number(totals_.writes),
                Number(totals_.errors), Number(totals_.ejections));
    std::printf("older_than_own_write %llu\nheld_before_ejection %llu\n",
                Number(totals_.older_than_own_write), Number(totals_.held_before_ejection));
    for (const auto& [type, count] : totals_.events) {
      std::printf("event%d %llu\n", type, Number(count));
    }
  }

 private:
  struct Key {
    std::string key;
    OwnKey* known = nullptr;  // absent: another process may write it
  };

  // What is known of a key before it is read.
  struct Before {
    explicit Before(const Key& read) : key(read) {}

    Key key;
    std::string server;
    std::int64_t newest_begin = 0;
    std::int64_t ejected_at = 0;
  };

  static unsigned long long Number(std::uint64_t n) { return n; }

  std::string ServerOf(const std::string& key) {
    const auto snapshot = clients_->router().Snapshot();
    const auto server = snapshot->Route(key);
    return server ? snapshot->placement.server(*server).name : "nobody";
  }

  void Write(Client& client, const Key& written, bool deletes) {
    const auto& [key, known] = written;
    const std::uint64_t number = ++last_number_;
    const std::int64_t begin = Now();
    const std::string value = MakeValue(name_, number, ServerOf(key));
    bool ok = false;
    if (deletes) {
      ok = client.Delete(key).ok();
    } else {
      ok = client.Set(key, value).ok();
    }
    if (known != nullptr && ok) {
      const std::lock_guard lock(known->mutex);
      known->ended[number] = Now();
      known->newest_begin = std::max(known->newest_begin, begin);
    }
    const std::lock_guard lock(totals_.mutex);
    ++totals_.writes;
    totals_.errors += !ok;
  }

  void Read(Client& client, const std::vector<Key>& keys) {
    std::vector<Before> before;
    std::vector<std::string_view> asked;
    for (const Key& key : keys) {
      before.push_back(Look(key));
      asked.push_back(key.key);
    }
    if (keys.size() == 1) return Check(before[0], client.Get(asked[0]));
    const auto results = client.GetMany(asked);
    for (std::size_t i = 0; i < results.size(); ++i) Check(before[i], results[i]);
  }

  Before Look(const Key& key) {
    Before before(key);
    if (key.known != nullptr) {
      const std::lock_guard lock(key.known->mutex);
      before.newest_begin = key.known->newest_begin;
    }
    before.server = ServerOf(key.key);
    const std::lock_guard lock(totals_.mutex);
    before.ejected_at = totals_.ejected_at[before.server];
    return before;
  }

  void Check(const Before& before, const Result<std::optional<Value>>& result) {
    const std::string& server = before.server;
    OwnKey* const known = before.key.known;
    const std::lock_guard lock(totals_.mutex);
    ++totals_.reads;
    totals_.errors += !result.ok();
    if (!result.ok() || !*result) return;
    ++totals_.hits;
    std::istringstream text((*result)->data);
    std::string who;
    std::string where;
    std::uint64_t number = 0;
    std::int64_t begun = 0;
    text >> who >> number >> where >> begun;
    if (known != nullptr) {
      const std::lock_guard own_lock(known->mutex);
      const auto ended = known->ended.find(number);
      // A write whose end is not known may count as made at any time.
      if (ended != known->ended.end() && ended->second < before.newest_begin) {
        ++totals_.older_than_own_write;
      }
    }
    // It was there before this process ejected the server, if the write was over by then; and it
    // is from there, if the route did not change meanwhile.
    if (where == server && ServerOf(before.key.key) == server &&
        begun + 2 * timeout_ns_ < before.ejected_at) {
      ++totals_.held_before_ejection;
    }
  }

  std::string name_;
  std::vector<OwnKey> own_;
  std::unique_ptr<ClientPool> clients_;
  std::int64_t timeout_ns_ = 0;
  std::atomic<std::uint64_t> last_number_{0};
  Totals totals_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  const auto pools = LoadPools(argv[1]);
  if (!pools.ok()) return 2;
  Worker worker(pools->front(), static_cast<StaleGuard>(std::atoi(argv[2])), argv[3]);
  const std::chrono::seconds time(std::atoi(argv[4]));
  const std::uint64_t seed = std::strtoull(argv[5], nullptr, 10);
  std::thread second([&] { worker.Run(time, seed + 1); });
  worker.Run(time, seed);
  second.join();
  worker.Print();
}
