#include "tests/harness/memcached_server.h"

#include <unistd.h>

#include <iterator>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "tests/harness/text_client.h"

namespace shardcache::testing {
namespace {

std::vector<std::string> Argv(const Address& address, std::vector<std::string> extra) {
  std::vector<std::string> argv = {"memcached", "-U", "0"};
  if (address.is_unix()) {
    argv.insert(argv.end(), {"-s", address.text()});
  } else {
    const std::string host = address.text().substr(0, address.text().rfind(':'));
    argv.insert(argv.end(), {"-l", host, "-p", std::to_string(address.port())});
  }
  // It refuses to run as root unless told to. Another user would do for a TCP port, but a program
  // that changes its user is no longer killed with the test.
  if (::geteuid() == 0) argv.insert(argv.end(), {"-u", "root"});
  argv.insert(argv.end(), std::make_move_iterator(extra.begin()),
              std::make_move_iterator(extra.end()));
  return argv;
}

}  // namespace

MemcachedServer::MemcachedServer(const std::string& address, std::vector<std::string> extra)
    : address_(address.empty() ? Loopback(FreePort()) : address),
      argv_(Argv(Address(address_), std::move(extra))) {
  Restart();
}

void MemcachedServer::Restart() {
  if (process_) process_->Kill();
  const std::string log = dir_.File("log");
  process_.emplace(argv_, log);
  const Clock::time_point deadline = Clock::now() + std::chrono::seconds(10);
  while (process_->Running() && Clock::now() < deadline) {
    try {
      if (TextClient(address_).Ask("version").text.starts_with("VERSION ")) return;
    } catch (const std::system_error&) {  // it does not listen yet
    }
    std::this_thread::sleep_for(Milliseconds(2));
  }
  throw std::runtime_error("memcached does not answer at " + address_ +
                           "; it wrote: " + ReadFile(log));
}

}  // namespace shardcache::testing
