#include "tests/attach/scripted_server.h"

#include <poll.h>
#include <sys/socket.h>

#include <charconv>
#include <sstream>
#include <utility>

namespace shardcache::testing {
namespace {

std::vector<std::string> Words(std::string_view line) {
  std::istringstream in{std::string(line)};
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

bool Stores(const std::string& command) {
  return command == "set" || command == "add" || command == "replace" || command == "append" ||
         command == "prepend" || command == "cas";
}

// The size of the first request in `input`, or 0 if it is not complete.
std::size_t RequestSize(std::string_view input) {
  const std::size_t end = input.find("\r\n");
  if (end == std::string_view::npos) return 0;
  const auto words = Words(input.substr(0, end));
  std::size_t size = end + 2;
  if (words.size() >= 5 && Stores(words[0])) size += std::stoul(words[4]) + 2;
  return size <= input.size() ? size : 0;
}

}  // namespace

ScriptedServer::ScriptedServer(Script script)
    : address_(Loopback(FreePort())),
      listener_(Listen(Address(address_))),
      script_(std::move(script)),
      accept_thread_([this] { Accept(); }) {}

ScriptedServer::~ScriptedServer() {
  quit_ = true;
  accept_thread_.join();
  for (std::thread& thread : connection_threads_) thread.join();
}

void ScriptedServer::SetScript(Script script) {
  const std::lock_guard lock(mutex_);
  script_ = std::move(script);
}

ScriptedAnswer ScriptedServer::Well(std::string_view request) {
  const auto words = Words(request.substr(0, request.find("\r\n")));
  const std::string& command = words.at(0);
  if (command == "get" || command == "gets") {
    std::string answer;
    for (std::size_t i = 1; i < words.size(); ++i) {
      const std::string value = "value of " + words[i];
      answer +=
          "VALUE " + words[i] + " 0 " + std::to_string(value.size()) + "\r\n" + value + "\r\n";
    }
    return {answer + "END\r\n"};
  }
  if (Stores(command)) return {"STORED\r\n"};
  if (command == "delete") return {"DELETED\r\n"};
  if (command == "touch") return {"TOUCHED\r\n"};
  if (command == "incr" || command == "decr") return {"7\r\n"};
  if (command == "quit") return {.close = true};
  return {"ERROR\r\n"};
}

void ScriptedServer::Accept() {
  while (!quit_) {
    if (!WaitFor(listener_.get(), POLLIN, Clock::now() + Milliseconds(20))) continue;
    Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) continue;
    ++connections_;
    connection_threads_.emplace_back([this](Fd connection) { Serve(std::move(connection)); },
                                     std::move(fd));
  }
}

void ScriptedServer::Serve(Fd fd) {
  std::string input;
  char buffer[4096];
  while (!quit_) {
    while (const std::size_t size = RequestSize(input)) {
      ++requests_;
      Script script;
      {
        const std::lock_guard lock(mutex_);
        script = script_;
      }
      if (!Send(fd, script(std::string_view(input).substr(0, size)))) return;
      input.erase(0, size);
    }
    if (!WaitFor(fd.get(), POLLIN, Clock::now() + Milliseconds(20))) continue;
    const ssize_t received = ::recv(fd.get(), buffer, sizeof buffer, 0);
    if (received <= 0) return;
    input.append(buffer, static_cast<std::size_t>(received));
  }
}

bool ScriptedServer::Send(const Fd& fd, const ScriptedAnswer& answer) {
  const bool slowly = answer.between_bytes.count() > 0;
  const std::size_t step = slowly ? 1 : answer.bytes.size();
  for (std::size_t sent = 0; sent < answer.bytes.size() && !quit_; sent += step) {
    if (slowly) std::this_thread::sleep_for(answer.between_bytes);
    if (::send(fd.get(), answer.bytes.data() + sent, step, MSG_NOSIGNAL) < 0) return false;
  }
  return !answer.close;
}

}  // namespace shardcache::testing
