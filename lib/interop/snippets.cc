// Settings as text that can be pasted: nutcracker.yml, PHP, Python, C.
#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>

#include "lib/interop/client.h"
#include "shardcache/remedy.h"

namespace shardcache::inline v0 {
namespace {

using internal::IsServersMark;
using internal::ParseSwitch;
using internal::Unquoted;

// In quotes, as PHP, Python and YAML (where a quote is doubled) have it.
std::string Quoted(std::string_view text, bool yaml = false) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') quoted += yaml ? "'" : "\\";
    if (c == '\\' && !yaml) quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

std::string YamlServer(const Server& server) {
  const std::string weight = ":" + std::to_string(server.weight);
  if (server.named) {
    const std::string port = server.is_unix() ? "" : ":" + std::to_string(server.port);
    return server.host + port + weight + " " + server.name;
  }
  // The ring name keeps how host and port were written.
  if (server.is_unix()) return server.host + weight;
  return server.name + (server.port == 11211 ? ":11211" : "") + weight;
}

bool HasMark(const ClientSetup& setup) {
  return std::any_of(setup.options.begin(), setup.options.end(), IsServersMark);
}

std::string PhpServers(const ClientSetup& setup) {
  std::string code = "$client->addServers([\n";
  for (const Server& server : setup.servers) {
    code += "    [" + Quoted(server.host) + ", " + std::to_string(server.port) + ", " +
            std::to_string(server.weight) + "],\n";
  }
  return code + "]);\n";
}

std::string PhpServersOneByOne(const ClientSetup& setup, bool pecl) {
  std::string code;
  for (const Server& server : setup.servers) {
    const std::string host = pecl && server.is_unix() ? "unix://" + server.host : server.host;
    code += "$client->addServer(" + Quoted(host) + ", " + std::to_string(server.port) + ", " +
            (pecl ? "true, " : "") + std::to_string(server.weight) + ");\n";
  }
  return code;
}

bool IsConstant(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isupper(static_cast<unsigned char>(c)) != 0 || c == '_' ||
           std::isdigit(static_cast<unsigned char>(c)) != 0;
  });
}

std::string PhpConstant(std::string_view name) {
  if (name.starts_with("Memcached::")) return std::string(name);
  const bool number = ParseSwitch(name).has_value();
  return (number || !IsConstant(name) ? "" : "Memcached::") + std::string(name);
}

std::string PhpMemcachedCode(const ClientSetup& setup) {
  std::string code;
  for (const ClientOption& option : setup.options) {
    if (option.name.starts_with("memcached.")) {
      code += "ini_set(" + Quoted(option.name) + ", " + Quoted(Unquoted(option.value)) + ");\n";
    }
  }
  code += "$client = new Memcached();\n";
  for (const ClientOption& option : setup.options) {
    if (option.name.starts_with("memcached.")) continue;
    if (option.name == "addServers") {
      code += PhpServers(setup);
    } else if (option.name == "addServer") {
      code += PhpServersOneByOne(setup, false);
    } else if (option.name == "setBucket") {
      code += "$client->setBucket([" + option.value + "], null, 0);\n";
    } else {
      const bool text =
          option.name.ends_with("PREFIX_KEY") && !option.name.ends_with("WITH_PREFIX_KEY");
      const std::string value(Unquoted(option.value));
      code += "$client->setOption(" + PhpConstant(option.name) + ", " +
              (text ? Quoted(value) : PhpConstant(value)) + ");\n";
    }
  }
  return code + (HasMark(setup) ? "" : PhpServers(setup));
}

std::string PhpSessionCode(const ClientSetup& setup) {
  std::string path;
  for (const Server& server : setup.servers) {
    path += (path.empty() ? "" : ",") + server.host;
    if (!server.is_unix()) path.append(":").append(std::to_string(server.port));
    path.append(":").append(std::to_string(server.weight));
  }
  std::string code =
      "ini_set('session.save_handler', 'memcached');\nini_set('session.save_path', " +
      Quoted(path) + ");\n";
  for (const ClientOption& option : setup.options) {
    if (IsServersMark(option)) continue;
    code += "ini_set(" + Quoted(option.name) + ", " + Quoted(Unquoted(option.value)) + ");\n";
  }
  return code;
}

std::string PeclCode(const ClientSetup& setup) {
  std::string code;
  for (const ClientOption& option : setup.options) {
    if (IsServersMark(option)) continue;
    code += "ini_set(" + Quoted(option.name) + ", " + Quoted(Unquoted(option.value)) + ");\n";
  }
  return code + "$client = new Memcache();\n" + PhpServersOneByOne(setup, true);
}

std::string PeclSessionCode(const ClientSetup& setup) {
  std::string path;
  for (const Server& server : setup.servers) {
    path += (path.empty() ? "" : ", ") +
            (server.is_unix() ? "unix://" + server.host : "tcp://" + server.address()) +
            "?weight=" + std::to_string(server.weight);
  }
  std::string code = "ini_set('session.save_handler', 'memcache');\nini_set('session.save_path', " +
                     Quoted(path) + ");\n";
  for (const ClientOption& option : setup.options) {
    if (IsServersMark(option)) continue;
    const std::string value = Quoted(Unquoted(option.value));
    // Prefixes are read before a script could set them.
    code += option.name.find("session_prefix") != std::string::npos
                ? "// in php.ini: " + option.name + " = " + value + "\n"
                : "ini_set(" + Quoted(option.name) + ", " + value + ");\n";
  }
  return code;
}

std::string PythonValue(const ClientOption& option) {
  if (option.name == "namespace") return "b" + Quoted(Unquoted(option.value));
  const std::string_view value = Unquoted(option.value);
  const auto number = ParseSwitch(value);
  if (!number) return Quoted(value);
  const bool word = std::isalpha(static_cast<unsigned char>(value[0])) != 0;
  if (!word) return std::to_string(*number);
  return *number != 0 ? "True" : "False";
}

std::string PylibmcCode(const ClientSetup& setup) {
  std::string before;
  std::string after;
  std::string binary;
  bool marked = false;
  for (const ClientOption& option : setup.options) {
    if (IsServersMark(option)) {
      marked = true;
    } else if (option.name == "binary") {
      binary = ", binary=" + PythonValue(option);
    } else if (marked) {
      after += "client.behaviors = {" + Quoted(option.name) + ": " + PythonValue(option) + "}\n";
    } else {
      before += (before.empty() ? "" : ", ") + Quoted(option.name) + ": " + PythonValue(option);
    }
  }
  std::string code = "import pylibmc\n\nclient = pylibmc.Client([\n";
  for (const Server& server : setup.servers) {
    code += "    " +
            Quoted(server.is_unix() ? server.host
                                    : server.address() + ":" + std::to_string(server.weight)) +
            ",\n";
  }
  return code + "], behaviors={" + before + "}" + binary + ")\n" + after;
}

std::string CQuoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

std::string CConstant(std::string_view prefix, std::string_view value) {
  if (const auto number = ParseSwitch(value)) return std::to_string(*number);
  return value.starts_with("MEMCACHED_") ? std::string(value)
                                         : std::string(prefix) + std::string(value);
}

std::string CServers(const ClientSetup& setup) {
  std::string code;
  for (const Server& server : setup.servers) {
    const std::string weight = std::to_string(server.weight) + ");\n";
    if (server.is_unix()) {
      code += "memcached_server_add_unix_socket_with_weight(client, " + CQuoted(server.host) +
              ", " + weight;
    } else {
      code += "memcached_server_add_with_weight(client, " + CQuoted(server.host) + ", " +
              std::to_string(server.port) + ", " + weight;
    }
  }
  return code;
}

std::string LibmemcachedCode(const ClientSetup& setup) {
  std::string code = "memcached_st *client = memcached_create(NULL);\n";
  for (const ClientOption& option : setup.options) {
    const std::string_view value = Unquoted(option.value);
    if (IsServersMark(option)) {
      code += CServers(setup);
    } else if (option.name == "options") {
      code = "const char *options = " + CQuoted(value) +
             ";\nmemcached_st *client = memcached(options, strlen(options));\n";
    } else if (option.name.find("CALLBACK") != std::string::npos) {
      code += "memcached_callback_set(client, MEMCACHED_CALLBACK_PREFIX_KEY, " + CQuoted(value) +
              ");\n";
    } else {
      const std::string name = CConstant("MEMCACHED_BEHAVIOR_", option.name);
      const bool hash = name.ends_with("HASH");
      code += "memcached_behavior_set(client, " + name + ", " +
              CConstant(hash ? "MEMCACHED_HASH_" : "MEMCACHED_DISTRIBUTION_", value) + ");\n";
    }
  }
  return code + (HasMark(setup) || setup.servers.empty() ? "" : CServers(setup));
}

}  // namespace

std::string ToYaml(const PoolConfig& pool) {
  std::string yaml = pool.name + ":\n";
  const auto line = [&](std::string_view key, const std::string& value) {
    yaml += "  " + std::string(key) + ": " + value + "\n";
  };
  const auto number = [&](std::string_view key, auto value) { line(key, std::to_string(value)); };
  const auto flag = [&](std::string_view key, bool value) {
    if (value) line(key, "true");
  };
  line("listen", Quoted(pool.listen.text, true));
  line("hash", std::string(HashName(pool.hash)));
  if (pool.hash_tag) {
    line("hash_tag", Quoted(std::string{pool.hash_tag->open, pool.hash_tag->close}, true));
  }
  line("distribution", std::string(DistributionName(pool.distribution)));
  if (pool.timeout) number("timeout", pool.timeout->count());
  const PoolConfig defaults;
  if (pool.backlog != defaults.backlog) number("backlog", pool.backlog);
  if (pool.client_connections) number("client_connections", *pool.client_connections);
  flag("redis", pool.redis);
  flag("tcpkeepalive", pool.tcpkeepalive);
  flag("reuseport", pool.reuseport);
  if (pool.redis_auth) line("redis_auth", Quoted(*pool.redis_auth, true));
  if (pool.redis_db != defaults.redis_db) number("redis_db", pool.redis_db);
  flag("preconnect", pool.preconnect);
  flag("auto_eject_hosts", pool.auto_eject_hosts);
  if (pool.server_connections != defaults.server_connections) {
    number("server_connections", pool.server_connections);
  }
  if (pool.server_retry_timeout != defaults.server_retry_timeout) {
    number("server_retry_timeout", pool.server_retry_timeout.count());
  }
  if (pool.server_failure_limit != defaults.server_failure_limit) {
    number("server_failure_limit", pool.server_failure_limit);
  }
  yaml += "  servers:\n";
  for (const Server& server : pool.servers) {
    const std::string text = YamlServer(server);
    const auto first = static_cast<unsigned char>(text[0]);
    const bool plain = (std::isalnum(first) != 0 || first == '/') &&
                       text.find_first_of("#'\"") == std::string::npos;
    yaml += "   - " + (plain ? text : Quoted(text, true)) + "\n";
  }
  return yaml;
}

std::string ToCode(const ClientSetup& setup) {
  if (setup.client == "php-memcached") return PhpMemcachedCode(setup);
  if (setup.client == "php-memcached-session") return PhpSessionCode(setup);
  if (setup.client == "pecl-memcache") return PeclCode(setup);
  if (setup.client == "pecl-memcache-session") return PeclSessionCode(setup);
  if (setup.client == "pylibmc") return PylibmcCode(setup);
  if (setup.client == "libmemcached") return LibmemcachedCode(setup);
  std::string text = "# " + setup.client + ", servers in this order:\n";
  for (const Server& server : setup.servers) {
    text += "#   " + server.address() + " weight " + std::to_string(server.weight) + "\n";
  }
  for (const ClientOption& option : setup.options) {
    text += "# " + option.name + " = " + option.value + "\n";
  }
  return text;
}

}  // namespace shardcache::inline v0
