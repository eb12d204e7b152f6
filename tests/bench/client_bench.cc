// Prints, as Markdown, how Client compares with a raw socket, with libmemcached and with going
// through nutcracker.
//
// usage: client_bench [ROUNDS [CPU [TASK]]]
//
// This process, four memcacheds and a nutcracker run on one processor, so that what is compared is
// work and not who sleeps where. Each round does each thing once in each way, in random order; each
// figure is the median of the rounds' ratios. Times are processor time of all the processes
// together, which on an idle processor is the time that passes, and on a busy one stays the same.
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "client_ways.h"
#include "shardcache/placement.h"
#include "tests/harness/memcached_server.h"
#include "tests/harness/nutcracker.h"
#include "workload.h"

namespace {

using shardcache::testing::MemcachedServer;
using shardcache::testing::Nutcracker;

constexpr int kServers = 4;
constexpr std::size_t kRecords = 16384;
constexpr std::size_t kManyKeys = 100;

double ProcessorTime(pid_t pid) {
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &time) != 0) std::abort();
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

// The servers, the proxy, and all ways to them.
class World {
 public:
  World() {
    std::vector<std::string> addresses;
    std::vector<shardcache::testing::PoolServer> servers;
    for (int i = 0; i < kServers; ++i) {
      servers_.push_back(
          std::make_unique<MemcachedServer>("", std::vector<std::string>{"-t", "1"}));
      addresses.push_back(servers_.back()->address());
      servers.push_back({.address = addresses.back()});
      pids_.push_back(servers_.back()->process().pid());
    }
    const std::string listen = shardcache::testing::Loopback(shardcache::testing::FreePort());
    const std::vector<std::string> settings = {"hash: fnv1a_64", "distribution: ketama",
                                               "preconnect: true", "timeout: 5000"};
    const std::string yaml = shardcache::testing::MakePool("bench", listen, settings, servers);
    proxy_ = std::make_unique<Nutcracker>(yaml, std::vector<std::string>{listen});
    pids_.push_back(proxy_->process().pid());
    pids_.push_back(::getpid());
    const shardcache::PoolConfig pool = shardcache::ParsePools(yaml, "bench")->front();
    // The proxy as the only server of a pool.
    const shardcache::PoolConfig behind =
        shardcache::ParsePools(
            shardcache::testing::MakePool("proxy", Loopback1(), settings, {{{.address = listen}}}),
            "proxy")
            ->front();
    ways_["raw"] = RawWay(addresses);
    ways_["libmemcached"] = LibmemcachedWay(addresses);
    ways_["client"] = ClientWay(pool);
    ways_["raw proxy"] = RawWay({listen});
    ways_["libmemcached proxy"] = LibmemcachedWay({listen});
    ways_["client proxy"] = ClientWay(behind);
    MakeRecords(*shardcache::Placement::Create(pool));
  }

  const std::vector<Record>& records() const { return records_; }
  Way& way(const std::string& name) { return *ways_.at(name); }

  // What all of the processes have used so far, in µs.
  double ProcessorTime() const {
    double sum = 0;
    for (const pid_t pid : pids_) sum += ::ProcessorTime(pid);
    return sum;
  }

 private:
  static std::string Loopback1() { return "127.0.0.1:1"; }

  void MakeRecords(const shardcache::Placement& placement) {
    std::mt19937 random(1);
    const auto& keys = BenchmarkKeys(Keys::Kind::kMixed);
    for (std::size_t i = 0; i < kRecords; ++i) {
      values_.push_back(std::string(1 + random() % 16, static_cast<char>('a' + random() % 26)));
    }
    for (std::size_t i = 0; i < kRecords; ++i) {
      records_.push_back({keys[i], values_[i], placement.Locate(keys[i])});
      ways_["client"]->Set(records_.back());
    }
  }

  std::vector<std::unique_ptr<MemcachedServer>> servers_;
  std::unique_ptr<Nutcracker> proxy_;
  std::vector<pid_t> pids_;
  std::map<std::string, std::unique_ptr<Way>> ways_;
  std::vector<std::string> values_;
  std::vector<Record> records_;
};

// Something to be done, in some of the ways.
struct Task {
  std::string name;
  std::vector<std::string> ways;
  std::size_t items;  // of one run: calls, or sets
  std::function<void(Way*, std::span<const Record>)> run;
};

std::vector<Task> Tasks() {
  const std::vector<std::string> all = {"raw",       "libmemcached",       "client",
                                        "raw proxy", "libmemcached proxy", "client proxy"};
  const std::vector<std::string> batched = {"libmemcached", "client", "client proxy"};
  std::vector<Task> tasks;
  tasks.push_back({"set", all, 300, [](Way* way, std::span<const Record> records) {
                     for (const Record& record : records.first(300)) way->Set(record);
                   }});
  tasks.push_back({"get", all, 300, [](Way* way, std::span<const Record> records) {
                     for (const Record& record : records.first(300)) way->Get(record);
                   }});
  tasks.push_back({"multi-get of 100", all, 40, [](Way* way, std::span<const Record> records) {
                     for (std::size_t i = 0; i < 40; ++i) {
                       way->GetMany(records.subspan(i * kManyKeys, kManyKeys));
                     }
                   }});
  for (const std::size_t depth : {64, 1000, 10000}) {
    const std::size_t sets = std::max<std::size_t>(depth, 2000 / depth * depth);
    tasks.push_back({"batch of " + std::to_string(depth) + " sets", batched, sets,
                     [=](Way* way, std::span<const Record> records) {
                       for (std::size_t i = 0; i < sets; i += depth) {
                         way->SetAll(records.subspan(i, depth));
                       }
                     }});
  }
  return tasks;
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Microseconds of each round, by task and way.
using Times = std::map<std::string, std::map<std::string, std::vector<double>>>;

Times Measure(World* world, const std::vector<Task>& tasks, int rounds) {
  struct Run {
    const Task* task;
    std::string way;
  };
  std::vector<Run> runs;
  for (const Task& task : tasks) {
    for (const std::string& way : task.ways) runs.push_back({&task, way});
  }
  std::mt19937 random(2);
  Times times;
  for (int round = -1; round < rounds; ++round) {  // the first is for warming up
    std::shuffle(runs.begin(), runs.end(), random);
    const std::size_t first = random() % (kRecords - 10000);
    for (const Run& run : runs) {
      const double begin = world->ProcessorTime();
      run.task->run(&world->way(run.way), std::span(world->records()).subspan(first));
      const double took = world->ProcessorTime() - begin;
      if (round < 0) continue;
      times[run.task->name][run.way].push_back(took / static_cast<double>(run.task->items));
    }
  }
  return times;
}

// The median of the rounds' ratios, or "–" if one of the ways was not taken.
std::string Ratio(const std::map<std::string, std::vector<double>>& times, const std::string& over,
                  const std::string& under) {
  if (!times.contains(over) || !times.contains(under)) return "–";
  std::vector<double> ratios;
  for (std::size_t i = 0; i < times.at(over).size(); ++i) {
    ratios.push_back(times.at(over)[i] / times.at(under)[i]);
  }
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.2f", Median(std::move(ratios)));
  return text.data();
}

void Print(const std::vector<Task>& tasks, const Times& times) {
  std::printf(
      "| time of | Client, µs | Client / raw socket | libmemcached / raw socket | "
      "libmemcached / Client | raw through nutcracker / Client | "
      "Client through nutcracker / Client |\n"
      "| --- | --- | --- | --- | --- | --- | --- |\n");
  for (const Task& task : tasks) {
    const auto& ways = times.at(task.name);
    std::printf(
        "| %s | %.1f | %s | %s | %s | %s | %s |\n", task.name.c_str(), Median(ways.at("client")),
        Ratio(ways, "client", "raw").c_str(), Ratio(ways, "libmemcached", "raw").c_str(),
        Ratio(ways, "libmemcached", "client").c_str(), Ratio(ways, "raw proxy", "client").c_str(),
        Ratio(ways, "client proxy", "client").c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int rounds = argc > 1 ? std::stoi(argv[1]) : 101;
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(argc > 2 ? std::stoi(argv[2]) : ::sched_getcpu(), &cpus);
    if (::sched_setaffinity(0, sizeof cpus, &cpus) != 0) {
      std::perror("sched_setaffinity");
      return 1;
    }
    World world;  // the programs that it starts inherit the processor
    std::vector<Task> tasks = Tasks();
    if (argc > 3) std::erase_if(tasks, [&](const Task& task) { return task.name != argv[3]; });
    Print(tasks, Measure(&world, tasks, rounds));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "client_bench: %s\n", error.what());
    return 1;
  }
}
