// twemproxy: src/nc_conf.c, from conf_pre_validate to conf_post_validate.
#include "shardcache/pool_config.h"

#include <netdb.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "lib/pool_settings.h"
#include "lib/yaml.h"

namespace shardcache::inline v0 {
namespace {

using internal::YamlEvent;
using internal::YamlInput;
using internal::YamlToken;

constexpr std::array<std::string_view, 3> kDistributionNames = {"ketama", "modula", "random"};

// What twemproxy has no use for in YAML, by the token that begins it; empty if it has.
std::string_view Disallowed(yaml_token_type_t type) {
  switch (type) {
    case YAML_VERSION_DIRECTIVE_TOKEN:
    case YAML_TAG_DIRECTIVE_TOKEN:
      return "a directive";
    case YAML_DOCUMENT_START_TOKEN:
      return "a document start \"---\"";
    case YAML_DOCUMENT_END_TOKEN:
      return "a document end \"...\"";
    case YAML_FLOW_SEQUENCE_START_TOKEN:
    case YAML_FLOW_SEQUENCE_END_TOKEN:
      return "a flow sequence \"[...]\"";
    case YAML_FLOW_MAPPING_START_TOKEN:
    case YAML_FLOW_MAPPING_END_TOKEN:
      return "a flow mapping \"{...}\"";
    case YAML_FLOW_ENTRY_TOKEN:
      return "a comma of a flow collection";
    case YAML_ALIAS_TOKEN:
      return "an alias \"*...\"";
    case YAML_ANCHOR_TOKEN:
      return "an anchor \"&...\"";
    case YAML_TAG_TOKEN:
      return "a tag \"!...\"";
    default:
      return {};
  }
}

// Reads one configuration. The grammar is that of twemproxy's conf_validate_structure: a
// mapping of pool names to mappings of settings, in each of which exactly one value, usually
// that of `servers`, is a sequence.
class Reader {
 public:
  Reader(std::string_view text, std::string_view file) : text_(text), file_(file) {}

  Result<std::vector<PoolConfig>> Read() {
    if (Result<void> tokens = CheckTokens(); !tokens.ok()) return tokens.error();
    if (Result<void> syntax = CheckSyntax(); !syntax.ok()) return syntax.error();
    YamlInput input(text_);
    if (Result<void> read = ReadPools(input); !read.ok()) return read.error();
    if (Result<void> distinct = CheckDistinct(); !distinct.ok()) return distinct.error();
    return std::move(pools_);
  }

 private:
  using Given = std::set<std::string, std::less<>>;

  Error At(int line, std::string message) const {
    return {ErrorCode::kInvalidConfig,
            std::string(file_) + ':' + std::to_string(line) + ": " + std::move(message)};
  }
  Error InPool(int line, std::string message) const {
    return At(line, "pool '" + pools_.back().name + "': " + std::move(message));
  }
  Error Yaml(const YamlInput& input) const { return At(input.ProblemLine(), input.Problem()); }

  // Tokens, and not events alone, because some leave no trace in the events, as "! value".
  Result<void> CheckTokens() const {
    YamlInput input(text_);
    while (true) {
      const YamlToken token(input);
      if (!token.ok()) return Yaml(input);
      if (token.type() == YAML_STREAM_END_TOKEN) return {};
      if (const std::string_view what = Disallowed(token.type()); !what.empty()) {
        return At(token.line(), std::string(what) +
                                    " is not allowed; twemproxy reads plain block YAML only "
                                    "(quote a value that starts with such a character)");
      }
    }
  }

  // All of the file before any of it is judged: a line that is indented wrongly ends its pool
  // early, and to say that the pool lacks a setting would mislead.
  Result<void> CheckSyntax() const {
    YamlInput input(text_);
    while (true) {
      const YamlEvent event(input);
      if (!event.ok()) return Yaml(input);
      if (event.type() == YAML_STREAM_END_EVENT) return {};
    }
  }

  Result<void> ReadPools(YamlInput& input) {
    bool in_root = false;
    while (true) {
      const YamlEvent event(input);
      if (!event.ok()) return Yaml(input);
      switch (event.type()) {
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_START_EVENT:
        case YAML_DOCUMENT_END_EVENT:
        case YAML_MAPPING_END_EVENT:
          break;
        case YAML_STREAM_END_EVENT:
          if (pools_.empty()) return At(event.line(), "has no pools");
          return {};
        case YAML_MAPPING_START_EVENT:
          if (in_root) return At(event.line(), "a mapping stands where a pool's name should");
          in_root = true;
          break;
        case YAML_SCALAR_EVENT:
          if (!in_root) return At(event.line(), "has no pools; write \"name:\", then its settings");
          if (Result<void> pool = ReadPool(input, event); !pool.ok()) return pool;
          break;
        default:
          return At(event.line(), "a list stands where a pool's name should");
      }
    }
  }

  Result<void> ReadPool(YamlInput& input, const YamlEvent& name) {
    if (name.scalar().empty()) return At(name.line(), "a pool has an empty name");
    if (name.scalar().find('\0') != std::string_view::npos) {
      return At(name.line(), "a pool has a NUL byte in its name");
    }
    pools_.emplace_back().name = name.scalar();
    pool_lines_.push_back(name.line());
    const YamlEvent start(input);
    if (!start.ok()) return Yaml(input);
    if (start.type() != YAML_MAPPING_START_EVENT) {
      return InPool(name.line(), "must be followed by its settings, indented, one a line");
    }
    server_lines_.clear();
    Given given;
    bool has_list = false;
    while (true) {
      const YamlEvent key(input);
      if (!key.ok()) return Yaml(input);
      if (key.type() == YAML_MAPPING_END_EVENT) break;
      if (key.type() != YAML_SCALAR_EVENT) {
        return InPool(key.line(), "a list or mapping stands where a setting's name should");
      }
      if (Result<void> value = ReadValue(input, given, key.scalar(), has_list); !value.ok()) {
        return value;
      }
    }
    const Result<void> complete = internal::CheckComplete(pools_.back(), given);
    if (!complete.ok()) return InPool(name.line(), complete.error().message);
    if (!has_list) {
      return InPool(name.line(), "servers: must be a list, each server on a line after \"- \"");
    }
    return CheckRingNames();
  }

  Result<void> ReadValue(YamlInput& input, Given& given, std::string_view key, bool& has_list) {
    const YamlEvent value(input);
    if (!value.ok()) return Yaml(input);
    if (value.type() == YAML_SCALAR_EVENT) return Apply(given, key, value);
    const std::string setting = std::string(key) + ": ";
    if (value.type() != YAML_SEQUENCE_START_EVENT) {
      return InPool(value.line(), setting + "a mapping is not a value; write \"setting: value\"");
    }
    if (has_list) return InPool(value.line(), setting + "only one setting may be a list");
    has_list = true;
    while (true) {
      const YamlEvent element(input);
      if (!element.ok()) return Yaml(input);
      if (element.type() == YAML_SEQUENCE_END_EVENT) return {};
      if (element.type() != YAML_SCALAR_EVENT) {
        return InPool(element.line(), setting + "an element of the list is not a plain value");
      }
      if (Result<void> applied = Apply(given, key, element); !applied.ok()) return applied;
    }
  }

  Result<void> Apply(Given& given, std::string_view key, const YamlEvent& value) {
    PoolConfig& pool = pools_.back();
    const Result<void> applied = internal::ApplySetting(pool, given, key, value.scalar());
    if (!applied.ok()) return InPool(value.line(), applied.error().message);
    server_lines_.resize(pool.servers.size(), value.line());
    return {};
  }

  Result<void> CheckRingNames() const {
    std::map<std::string_view, int> seen;
    const std::vector<Server>& servers = pools_.back().servers;
    for (std::size_t i = 0; i < servers.size(); ++i) {
      const auto [first, fresh] = seen.emplace(servers[i].name, server_lines_[i]);
      if (!fresh) {
        return InPool(server_lines_[i], "servers: \"" + servers[i].name +
                                            "\" is also the ring name of the server of line " +
                                            std::to_string(first->second) +
                                            "; give one of them a name of its own");
      }
    }
    return {};
  }

  Result<void> CheckDistinct() const {
    std::map<std::string_view, std::size_t> names;
    std::map<std::string_view, std::size_t> addresses;
    for (std::size_t i = 0; i < pools_.size(); ++i) {
      const auto [same_name, fresh_name] = names.emplace(pools_[i].name, i);
      if (!fresh_name) {
        return At(pool_lines_[i], "pool '" + pools_[i].name + "' stands at line " +
                                      std::to_string(pool_lines_[same_name->second]) +
                                      " already; give each pool a name of its own");
      }
      const auto [same_listen, fresh_listen] = addresses.emplace(pools_[i].listen.text, i);
      if (!fresh_listen) {
        return At(pool_lines_[i], "pool '" + pools_[i].name + "': listen: \"" +
                                      pools_[i].listen.text + "\" is taken by pool '" +
                                      pools_[same_listen->second].name +
                                      "'; give each pool a port or path of its own");
      }
    }
    return {};
  }

  std::string_view text_;
  std::string_view file_;
  std::vector<PoolConfig> pools_;
  std::vector<int> pool_lines_;
  std::vector<int> server_lines_;  // of the pool that is being read
};

}  // namespace

std::string_view DistributionName(Distribution distribution) {
  return kDistributionNames[static_cast<std::size_t>(distribution)];
}

std::optional<Distribution> ParseDistributionName(std::string_view name) {
  for (std::size_t i = 0; i < kDistributionNames.size(); ++i) {
    if (kDistributionNames[i] == name) return static_cast<Distribution>(i);
  }
  return std::nullopt;
}

Result<std::vector<PoolConfig>> ParsePools(std::string_view text, std::string_view file_name) {
  return Reader(text, file_name).Read();
}

Result<std::vector<PoolConfig>> LoadPools(const std::string& path) {
  const auto failed = [&](int error) {
    return Error{ErrorCode::kIo, path + ": " + std::strerror(error)};
  };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             std::fclose);
  if (!file) return failed(errno);
  std::string text;
  std::array<char, 65536> chunk;
  while (const std::size_t got = std::fread(chunk.data(), 1, chunk.size(), file.get())) {
    text.append(chunk.data(), got);
  }
  if (std::ferror(file.get()) != 0) return failed(errno);
  return ParsePools(text, path);
}

Result<void> CheckListen(const PoolConfig& pool) {
  const ListenAddress& listen = pool.listen;
  if (listen.port == 0) return {};
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int status =
      getaddrinfo(listen.host.c_str(), std::to_string(listen.port).c_str(), &hints, &found);
  if (status != 0) {
    return Error{ErrorCode::kInvalidConfig, "pool '" + pool.name + "': listen: \"" + listen.text +
                                                "\": this machine does not know the host \"" +
                                                listen.host + "\": " + gai_strerror(status)};
  }
  freeaddrinfo(found);
  return {};
}

}  // namespace shardcache::inline v0
