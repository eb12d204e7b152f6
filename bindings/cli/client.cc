#include "bindings/cli/client.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "bindings/cli/command.h"
#include "bindings/cli/php_source.h"

namespace shardcache::cli {
namespace {

std::string ReadAll(const std::string& name) {
  if (std::filesystem::is_directory(name)) throw Failure(kTrouble, name + ": Is a directory");
  std::ifstream file(name, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) throw Failure(kTrouble, name + ": " + std::strerror(errno));
  return text;
}

void ListClients() {
  for (const ClientInfo& info : Clients()) {
    std::printf("%s\n    %s\n    %s: %s\n", std::string(info.name).c_str(),
                std::string(info.description).c_str(),
                info.verified == Verified::kAgainstProgram ? "tested beside the program"
                                                           : "FROM ITS SOURCE, NOT RUN",
                std::string(info.evidence).c_str());
    std::string line;
    for (const char c : std::string(info.options) + "\n") {
      if (c != '\n') {
        line += c;
        continue;
      }
      if (!line.empty()) std::printf("      %s\n", line.c_str());
      line.clear();
    }
  }
}

// A line of --servers: as in nutcracker.yml, where the weight may be left out.
Result<Server> ParseServerLine(const std::string& line) {
  Result<Server> server = ParseServer(line);
  if (server.ok()) return server;
  Result<Server> unweighted = ParseServer(line + ":1");
  return unweighted.ok() ? std::move(unweighted) : std::move(server);
}

// What the PHP file sets up, told on stderr.
ClientSetup LoadPhp(const std::string& name) {
  PhpSource php = ReadPhp(ReadAll(name));
  if (php.setup.client.empty()) {
    throw Failure(kTrouble, name + ": no `new Memcached` and no `new Memcache` in it");
  }
  std::fprintf(stderr, "%s: %s, servers %zu%s\n", name.c_str(), php.setup.client.c_str(),
               php.setup.servers.size(),
               php.setup.servers.empty() ? ", so the pool's are taken" : "");
  for (const ClientOption& option : php.setup.options) {
    std::fprintf(stderr, "  %s%s%s\n", option.name.c_str(), option.value.empty() ? "" : " = ",
                 option.value.c_str());
  }
  for (const std::string& unread : php.unread) {
    std::fprintf(stderr, "  NOT READ: %s\n", unread.c_str());
  }
  return std::move(php.setup);
}

}  // namespace

std::vector<Server> LoadServers(const std::string& file_or_list) {
  const std::string& name = file_or_list;
  std::string text;
  // A socket's path is a server, not a file of them.
  const bool is_file = std::filesystem::exists(name) && !std::filesystem::is_socket(name);
  if (!is_file && (name.find_first_of(":,") != std::string::npos || name.starts_with('/'))) {
    text = name;
    std::replace(text.begin(), text.end(), ',', '\n');
  } else {
    text = ReadAll(name);
  }
  std::vector<Server> servers;
  std::string line;
  int number = 0;
  for (const char c : text + "\n") {
    if (c != '\n') {
      line += c;
      continue;
    }
    ++number;
    const std::size_t begin = line.find_first_not_of(" \t\r-");
    const std::size_t end = line.find_last_not_of(" \t\r");
    if (begin != std::string::npos && line[begin] != '#') {
      const std::string item = line.substr(begin, end - begin + 1);
      Result<Server> server = ParseServerLine(item);
      if (!server.ok()) {
        throw Failure(kTrouble, name + ":" + std::to_string(number) + ": \"" + item + "\": " +
                                    server.error().message + "; here the weight may be left out");
      }
      servers.push_back(*std::move(server));
    }
    line.clear();
  }
  if (servers.empty()) throw Failure(kTrouble, name + ": no server in it");
  return servers;
}

void AddClientOptions(CLI::App& command, ClientOptions& options) {
  command.add_option("--client", options.client, "the other client; --list-clients shows them")
      ->type_name("NAME");
  command
      .add_option("--set", options.settings,
                  "a setting of the client, named as the client names it; may be given again: "
                  "the order counts, as it does for the client")
      ->type_name("OPTION=VALUE")
      ->allow_extra_args(false);
  command
      .add_option("--servers", options.servers,
                  "the client's servers, a line each in its order: host:port[:weight] or "
                  "/path[:weight]; else the pool's are taken, in the file's order")
      ->type_name("FILE");
  command
      .add_option("--php", options.php,
                  "PHP source whose literal addServer(s), setOption(s) and ini_set calls set the "
                  "client up; --set comes after them")
      ->type_name("FILE");
  command.add_flag_callback(
      "--list-clients",
      [] {
        ListClients();
        throw CLI::Success();
      },
      "show the clients that are modelled, their settings, and how each model was verified");
}

ClientSetup LoadClient(const ClientOptions& options, const PoolConfig& pool) {
  ClientSetup setup;
  if (!options.php.empty()) setup = LoadPhp(options.php);
  if (!options.client.empty()) setup.client = options.client;
  if (setup.client.empty()) {
    throw Failure(kTrouble,
                  "say which client with --client NAME, or give --php FILE; "
                  "--list-clients shows the names");
  }
  for (const std::string& setting : options.settings) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw Failure(kTrouble, "--set " + setting + ": write it as OPTION=VALUE");
    }
    setup.options.push_back({setting.substr(0, equals), setting.substr(equals + 1)});
  }
  if (!options.servers.empty()) setup.servers = LoadServers(options.servers);
  if (setup.servers.empty()) setup.servers = pool.servers;
  setup.char_sign = pool.char_sign;
  return setup;
}

}  // namespace shardcache::cli
