#include "tests/interop/random_setup.h"

#include <unistd.h>

#include <algorithm>
#include <set>

namespace shardcache::testing {

std::string LoopbackHost(std::uint64_t network, std::uint64_t number) {
  // Processes of one test run have numbers near each other, so different remainders.
  return "127." + std::to_string(64 + getpid() % 128) + "." + std::to_string(network) + "." +
         std::to_string(number);
}

std::vector<Server> RandomSetup::Servers(const ServerKinds& kinds) {
  const std::uint64_t count =
      1 + Below(Chance(0.5) ? std::min<std::uint64_t>(8, kinds.most) : kinds.most);
  const bool weighted = Chance(0.5);
  const bool sockets = kinds.sockets && Chance(0.2);
  const std::uint64_t most_weight = Chance(0.8) ? 10 : kinds.most_weight;
  std::set<std::string> taken;
  std::vector<Server> servers;
  while (servers.size() < count) {
    Server server;
    server.port = Chance(0.4) ? 11211 : static_cast<std::uint16_t>(1024 + Below(60000));
    if (sockets && Chance(0.3)) {
      server.host = "/tmp/mc" + std::to_string(Below(1000)) + ".sock";
      server.port = 0;
    } else if (kinds.names && Chance(0.5)) {
      server.host = "cache" + std::to_string(Below(1000)) + (Chance(0.5) ? ".example.org" : "");
    } else {
      server.host = "10." + std::to_string(Below(256)) + "." + std::to_string(Below(4)) + "." +
                    std::to_string(1 + Below(254));
    }
    server.name = server.address();
    if (weighted) server.weight = static_cast<std::uint32_t>(1 + Below(most_weight));
    if (taken.insert(server.address()).second) servers.push_back(server);
  }
  return servers;
}

std::string RandomSetup::Key() {
  const std::uint64_t kind = Below(4);
  const std::uint64_t length = 1 + Below(60);
  std::string key;
  while (key.size() < length) {
    switch (kind) {
      case 0:
        key += static_cast<char>('!' + Below(94));
        break;
      case 1:
        key += Pick<std::string>({"a", "7", ":", "é", "ß", "日", "本", "😀"});
        break;
      case 2:
        key += static_cast<char>(0x21 + Below(0x100 - 0x21));
        break;
      default:
        if (const char c = static_cast<char>(1 + Below(255)); c != '\r' && c != '\n') key += c;
    }
  }
  return key;
}

std::vector<std::string> RandomSetup::Keys(std::size_t count) {
  std::vector<std::string> keys(count);
  for (std::string& key : keys) key = Key();
  return keys;
}

std::vector<std::string> RandomSetup::Utf8Keys(std::size_t count, std::size_t longest) {
  std::vector<std::string> keys(count);
  for (std::string& key : keys) {
    key = Random::Key(Chance(0.5) ? KeyFlavour::kUtf8 : KeyFlavour::kAscii);
    if (key.size() <= longest) continue;
    // Cut before a character, not within.
    std::size_t end = longest;
    while ((key[end] & 0xc0) == 0x80) --end;
    key.resize(end);
  }
  return keys;
}

}  // namespace shardcache::testing
