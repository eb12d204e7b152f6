// Makes each call of a client, on the servers of FILE, some of which may be dead: all_calls FILE
// Its answers are tested elsewhere; this is for valgrind to watch.
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "shardcache/client.h"

namespace {

using shardcache::Client;
using shardcache::Command;

int good = 0;
int bad = 0;

template <typename T>
void Count(const shardcache::Result<T>& result) {
  ++(result.ok() ? good : bad);
}

void OneByOne(Client& client, const std::string& key) {
  const std::string value(1000, 'v');
  Count(client.Set(key, value, std::chrono::seconds(100), 7));
  Count(client.Get(key));
  const auto gets = client.Gets(key);
  Count(gets);
  if (gets.ok() && *gets) Count(client.Cas(key, "5", (*gets)->cas));
  Count(client.GetAndTouch(key, std::chrono::seconds(50)));
  Count(client.Increment(key, 3));
  Count(client.Decrement(key));
  Count(client.Append(key, "x"));
  Count(client.Increment(key));  // refused: no number
  Count(client.Prepend(key, "x"));
  Count(client.Replace(key, value));
  Count(client.Touch(key, std::chrono::seconds(10)));
  Count(client.Delete(key));
  Count(client.Add(key, value));
  Count(client.Get("bad key"));
  Count(client.Set(key, std::string(2 << 20, 'h')));  // refused: too large
}

void Together(Client& client) {
  std::vector<std::string> keys;
  for (int i = 0; i < 300; ++i) keys.push_back("many:" + std::to_string(i));
  std::vector<shardcache::Operation> batch;
  for (const std::string& key : keys) {
    batch.push_back({.command = Command::kSet, .key = key, .value = key});
  }
  for (const auto& reply : client.Execute(batch)) Count(reply);
  const std::vector<std::string_view> asked(keys.begin(), keys.end());
  for (const auto& value : client.GetMany(asked)) Count(value);
}

void OfServers(Client& client) {
  for (const auto& [name, version] : client.Version()) Count(version);
  for (const auto& [name, stats] : client.Stats()) Count(stats);
  client.CheckIdle();
  (void)client.Maintain(std::chrono::milliseconds(20));
  for (const auto& [name, flushed] : client.FlushAll()) Count(flushed);
}

}  // namespace

int main(int argc, char** argv) {
  const auto pools = shardcache::LoadPools(argc == 2 ? argv[1] : "");
  if (!pools.ok()) return std::fprintf(stderr, "%s\n", pools.error().message.c_str()), 2;
  for (const auto level : {shardcache::StaleGuard::kOff, shardcache::StaleGuard::kExact,
                           shardcache::StaleGuard::kFleet}) {
    auto clients = *shardcache::ClientPool::Create(
        pools->front(), {.prefix = "app:", .stale_guard = {.level = level}});
    {
      const auto client = clients->Take();
      for (int i = 0; i < 5; ++i) OneByOne(*client, std::to_string(i));
      Together(*client);
      OfServers(*client);
    }
    std::thread([&] { (void)clients->Take()->Get("of another thread"); }).join();
    const std::string text = shardcache::PrometheusText(clients->Metrics(), "pool");
    if (text.empty()) return 3;
  }
  std::printf("%d answered, %d not\n", good, bad);
  return good > 0 && bad > 0 ? 0 : 4;
}
