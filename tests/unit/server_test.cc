#include "shardcache/server.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace shardcache {
namespace {

using namespace std::string_view_literals;

Server Parsed(std::string_view line) {
  Result<Server> server = ParseServer(line);
  EXPECT_TRUE(server.ok()) << line << ": " << server.error().message;
  return server.ok() ? *server : Server{};
}

std::string Refusal(std::string_view line) {
  const Result<Server> server = ParseServer(line);
  EXPECT_FALSE(server.ok()) << line;
  if (server.ok()) return {};
  EXPECT_EQ(server.error().code, ErrorCode::kInvalidConfig);
  return server.error().message;
}

#define EXPECT_CONTAINS(text, part) EXPECT_PRED2(Contains, text, part)
bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(ParseServer, ReadsHostPortAndWeight) {
  EXPECT_EQ(Parsed("10.0.0.1:11311:3"),
            (Server{.name = "10.0.0.1:11311", .host = "10.0.0.1", .port = 11311, .weight = 3}));
}

TEST(ParseServer, TakesANodeNameForTheRing) {
  const Server server = Parsed("10.0.0.1:11211:3 alpha");
  EXPECT_EQ(server.name, "alpha");
  EXPECT_TRUE(server.named);
  EXPECT_EQ(server.host, "10.0.0.1");
  EXPECT_EQ(server.weight, 3U);
}

TEST(ParseServer, LeavesPort11211OutOfTheRingName) {
  EXPECT_EQ(Parsed("cache1:11211:1").name, "cache1");
  EXPECT_EQ(Parsed("cache1:11212:1").name, "cache1:11212");
  EXPECT_EQ(Parsed("cache1:011211:1").name, "cache1");
}

TEST(ParseServer, KeepsThePortInTheRingNameAsItIsWritten) {
  EXPECT_EQ(Parsed("cache1:011212:01").name, "cache1:011212");
  EXPECT_EQ(Parsed("cache1:011212:01").port, 11212);
}

TEST(ParseServer, PutsAColonAfterTheRingNameOfAUnixSocket) {
  const Server server = Parsed("/tmp/mc.sock:5");
  EXPECT_EQ(server.name, "/tmp/mc.sock:");
  EXPECT_EQ(server.host, "/tmp/mc.sock");
  EXPECT_EQ(server.weight, 5U);
  EXPECT_TRUE(server.is_unix());
  EXPECT_FALSE(server.named);
  EXPECT_EQ(Parsed("/tmp/mc.sock:5 sock").name, "sock");
}

TEST(ParseServer, SplitsFromTheRight) {
  const Server bare = Parsed("::1:11211:1");
  EXPECT_EQ(bare.host, "::1");
  EXPECT_EQ(bare.name, "::1");
  const Server bracketed = Parsed("[::1]:11212:1");
  EXPECT_EQ(bracketed.host, "::1");
  EXPECT_EQ(bracketed.name, "[::1]:11212");
}

TEST(ParseServer, AcceptsAnEmptyHostAsTwemproxyDoes) {
  EXPECT_EQ(Parsed(":11212:1").host, "");
  EXPECT_EQ(Parsed(":11212:1").name, ":11212");
}

TEST(ParseServer, AcceptsAnEmptyNodeNameAsTwemproxyDoes) {
  const Server server = Parsed("10.0.0.1:11211:1 ");
  EXPECT_EQ(server.name, "");
  EXPECT_TRUE(server.named);
}

TEST(ParseServer, RefusesALineWithoutAWeightOrPort) {
  EXPECT_CONTAINS(Refusal("cache1"), "\"cache1\" has no weight");
  EXPECT_CONTAINS(Refusal("cache1:11211"), "no port or no weight");
  EXPECT_CONTAINS(Refusal("/tmp/mc.sock"), "no weight");
  Refusal("");
}

TEST(ParseServer, RefusesAWeightThatIsNoPositiveNumber) {
  EXPECT_CONTAINS(Refusal("cache1:11211:0"), "the weight is 0");
  EXPECT_CONTAINS(Refusal("cache1:11211:-1"), "the weight \"-1\"");
  EXPECT_CONTAINS(Refusal("cache1:11211:+1"), "the weight \"+1\"");
  EXPECT_CONTAINS(Refusal("cache1:11211:1.5"), "the weight \"1.5\"");
  EXPECT_CONTAINS(Refusal("cache1:11211:"), "the weight \"\"");
  EXPECT_CONTAINS(Refusal("cache1:11211:0x1"), "the weight \"0x1\"");
}

TEST(ParseServer, RefusesAWeightThatTwemproxyWouldWrapRound) {
  EXPECT_EQ(Parsed("cache1:11211:2147483647").weight, 2147483647U);
  EXPECT_CONTAINS(Refusal("cache1:11211:2147483648"), "2147483647");
  EXPECT_CONTAINS(Refusal("cache1:11211:4294967297"), "4294967297");
  EXPECT_CONTAINS(Refusal("cache1:11211:99999999999999999999999"), "wrap");
}

TEST(ParseServer, RefusesAPortOutOfRange) {
  EXPECT_EQ(Parsed("cache1:65535:1").port, 65535);
  EXPECT_EQ(Parsed("cache1:1:1").port, 1);
  EXPECT_CONTAINS(Refusal("cache1:0:1"), "the port \"0\"");
  EXPECT_CONTAINS(Refusal("cache1:65536:1"), "the port \"65536\"");
  EXPECT_CONTAINS(Refusal("cache1::1"), "the port \"\"");
  EXPECT_CONTAINS(Refusal("cache1:http:1"), "the port \"http\"");
  EXPECT_CONTAINS(Refusal("cache1:4295032831:1"), "4295032831");
}

TEST(ParseServer, RefusesANameWithASpace) {
  Refusal("cache1:11211:1 two words");
  Refusal("cache1:11211:1  spaced");
  Refusal("cache1:11211:1\tname");
}

TEST(ParseServer, RefusesAUnixPathWithAColon) {
  EXPECT_CONTAINS(Refusal("/tmp/a:b.sock:1"), "colon");
}

TEST(ParseServer, RefusesANulByte) { EXPECT_CONTAINS(Refusal("cache1:11211:1 a\0b"sv), "NUL"); }

TEST(ParseServer, SaysWhatWouldBeRight) {
  EXPECT_CONTAINS(Refusal("cache1:11211"), "\"host:port:weight name\"");
}

TEST(Address, IsWhatASocketIsOpenedTo) {
  EXPECT_EQ(Parsed("cache1:11211:1 n").address(), "cache1:11211");
  EXPECT_EQ(Parsed("[::1]:11211:1").address(), "[::1]:11211");
  EXPECT_EQ(Parsed("::1:11211:1").address(), "[::1]:11211");
  EXPECT_EQ(Parsed("/tmp/mc.sock:1").address(), "/tmp/mc.sock");
}

TEST(RingNameLess, PutsShorterNamesFirstAndThenGoesByBytes) {
  std::vector<std::string> names = {"b", "aa", "ab", "a", "", "\xff", "aaa", "Z"};
  std::sort(names.begin(), names.end(), RingNameLess);
  EXPECT_EQ(names, (std::vector<std::string>{"", "Z", "a", "b", "\xff", "aa", "ab", "aaa"}));
}

}  // namespace
}  // namespace shardcache
