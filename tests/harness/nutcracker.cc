#include "tests/harness/nutcracker.h"

#include <poll.h>
#include <sys/socket.h>

#include <stdexcept>

namespace shardcache::testing {

Nutcracker::Nutcracker(const std::string& yaml, const std::vector<std::string>& listens,
                       const NutcrackerOptions& options)
    : stats_port_(FreePort()), log_(dir_.File("log")), process_(Argv(yaml, options), log_) {
  const Clock::time_point deadline = Clock::now() + std::chrono::seconds(10);
  for (const std::string& listen : listens) {
    while (true) {
      try {
        WaitForPort(listen, Milliseconds(20));
        break;
      } catch (const std::runtime_error& error) {
        const bool running = process_.Running();
        if (running && Clock::now() < deadline) continue;
        throw std::runtime_error(std::string(running ? error.what() : "nutcracker has ended") +
                                 "; its log:\n" + Log());
      }
    }
  }
}

std::vector<std::string> Nutcracker::Argv(const std::string& yaml,
                                          const NutcrackerOptions& options) const {
  return {"nutcracker",
          "-c",
          dir_.Write("nutcracker.yml", yaml),
          "-o",
          log_,
          "-p",
          dir_.File("pid"),
          "-a",
          "127.0.0.1",
          "-s",
          std::to_string(stats_port_),
          "-i",
          std::to_string(options.stats_interval.count()),
          "-v",
          std::to_string(options.verbosity)};
}

std::string Nutcracker::ReadStats() const {
  const Clock::time_point deadline = Clock::now() + std::chrono::seconds(5);
  const Fd fd = Connect(Address(Loopback(stats_port_)), deadline);
  std::string text;
  char buffer[16384];
  while (WaitFor(fd.get(), POLLIN, deadline)) {
    const ssize_t size = ::recv(fd.get(), buffer, sizeof buffer, 0);
    if (size < 0) throw std::runtime_error("nutcracker's statistics port: read failed");
    if (size == 0) return text;
    text.append(buffer, static_cast<std::size_t>(size));
  }
  throw std::runtime_error("nutcracker's statistics port did not answer");
}

RunResult Nutcracker::TestConfig(const std::filesystem::path& path) {
  return RunToEnd({"nutcracker", "-t", "-c", path.string()});
}

std::string MakePool(const std::string& name, const std::string& listen,
                     std::span<const std::string> settings, std::span<const PoolServer> servers) {
  std::string text = name + ":\n  listen: " + listen + "\n";
  for (const std::string& setting : settings) text += "  " + setting + "\n";
  text += "  servers:\n";
  for (const PoolServer& server : servers) {
    text += "   - " + server.address + ":" + std::to_string(server.weight);
    if (!server.name.empty()) text += " " + server.name;
    text += "\n";
  }
  return text;
}

}  // namespace shardcache::testing
