// Stops a memcached of this machine for a while, and tells what becomes of its keys:
// outage_demo FILE KEY, where FILE has a pool of two servers or more with auto_eject_hosts
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>

#include "shardcache/client.h"

namespace {

using std::chrono::milliseconds;

shardcache::ClientOptions Options() {
  shardcache::ClientOptions options{.timeout = milliseconds(500)};
  options.routing.observer = [](const shardcache::RouterEvent& event) {
    const bool out = event.type == shardcache::RouterEvent::Type::kEjected;
    std::cout << "  * " << event.name << (out ? " is ejected\n" : " is readmitted\n");
  };
  options.stale_guard.level = shardcache::StaleGuard::kExact;
  options.stale_guard.observer = [](const shardcache::StaleGuardEvent& event) {
    if (event.type != shardcache::StaleGuardEvent::Type::kCleaned) return;
    std::cout << "  * " << event.keys << " stale values are deleted from " << event.server << '\n';
  };
  return options;
}

void Show(shardcache::Client& client, const std::string& key) {
  const auto value = client.Get(key);
  std::cout << "get: ";
  if (!value.ok()) {
    std::cout << value.error().message << '\n';
  } else {
    std::cout << (*value ? (*value)->data : "nothing") << '\n';
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::cerr << "usage: outage_demo FILE KEY\n", 2;
  const auto pools = shardcache::LoadPools(argv[1]);
  if (!pools.ok()) return std::cerr << pools.error().message << '\n', 1;
  auto client = shardcache::Client::Create(pools->front(), Options());
  if (!client.ok()) return std::cerr << client.error().message << '\n', 1;
  const std::string key = argv[2];

  const auto snapshot = client->router().Snapshot();
  const std::string home = snapshot->placement.server(snapshot->placement.Locate(key)).name;
  const auto stats = client->Stats().at(home);
  if (!stats.ok()) return std::cerr << stats.error().message << '\n', 1;
  const pid_t pid = std::stoi(stats->at("pid"));

  std::cout << key << " belongs on " << home << "\n";
  if (!client->Set(key, "old").ok()) return 1;
  Show(*client, key);
  std::cout << home << " is stopped\n";
  if (::kill(pid, SIGSTOP) != 0) return std::perror("kill"), 1;
  while (client->Get(key).ok()) continue;  // it takes a moment to stop
  std::cout << "get: failed\n";
  while (!client->Set(key, "new").ok()) std::cout << "set: failed\n";
  Show(*client, key);
  std::cout << home << " goes on, with what it held\n";
  ::kill(pid, SIGCONT);
  while (!client->Maintain(milliseconds(100))) continue;  // calls would do it, too
  Show(*client, key);  // nothing: the program finds the value elsewhere, and never the old one
}
