#include "shardcache/server.h"

#include <optional>
#include <utility>

#include "lib/numbers.h"

namespace shardcache::inline v0 {
namespace {

using internal::kIntMax;
using internal::ParseDigits;

constexpr std::string_view kForms =
    "a server is \"host:port:weight\", \"host:port:weight name\" or, for a unix socket, "
    "\"/path:weight\" or \"/path:weight name\"";
constexpr int kMemcachedPort = 11211;

Error Invalid(std::string problem) {
  return {ErrorCode::kInvalidConfig, std::move(problem) + "; " + std::string(kForms)};
}

// Cuts `text` at its last `delimiter`: the part behind it is returned, the part before it
// stays. Nothing if there is no delimiter.
std::optional<std::string_view> CutLast(std::string_view& text, char delimiter) {
  const std::size_t at = text.rfind(delimiter);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view behind = text.substr(at + 1);
  text = text.substr(0, at);
  return behind;
}

std::string Quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

Result<std::uint32_t> ParseWeight(std::string_view text) {
  const auto weight = ParseDigits(text);
  if (!weight) return Invalid("the weight " + Quoted(text) + " is not a number");
  if (*weight == 0) return Invalid("the weight is 0, but must be at least 1");
  if (*weight > kIntMax) {
    return Invalid("the weight " + Quoted(text) +
                   " is larger than 2147483647 (twemproxy would wrap it round)");
  }
  return static_cast<std::uint32_t>(*weight);
}

Result<std::uint16_t> ParsePort(std::string_view text) {
  const auto port = ParseDigits(text);
  if (!port) return Invalid("the port " + Quoted(text) + " is not a number");
  if (*port == 0 || *port > 65535) {
    return Invalid("the port " + Quoted(text) + " is not between 1 and 65535");
  }
  return static_cast<std::uint16_t>(*port);
}

std::string WithoutBrackets(std::string_view host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  return std::string(host);
}

}  // namespace

std::string Server::address() const {
  if (is_unix()) return host;
  const bool bracketed = host.find(':') != std::string::npos;
  return (bracketed ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

bool RingNameLess(std::string_view a, std::string_view b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

Result<Server> ParseServer(std::string_view line) {
  if (line.find('\0') != std::string_view::npos) {
    return Invalid("the server has a NUL byte, past which twemproxy reads foreign memory");
  }
  Server server;
  std::string_view rest = line;
  const auto name = CutLast(rest, ' ');
  const std::string_view unnamed = rest;
  const auto weight_text = CutLast(rest, ':');
  if (!weight_text) return Invalid(Quoted(line) + " has no weight");
  const Result<std::uint32_t> weight = ParseWeight(*weight_text);
  if (!weight.ok()) return weight.error();
  server.weight = *weight;

  if (line.front() == '/') {
    // twemproxy takes what stands before a colon in the path for an address.
    if (rest.find(':') != std::string_view::npos) {
      return Invalid("the path " + Quoted(rest) + " has a colon");
    }
    server.host = rest;
    server.name = std::string(rest) + ':';
  } else {
    const auto port_text = CutLast(rest, ':');
    if (!port_text) return Invalid(Quoted(line) + " has no port or no weight");
    const Result<std::uint16_t> port = ParsePort(*port_text);
    if (!port.ok()) return port.error();
    server.port = *port;
    server.host = WithoutBrackets(rest);
    // The port as it is written: "host:026" and "host:26" are two ring names.
    server.name = *port == kMemcachedPort
                      ? std::string(rest)
                      : std::string(unnamed.substr(0, rest.size() + 1 + port_text->size()));
  }
  if (name) {
    server.name = *name;
    server.named = true;
  }
  return server;
}

}  // namespace shardcache::inline v0
