#include "tests/parity/config_generator.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace shardcache::testing {
namespace {

using Texts = std::vector<std::string>;

// Values that a setting takes, and values that it may not.
struct Setting {
  std::string name;
  Texts right;
  Texts odd;
};

const Texts kOddNumbers = {"-1",
                           "+5",
                           "0",
                           "00400",
                           "4 00",
                           "1e3",
                           "0x10",
                           "12.5",
                           "4_0",
                           "many",
                           "",
                           "2147483647",
                           "2147483648",
                           "4294967295",
                           "4294967296",
                           "~",
                           "4294967297",
                           "9999999999",
                           "999999999999999999999",
                           "\xd9\xa1"};
const Texts kOddBooleans = {"yes", "no", "True", "FALSE", "1", "on", "truee", "", "null"};

const std::vector<Setting>& Settings() {
  static const std::vector<Setting> settings = {
      {"hash",
       {"one_at_a_time", "md5", "crc16", "crc32", "crc32a", "fnv1_64", "fnv1a_64", "fnv1_32",
        "fnv1a_32", "hsieh", "murmur", "jenkins"},
       {"MD5", "Fnv1a_64", "fnv", "sha1", "", "murmur3", "crc"}},
      {"hash_tag",
       {"'{}'", "'$$'", "\"[]\"", "ab", "\xc3\xa9"},
       {"'{'", "abc", "''", "'{}}'", "{}"}},
      {"distribution", {"ketama", "modula", "random"}, {"Ketama", "consistent", "", "ketama2"}},
      {"timeout", {"400", "2000", "0", "'400'", "\"1\""}, kOddNumbers},
      {"backlog", {"1024", "512", "0"}, kOddNumbers},
      {"client_connections", {"1024", "0"}, kOddNumbers},
      {"redis", {"true", "false", "'true'"}, kOddBooleans},
      {"tcpkeepalive", {"true", "false"}, kOddBooleans},
      {"redis_db", {"0", "3"}, kOddNumbers},
      {"preconnect", {"true", "false", "\"false\""}, kOddBooleans},
      {"auto_eject_hosts", {"true", "false"}, kOddBooleans},
      {"server_connections", {"1", "2", "64"}, kOddNumbers},
      {"server_retry_timeout", {"30000", "2000", "0"}, kOddNumbers},
      {"server_failure_limit", {"1", "2", "0"}, kOddNumbers},
  };
  return settings;
}

// Settings that are wrong by themselves, or that depend on another.
const Texts kOddSettings = {"reuseport: true",
                            "reuseport: false",
                            "reuseport: maybe",
                            "redis_auth: pw",
                            "redis_auth: ''",
                            "redis_auth: \"a\\0b\"",
                            "hsah: md5",
                            "Hash: md5",
                            "server: 127.0.0.1:1:1",
                            "hash :md5",
                            "hash:md5",
                            "? hash\n  : md5",
                            "'hash': md5",
                            "hash: &anchor md5",
                            "hash: *anchor",
                            "hash: !!str md5",
                            "hash: ! md5",
                            "hash: [md5]",
                            "hash: {md5: 1}",
                            "hash: |-\n    md5",
                            "hash: >-\n    md5",
                            "hash: |\n    md5",
                            "hash:\n    md5",
                            "hash: md5\n    and more",
                            "listen",
                            "- hash",
                            "hash:\n  - md5",
                            "hash:\n    md5: 1",
                            ": md5",
                            "\"\": md5",
                            "hash: \"m\\x645\"",
                            "timeout: \"4\\x300\"",
                            "hash: md5,",
                            "hash: @md5",
                            "hash: `md5",
                            "hash: %md5",
                            "<<: md5",
                            "~: md5",
                            "hash: \"md5\\0\""};

constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kPairs = {{
    {"a:11211:1", "b:1:1 a"},
    {"a:11212:1", "b:1:1 a:11212"},
    {"a:11212:1", "b:1:1 a"},
    {"a:1:1", "a:1:2"},
    {"a:1:1", "a:01:1"},
    {"a:1:1 one", "a:1:1 two"},
    {"a:1:1 one", "b:1:1 one"},
    {"/s:1", "b:1:1 /s:"},
    {"/s:1", "b:1:1 /s"},
}};

class Generator {
 public:
  Generator(Random& random, double spice) : random_(random), spice_(spice) {}
  // Odd at one place, the `only`th at which it could be.
  Generator(Random& random, std::uint64_t only) : random_(random), spice_(0), only_(only) {}

  // At how many places the file could have been odd.
  std::uint64_t places() const { return places_; }

  std::string File() {
    std::string text = Preamble();
    const std::uint64_t pools = random_.Chance(0.6) ? 1 : random_.Between(2, 4);
    for (std::uint64_t i = 0; i < pools; ++i) text += Pool(i);
    if (Odd())
      text += PickOne({"...\n", "---\n", "alpha:\n", "# end", "\n\n", "- x\n", "x\n", "\t\n"});
    if (Odd()) text = WithCrLf(text);
    if (Odd() && text.ends_with('\n')) text.pop_back();
    return text;
  }

 private:
  bool Odd() { return places_++ == only_ || random_.Chance(spice_); }

  std::string PickOne(const Texts& texts) { return random_.Pick(texts); }

  std::string Preamble() {
    if (!Odd()) return random_.Chance(0.2) ? "# pools\n\n" : "";
    return PickOne({"---\n", "%YAML 1.1\n---\n", "\xef\xbb\xbf", "\n\n", "%TAG ! tag:x,1:\n---\n",
                    "# \xff\n", "--- # start\n", " \n", "\t\n", "...\n"});
  }

  static std::string WithCrLf(const std::string& text) {
    std::string result;
    for (char c : text) {
      if (c == '\n') result += '\r';
      result += c;
    }
    return result;
  }

  std::string Pool(std::uint64_t number) {
    const std::string indent(random_.Between(1, 4), ' ');
    Texts lines = {"listen: " + Listen(number)};
    for (const Setting& setting : Settings()) {
      if (random_.Chance(0.25)) lines.push_back(setting.name + ": " + Value(setting));
    }
    if (random_.Chance(0.1)) {
      lines.push_back("redis: true\n" + indent + "redis_auth: " + (Odd() ? "''" : "pw"));
    }
    // The documented exceptions, in files that are right otherwise.
    if (random_.Chance(0.03)) lines.emplace_back("reuseport: true");
    if (random_.Chance(0.02)) lines.emplace_back("timeout: 4294967297");
    if (random_.Chance(0.01))
      lines.emplace_back("redis: true\n" + indent + "redis_auth: \"a\\0b\"");
    if (Odd()) lines.push_back(PickOne(kOddSettings));
    if (Odd()) lines.push_back(PickOne(lines));  // given twice
    if (Odd()) lines.erase(lines.begin());       // no listen
    if (Odd() && (only_ != kNone || random_.Chance(0.25))) {
      OddServers(lines, indent);
    } else {
      lines.push_back(ServerList(indent));
    }
    for (std::size_t i = lines.size(); i > 1; --i) std::swap(lines[i - 1], lines[random_.Below(i)]);
    std::string text = Name(number) + ":" + Tail();
    for (const std::string& line : lines) {
      text += (Odd() && (only_ != kNone || random_.Chance(0.2)) ? indent + " " : indent) + line +
              Tail();
    }
    return text;
  }

  std::string Name(std::uint64_t number) {
    if (number > 0 && Odd()) return "pool0";
    if (Odd()) {
      return PickOne({"alpha", "pool0", "'quoted'", "\"dou\\x62le\"", "two words", "''", "~", "? a",
                      "p\xc3\xa9", "- list", "\"nul\\0\"", "a: b", "#none", "1", "*x", "&x p"});
    }
    return "pool" + std::to_string(number);
  }

  // What may stand at the end of a line.
  std::string Tail() {
    if (random_.Chance(0.05)) return "  # a comment\n";
    if (Odd() && random_.Chance(0.2))
      return PickOne({"  \n", "\t\n", "\n\n", "#none\n", " #\n", "\n#\n"});
    return "\n";
  }

  std::string Value(const Setting& setting) {
    std::string value = PickOne(Odd() ? setting.odd : setting.right);
    if (!Odd() || value.find_first_of("'\"{") != std::string::npos) return value;
    return PickOne({"'" + value + "'", "\"" + value + "\"", value + " ", "  " + value,
                    "'" + value + " '", value + "\t", "\"" + value + "\\0\""});
  }

  std::string Port() {
    if (Odd()) {
      return PickOne({"0", "65535", "65536", "-1", "+80", "http", "", "011211", "4294978507", "1 1",
                      "99999999999999999999", "4294967296"});
    }
    return random_.Chance(0.3) ? "11211" : std::to_string(random_.Between(1, 65535));
  }

  std::string Listen(std::uint64_t number) {
    if (number > 0 && Odd()) return "127.0.0.1:22121";
    if (Odd()) {
      return PickOne({"127.0.0.1",
                      "22121",
                      ":22121",
                      "localhost:1",
                      "'[::1]:22121'",
                      "::1:22121",
                      "0.0.0.0:22121",
                      "/tmp/nc.sock",
                      "/tmp/nc.sock 0666",
                      "/tmp/nc.sock 777",
                      "/tmp/nc.sock 1000",
                      "/tmp/nc.sock 9",
                      "/tmp/nc.sock -1",
                      "/tmp/nc.sock +17",
                      "/tmp/nc.sock 0x1ff",
                      "/tmp/nc sock",
                      "'/tmp/nc.sock '",
                      "'/ '",
                      "/",
                      "/tmp/nc.sock 40000000644",
                      "/tmp/nc.sock 7777777777777777777777777",
                      "/tmp/nc.sock 666 ",
                      "/tmp/a:1",
                      "'127.0.0.1:22121 '",
                      "' 127.0.0.1:22121'",
                      "no.such.host.invalid:1",
                      "''",
                      "/" + std::string(106, 'p'),
                      "/" + std::string(107, 'p'),
                      "/" + std::string(200, 'p') + " 600",
                      "127.0.0.1:" + Port(),
                      std::string(300, 'h') + ":1",
                      "256.0.0.1:1",
                      "1.2.3:1",
                      "0x7f.1:1",
                      "2130706433:1",
                      "'*:1'"});
    }
    return "127.0.0.1:" + std::to_string(22121 + number);
  }

  std::string Server(std::uint64_t number) {
    if (Odd()) {
      return PickOne({"127.0.0.1",
                      "127.0.0.1:11211",
                      "host:1:1  two",
                      "host:1:1 a b",
                      "'host:1:1 '",
                      "' host:1:1'",
                      "'[::1]:11211:1'",
                      "'[::1]:11211:1 v6'",
                      "::1:11211:1",
                      ":11211:1",
                      ":11211:1 nohost",
                      "/tmp/mc.sock:1",
                      "/tmp/mc.sock:1 s",
                      "/tmp/a:b.sock:1",
                      "/tmp/mc.sock",
                      "/:1",
                      "/:1 n",
                      "'/tmp/mc sock:1'",
                      "/tmp/mc.sock::1",
                      "host::1",
                      "host:1:",
                      "host:1:1:1",
                      "\"host:1:1 a\\0b\"",
                      "\"ho\\0st:1:1\"",
                      "'host:1:1\ta'",
                      "host:01:1",
                      "host:1:01",
                      "host:1:1 " + std::string(300, 'n'),
                      std::string(300, 'h') + ":1:1",
                      "''",
                      "' '",
                      "':'",
                      "'::'",
                      "' ::'",
                      "'host:1:1 a '",
                      "\"host:1:1 \\x41\"",
                      "-",
                      "host:1:1 #c",
                      "host:1:1 \xc3\xa9",
                      "host: 1:1",
                      "'host :1:1'",
                      "- host:1:1",
                      "a: host:1:1",
                      "&a host:1:1",
                      "*a",
                      "!t host:1:1",
                      "[host:1:1]",
                      "host:1:1 same",
                      "host:2:1 same",
                      "host:1:1",
                      "host:11211:1",
                      "host:1212:1 host"});
    }
    std::string weight = std::to_string(random_.Between(1, 10));
    if (Odd()) {
      weight = PickOne({"0", "-1", "+1", "1.5", "", "x", "2147483647", "2147483648", "4294967297",
                        "4294967296", "00", "007", "1 "});
    }
    const std::string port = Odd() ? Port() : std::to_string(11211 + number);
    std::string line = "10.0.0." + std::to_string(number + 1) + ":" + port + ":" + weight;
    if (number > 0 && Odd()) return line + " server0";
    if (number == 0 || random_.Chance(0.5)) line += " server" + std::to_string(number);
    return line;
  }

  std::string ServerList(const std::string& indent) {
    std::string text = "servers:";
    const std::string inner = indent + (random_.Chance(0.5) ? "  " : "");
    const std::uint64_t count = Odd() ? random_.Below(2) : random_.Between(1, 5);
    for (std::uint64_t i = 0; i < count; ++i) {
      text += Tail();
      text += inner;
      text += "- ";
      text += Server(i);
    }
    if (Odd()) {  // two servers, of one ring name or nearly
      const auto [one, other] = random_.Pick(kPairs);
      text += "\n" + inner + "- " + std::string(one) + "\n" + inner + "- " + std::string(other);
    }
    return text;
  }

  // A list where there should be none, none where there should be one, or lists in lists.
  void OddServers(Texts& lines, const std::string& indent) {
    const std::string item = "\n" + indent + "- ";
    const std::string server = "10.0.0.1:11211:1 one";
    switch (random_.Below(8)) {
      case 0:
        lines.push_back("servers: " + server);
        break;
      case 1:  // another setting is the list; twemproxy does not mind
        lines.push_back("servers: " + server);
        for (std::string& line : lines) {
          const std::size_t colon = line.find(": ");
          if (colon == std::string::npos || line.starts_with("servers")) continue;
          line = line.substr(0, colon + 1) + item + line.substr(colon + 2);
          break;
        }
        break;
      case 2:
        lines.push_back("servers:" + item + server);
        lines.push_back("servers:" + item + "10.0.0.2:11211:1 two");
        break;
      case 3:
        lines.push_back("servers:" + item + "- " + server);
        break;
      case 4:
        lines.push_back("servers:\n" + indent + "  one: " + server);
        break;
      case 5:
        lines.push_back("servers:" + item + server);
        lines.push_back("servers: 10.0.0.2:11211:1 two");
        break;
      case 6:
        lines.push_back("hash:" + item + "md5" + (Odd() ? item + "crc32" : ""));
        lines.push_back("servers: " + server);
        break;
      default:
        lines.push_back("servers: [" + server + "]");
    }
  }

  static constexpr std::uint64_t kNone = ~std::uint64_t{0};

  Random& random_;
  double spice_;
  std::uint64_t only_ = kNone;
  std::uint64_t places_ = 0;
};

std::size_t LineStart(const std::string& text, std::size_t at) {
  const std::size_t newline = at == 0 ? std::string::npos : text.rfind('\n', at - 1);
  return newline == std::string::npos ? 0 : newline + 1;
}

}  // namespace

std::string RandomConfig(Random& random, double spice) { return Generator(random, spice).File(); }

std::string RandomConfigWithOneOddity(Random& random) {
  Random again = random;
  Generator plain(again, 0.0);
  plain.File();
  return Generator(random, random.Below(plain.places())).File();
}

std::string Mutated(Random& random, std::string text) {
  constexpr std::string_view kTelling = ":- \n'\"#/[]{}&*!|>%@`\t,?0123456789\\~\x7f\x85\r";
  const std::uint64_t changes = random.Between(1, 3);
  for (std::uint64_t i = 0; i < changes && !text.empty(); ++i) {
    const std::size_t at = random.Below(text.size());
    const std::size_t line = LineStart(text, at);
    const std::size_t next = std::min(text.find('\n', at), text.size() - 1) + 1;
    const std::string whole = text.substr(line, next - line);
    switch (random.Below(8)) {
      case 0:
        text[at] = random.Pick(kTelling);
        break;
      case 1:
        text.insert(at, 1, random.Pick(kTelling));
        break;
      case 2:
        text.erase(at, 1);
        break;
      case 3:
        text[at] = static_cast<char>(random.Bits());
        break;
      case 4:
        text.erase(line, next - line);
        break;
      case 5:
        text.insert(next, whole);
        break;
      case 6: {  // moved to another line
        text.erase(line, next - line);
        text.insert(text.empty() ? 0 : LineStart(text, random.Below(text.size())), whole);
        break;
      }
      default:
        if (random.Chance(0.5)) {
          text.insert(line, 1, ' ');
        } else if (text[line] == ' ') {
          text.erase(line, 1);
        }
    }
  }
  return text;
}

}  // namespace shardcache::testing
