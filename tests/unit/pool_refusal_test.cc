// What twemproxy refuses, each case with the words by which its owner finds it.
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "shardcache/pool_config.h"

namespace shardcache {
namespace {

using namespace std::string_view_literals;

std::string Refusal(std::string_view text) {
  const Result<std::vector<PoolConfig>> pools = ParsePools(text, "conf/nutcracker.yml");
  EXPECT_FALSE(pools.ok()) << text;
  if (pools.ok()) return {};
  EXPECT_EQ(pools.error().code, ErrorCode::kInvalidConfig);
  return pools.error().message;
}

void ExpectParts(const std::string& message, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) {
    EXPECT_NE(message.find(part), std::string::npos) << message << "\nlacks: " << part;
  }
}

// A setting that is refused for its value, on line 3 of the file.
struct Case {
  std::string test;
  std::string setting;
  std::string value;      // as the message has it
  std::string advice;     // part of what the message says would be right
  std::string yaml = {};  // the value in YAML, if it is not the plain value
};

void PrintTo(const Case& refused, std::ostream* out) { *out << refused.test; }

class RefusedValue : public ::testing::TestWithParam<Case> {};

TEST_P(RefusedValue, IsNamedWithFileLinePoolSettingAndAdvice) {
  const Case& refused = GetParam();
  const std::string yaml = refused.yaml.empty() ? refused.value : refused.yaml;
  const std::string listen =
      refused.setting == "listen" ? "  # the next line\n" : "  listen: 127.0.0.1:22121\n";
  ExpectParts(Refusal("alpha:\n" + listen + "  " + refused.setting + ": " + yaml +
                      "\n  servers:\n  - 127.0.0.1:11211:1\n"),
              {"conf/nutcracker.yml:3: ", "pool 'alpha': ", refused.setting + ": ",
               '"' + refused.value + '"', refused.advice});
}

std::string CaseName(const ::testing::TestParamInfo<Case>& info) { return info.param.test; }

INSTANTIATE_TEST_SUITE_P(
    Hash, RefusedValue,
    ::testing::Values(Case{"OfOtherCase", "hash", "MD5", "one of one_at_a_time, md5"},
                      Case{"Unknown", "hash", "sha1", "fnv1a_64"},
                      Case{"DistributionOfOtherCase", "distribution", "Ketama", "ketama, modula"},
                      Case{"DistributionUnknown", "distribution", "consistent", "random"},
                      Case{"TagOfOneByte", "hash_tag", "{", "exactly two bytes", "'{'"},
                      Case{"TagOfThreeBytes", "hash_tag", "{}}", "exactly two bytes", "'{}}'"}),
    CaseName);

INSTANTIATE_TEST_SUITE_P(
    Number, RefusedValue,
    ::testing::Values(Case{"Negative", "timeout", "-1", "only digits"},
                      Case{"Signed", "timeout", "+1", "only digits"},
                      Case{"WithAUnit", "timeout", "400ms", "only digits"},
                      Case{"WithAPoint", "server_retry_timeout", "1.5", "only digits"},
                      Case{"InHex", "backlog", "0x10", "only digits"},
                      Case{"WithASpace", "backlog", "1 0", "only digits"},
                      Case{"PastAnInt", "timeout", "2147483648", "larger than 2147483647"},
                      Case{"ThatWrapsToAValidOne", "redis_db", "4294967297", "wrap"},
                      Case{"FailureLimit", "server_failure_limit", "two", "only digits"},
                      Case{"ClientConnections", "client_connections", "many", "only digits"}),
    CaseName);

INSTANTIATE_TEST_SUITE_P(
    Boolean, RefusedValue,
    ::testing::Values(Case{"Yes", "redis", "yes", "\"true\" or \"false\""},
                      Case{"Capital", "auto_eject_hosts", "True", "\"true\" or \"false\""},
                      Case{"One", "preconnect", "1", "\"true\" or \"false\""},
                      Case{"Off", "tcpkeepalive", "off", "\"true\" or \"false\""},
                      Case{"Reuseport", "reuseport", "on", "\"true\" or \"false\""}),
    CaseName);

INSTANTIATE_TEST_SUITE_P(
    Listen, RefusedValue,
    ::testing::Values(Case{"WithoutAPort", "listen", "127.0.0.1", "host:port"},
                      Case{"PortZero", "listen", "127.0.0.1:0", "between 1 and 65535"},
                      Case{"PortTooLarge", "listen", "127.0.0.1:65536", "between 1 and 65535"},
                      Case{"PortNotANumber", "listen", "127.0.0.1:http", "between 1 and 65535"},
                      Case{"WithoutAHost", "listen", ":22121", "0.0.0.0"},
                      Case{"Permissions", "listen", "1000", "between 0 and 777", "/tmp/s 1000"},
                      Case{"NegativePermissions", "listen", "-1", "777", "/tmp/s -1"}),
    CaseName);

// A server line that is refused, on line 5 of the file.
TEST(RefusedServer, IsNamedWithFileLineAndPool) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"cache1:11211", "no port or no weight"},
      {"cache1:11211:0", "the weight is 0"},
      {"cache1:11211:-3", "\"-3\""},
      {"cache1:11211:+3", "\"+3\""},
      {"cache1:11211:4294967297", "\"4294967297\""},
      {"cache1:0:1", "\"0\""},
      {"cache1:65536:1", "\"65536\""},
      {"cache1:11211:1 two words", "weight \"1 two\""},
      {"cache1:11211:1  name", "weight \"1 \""},
      {"/tmp/a:b:1", "colon"},
  };
  for (const auto& [line, part] : cases) {
    ExpectParts(Refusal("alpha:\n  listen: 127.0.0.1:1\n  servers:\n  - h:1:1\n  - " + line + "\n"),
                {"conf/nutcracker.yml:5: pool 'alpha': servers: ", part, "host:port:weight"});
  }
}

constexpr std::string_view kServers = "  servers:\n  - 127.0.0.1:11211:1\n";

TEST(RefusedPool, HasAnUnknownSetting) {
  ExpectParts(Refusal("alpha:\n  listen: h:1\n  hsah: md5\n" + std::string(kServers)),
              {":3: ", "'alpha'", "hsah: ", "\"md5\"", "twemproxy has listen, hash"});
  ExpectParts(Refusal("alpha:\n  listen: h:1\n  Hash: md5\n" + std::string(kServers)), {"Hash: "});
}

TEST(RefusedPool, RepeatsASetting) {
  for (const char* setting :
       {"listen: h:2", "hash: md5", "hash_tag: '{}'", "distribution: ketama", "timeout: 1",
        "backlog: 1", "client_connections: 1", "redis: true", "tcpkeepalive: true",
        "reuseport: true", "redis_auth: a", "redis_db: 1", "preconnect: true",
        "auto_eject_hosts: true", "server_connections: 1", "server_retry_timeout: 1",
        "server_failure_limit: 1"}) {
    const std::string line = "  " + std::string(setting) + "\n";
    ExpectParts(Refusal("alpha:\n" + line + line + std::string(kServers)), {":3: ", "repeats"});
  }
}

TEST(RefusedPool, LacksListenOrServers) {
  ExpectParts(Refusal("alpha:\n" + std::string(kServers)), {":1: pool 'alpha': listen: ", "127"});
  ExpectParts(Refusal("alpha:\n  listen: h:1\n"), {"pool 'alpha': servers: "});
  ExpectParts(Refusal("alpha:\n  listen: h:1\n  servers:\n"), {"pool 'alpha': servers: "});
  ExpectParts(Refusal("alpha:\n  listen: h:1\n  servers: h:1:1\n"), {"must be a list"});
}

TEST(RefusedPool, HasTwoServersOfOneRingName) {
  ExpectParts(Refusal("alpha:\n  listen: h:1\n  servers:\n  - a:1:1 x\n  - b:1:1 y\n  - c:1:1 x\n"),
              {":6: pool 'alpha': servers: ", "\"x\"", "line 4"});
  ExpectParts(Refusal("alpha:\n  listen: h:1\n  servers:\n  - a:1:1\n  - a:1:2\n"), {"\"a:1\""});
  ExpectParts(Refusal("alpha:\n  listen: h:1\n  servers:\n  - a:11211:1\n  - b:1:2 a\n"),
              {"\"a\""});
}

TEST(RefusedPool, HasNoServerConnections) {
  ExpectParts(Refusal("alpha:\n  listen: h:1\n  server_connections: 0\n" + std::string(kServers)),
              {"pool 'alpha': server_connections: ", "\"0\"", "at least 1"});
}

TEST(RefusedPool, HasRedisAuthWithoutRedis) {
  ExpectParts(Refusal("alpha:\n  listen: h:1\n  redis_auth: secret\n" + std::string(kServers)),
              {"pool 'alpha': redis_auth: ", "redis: true"});
}

TEST(RefusedPool, HasASettingWithoutAValue) {
  ExpectParts(Refusal("alpha:\n  listen: h:1\n  hash:\n" + std::string(kServers)),
              {":3: pool 'alpha': hash: ", "no value"});
  ExpectParts(Refusal("alpha:\n  listen: h:1\n  hash: ''\n" + std::string(kServers)), {"hash: "});
}

TEST(RefusedPool, HasAValueWithANulByte) {
  ExpectParts(Refusal("alpha:\n  listen: h:1\n  redis_auth: \"a\\0b\"\n" + std::string(kServers)),
              {":3: pool 'alpha': redis_auth: ", "NUL"});
}

TEST(RefusedPool, HasAListenPathThatIsTooLongForASocket) {
  const std::string path = "/tmp/" + std::string(103, 'x');
  ExpectParts(Refusal("alpha:\n  listen: " + path + "\n" + std::string(kServers)),
              {":2: pool 'alpha': listen: ", path, "107"});
}

TEST(RefusedFile, HasTwoPoolsOfOneNameOrListen) {
  const auto pool = [](const std::string& name, const std::string& listen) {
    return name + ":\n  listen: " + listen + "\n" + std::string(kServers);
  };
  ExpectParts(Refusal(pool("alpha", "h:1") + pool("beta", "h:2") + pool("alpha", "h:3")),
              {":9: pool 'alpha'", "line 1"});
  ExpectParts(Refusal(pool("alpha", "h:1") + pool("beta", "h:1")),
              {":5: pool 'beta': listen: ", "\"h:1\"", "'alpha'"});
}

TEST(RefusedFile, IsEmpty) {
  for (std::string_view text : {""sv, "\n"sv, "# nothing\n"sv, "~"sv, "alpha\n"sv, "- alpha\n"sv}) {
    ExpectParts(Refusal(text), {"conf/nutcracker.yml:"});
  }
}

TEST(RefusedFile, HasYamlBeyondPlainBlocks) {
  const auto file = [](const std::string& before, const std::string& value) {
    return before + "alpha:\n  listen: h:1\n  hash: " + value + "\n" + std::string(kServers);
  };
  ExpectParts(Refusal(file("", "&a md5")), {":3: ", "an anchor"});
  ExpectParts(Refusal(file("", "*a")), {":3: ", "an alias"});
  ExpectParts(Refusal(file("", "!!str md5")), {":3: ", "a tag"});
  ExpectParts(Refusal(file("", "! md5")), {":3: ", "a tag"});
  ExpectParts(Refusal(file("", "[md5]")), {":3: ", "a flow sequence"});
  ExpectParts(Refusal(file("", "{md5: 1}")), {":3: ", "a flow mapping"});
  ExpectParts(Refusal(file("---\n", "md5")), {":1: ", "a document start"});
  ExpectParts(Refusal(file("%YAML 1.1\n---\n", "md5")), {":1: ", "a directive"});
  ExpectParts(Refusal(file("", "md5") + "...\n"), {":6: ", "a document end"});
}

TEST(RefusedFile, IsNotYaml) {
  ExpectParts(Refusal("alpha:\n  listen: 'h:1\n"), {"conf/nutcracker.yml:"});
  ExpectParts(Refusal("alpha:\n\tlisten: h:1\n"), {"conf/nutcracker.yml:2: "});
  ExpectParts(Refusal("alpha:\n  listen: h:1\n hash: md5\n"), {"conf/nutcracker.yml:3: "});
  ExpectParts(Refusal("alpha: \xff\n"), {"conf/nutcracker.yml:"});
}

TEST(RefusedFile, NestsDeeperThanSettings) {
  const std::string start = "alpha:\n  listen: h:1\n";
  ExpectParts(Refusal(start + "  servers:\n    one: h:1:1\n"), {":4: ", "servers: ", "mapping"});
  ExpectParts(Refusal(start + "  servers:\n  - - h:1:1\n"), {":4: ", "servers: "});
  ExpectParts(Refusal(start + "  hash:\n  - md5\n" + std::string(kServers)), {"only one"});
  ExpectParts(Refusal("alpha: h:1\n"), {":1: pool 'alpha': "});
}

}  // namespace
}  // namespace shardcache
