// Meta commands, as written and as read. The lines are those of memcached 1.6.18, asked by hand,
// and of its doc/protocol.txt.
#include "lib/wire/meta.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace shardcache::internal {
namespace {

constexpr std::string_view kKey = "key";

Request Of(Verb verb, Answer* answer, std::uint32_t serial = 7) {
  return {.verb = verb,
          .keys = {&kKey, 1},
          .value = "12",
          .number = 3,
          .answers = {answer, 1},
          .serial = serial};
}

std::string Written(const Request& request) {
  std::string out(SerializedBound(request), '\0');
  out.resize(static_cast<std::size_t>(WriteMeta(request, out.data()) - out.data()));
  return out;
}

TEST(MetaTest, EachVerbHasItsCommand) {
  const std::vector<std::pair<Verb, std::string>> commands = {
      {Verb::kGet, "mg key v f O7 k\r\n"},
      {Verb::kGets, "mg key v f c O7 k\r\n"},
      {Verb::kGetAndTouch, "mg key v f T0 O7 k\r\n"},
      {Verb::kTouch, "mg key T0 O7 k\r\n"},
      {Verb::kMetaGet, "mg key v f c t O7 k\r\n"},
      {Verb::kMetaLook, "mg key c O7 k\r\n"},
      {Verb::kSet, "ms key 2 O7\r\n12\r\n"},
      {Verb::kAdd, "ms key 2 ME O7\r\n12\r\n"},
      {Verb::kReplace, "ms key 2 MR O7\r\n12\r\n"},
      {Verb::kAppend, "ms key 2 MA O7\r\n12\r\n"},
      {Verb::kPrepend, "ms key 2 MP O7\r\n12\r\n"},
      {Verb::kCas, "ms key 2 C3 O7\r\n12\r\n"},
      {Verb::kDelete, "md key O7\r\n"},
      {Verb::kMetaDelete, "md key C3 O7\r\n"},
      {Verb::kIncrement, "ma key D3 v O7\r\n"},
      {Verb::kDecrement, "ma key MD D3 v O7\r\n"},
  };
  for (const auto& [verb, command] : commands) {
    Answer answer;
    EXPECT_TRUE(CanBeNumbered(verb));
    EXPECT_EQ(Written(Of(verb, &answer)), command);
  }
  Answer answer;
  Request set = Of(Verb::kSet, &answer, 4294967295);
  set.flags = 4294967295;
  set.expire = -1;
  EXPECT_EQ(Written(set), "ms key 2 F4294967295 T-1 O4294967295\r\n12\r\n");
  EXPECT_EQ(Written(Of(Verb::kMetaGet, &answer, 0)), "mg key v f c t k\r\n");
  EXPECT_EQ(Written(Of(Verb::kMetaDelete, &answer, 0)), "md key C3\r\n");
  for (const Verb verb : {Verb::kFlushAll, Verb::kVersion, Verb::kStats, Verb::kMetadump}) {
    EXPECT_FALSE(CanBeNumbered(verb));
  }
}

TEST(MetaTest, OfManyKeysTheFirstLeadsTheOthers) {
  const std::vector<std::string_view> keys = {"a", "b", "c"};
  std::vector<Answer> answers(3);
  const Request request = {.verb = Verb::kGets, .keys = keys, .answers = answers, .serial = 9};
  EXPECT_EQ(Written(request), "mg a v f c O9 k\r\ngets b c\r\n");
}

TEST(MetaTest, AnswersAreRead) {
  const std::vector<std::tuple<Verb, std::string, Status>> lines = {
      {Verb::kGet, "VA 2 f5 O7 kkey", Status::kHit},
      {Verb::kGet, "EN O7 kkey", Status::kMiss},
      {Verb::kGet, "VA 2 f5 O7 kkey W X Z", Status::kHit},  // an item that "md key I" marked
      {Verb::kGet, "VA 2 f5 O7 ka2V5 b", Status::kHit},     // one that was stored with flag b
      {Verb::kGets, "VA 2 f5 c18446744073709551615 O7 kkey", Status::kHit},
      {Verb::kGetAndTouch, "VA 2 f4294967295 O7 kkey", Status::kHit},
      {Verb::kTouch, "HD O7 kkey", Status::kTouched},
      {Verb::kTouch, "EN O7 kkey", Status::kMiss},
      {Verb::kMetaGet, "VA 2 f5 c9 t-1 O7 kkey", Status::kHit},
      {Verb::kMetaGet, "VA 2 f5 c9 t100 O7 kkey", Status::kHit},
      {Verb::kMetaLook, "HD c9 O7 kkey", Status::kHit},
      {Verb::kSet, "HD O7", Status::kStored},
      {Verb::kAdd, "NS O7", Status::kNotStored},
      {Verb::kAppend, "NS O7", Status::kNotStored},
      {Verb::kCas, "EX O7", Status::kExists},
      {Verb::kCas, "NF O7", Status::kMiss},
      {Verb::kDelete, "HD O7", Status::kDeleted},
      {Verb::kDelete, "NF O7", Status::kMiss},
      {Verb::kMetaDelete, "EX O7", Status::kExists},
      {Verb::kIncrement, "VA 2 O7", Status::kNumber},
      {Verb::kDecrement, "NF O7", Status::kMiss},
  };
  for (const auto& [verb, line, status] : lines) {
    Answer answer;
    Request request = Of(verb, &answer);
    const auto read = ReadMeta(line, &request);
    ASSERT_TRUE(read) << line;
    EXPECT_EQ(read->status, status) << line;
    EXPECT_EQ(read->size.has_value(), line.starts_with("VA")) << line;
    // The same with another number is no answer, nor without one, nor with a part missing.
    for (const std::string other :
         {"O8", "O70", "O", "", "O-7", "O7x", "o7", "O18446744073709551623"}) {
      std::string changed = line;
      changed.replace(changed.find("O7"), 2, other);
      EXPECT_FALSE(ReadMeta(changed, &request)) << changed;
    }
    for (std::size_t blank = line.find(' '); blank != std::string::npos;
         blank = line.find(' ', blank + 1)) {
      if (line.find('k') < blank) break;
      const std::string cut =
          line.substr(0, blank) + line.substr(std::min(line.size(), line.find(' ', blank + 1)));
      EXPECT_FALSE(ReadMeta(cut, &request)) << cut;
    }
    request.serial = 8;
    EXPECT_FALSE(ReadMeta(line, &request)) << line;
  }
}

TEST(MetaTest, WhatAnAnswerTellsIsTaken) {
  Answer answer;
  Request request = Of(Verb::kMetaGet, &answer);
  EXPECT_EQ(ReadMeta("VA 1000 f4294967295 c18446744073709551615 t31 O7 kkey", &request)->size,
            1000u);
  EXPECT_EQ(answer.flags, 4294967295u);
  EXPECT_EQ(answer.number, 18446744073709551615u);
  EXPECT_EQ(answer.remaining, 31);
  Answer for_ever;
  request.answers = {&for_ever, 1};
  ASSERT_TRUE(ReadMeta("VA 1 f0 c1 t-1 O7 kkey", &request));
  EXPECT_FALSE(for_ever.remaining);
}

TEST(MetaTest, BeforeNumbersAMissHadNoName) {
  Answer answer;
  Request request = Of(Verb::kMetaGet, &answer, 0);
  EXPECT_EQ(ReadMeta("EN", &request)->status, Status::kMiss);
  EXPECT_EQ(ReadMeta("EN kkey", &request)->status, Status::kMiss);
  EXPECT_FALSE(ReadMeta("EN kother", &request));
  EXPECT_FALSE(ReadMeta("EN O7 kkey", &request));
  EXPECT_FALSE(ReadMeta("VA 2 f5 c9 t-1", &request));
}

TEST(MetaTest, WhatIsNoAnswerIsRefused) {
  for (const Verb verb :
       {Verb::kGet, Verb::kSet, Verb::kCas, Verb::kDelete, Verb::kIncrement, Verb::kTouch}) {
    for (const std::string_view line :
         {"", "V", "VALUE key 0 1", "STORED", "END", "HDX O7", "VA x O7", "VA -1 f0 O7 kkey",
          "VA 1 f-1 O7 kkey", "VA 1 f4294967296 O7 kkey", "VA 1 f0 O7 kother", "VA 1 f0 O7 kke",
          "VA 1 f0 O7 kkeyx", "VA 1 f0 c O7 kkey", "MN", "OK O7", "ME O7", "va 1 f0 O7 kkey"}) {
      Answer answer;
      Request request = Of(verb, &answer);
      EXPECT_FALSE(ReadMeta(line, &request)) << line;
    }
  }
  const auto refused = [](Verb verb, std::string_view line) {
    Answer answer;
    Request request = Of(verb, &answer);
    EXPECT_FALSE(ReadMeta(line, &request)) << line;
  };
  refused(Verb::kSet, "VA 1 O7");
  refused(Verb::kSet, "EN O7");
  refused(Verb::kSet, "EX O7");
  refused(Verb::kGet, "HD O7 kkey");
  refused(Verb::kGet, "NF O7");
  refused(Verb::kDelete, "NS O7");
  refused(Verb::kDelete, "EX O7");
  refused(Verb::kIncrement, "HD O7");
  refused(Verb::kTouch, "VA 1 f0 O7 kkey");
}

TEST(MetaTest, TheSignOfNumbers) {
  for (const std::string_view answer :
       {"VERSION 1.6.18\r\nNF O0\r\n", "VERSION 1.6.43\r\nEX O0\r\n", "VERSION 1.10.0\r\nNF O0\r\n",
        "VERSION 2.0.0-rc1\r\nHD O0\r\n", "VERSION 1.6.18_3-1\r\nNF O0\r\n"}) {
    EXPECT_EQ(ReadSign(answer), Sign::kNumbers) << answer;
  }
  for (const std::string_view answer :
       {"VERSION 1.6.17\r\nNF O0\r\n", "VERSION 1.5.22\r\nERROR\r\n", "VERSION 1.6.9\r\nNF\r\n",
        "VERSION x\r\nNF O0\r\n", "VERSION 1.6\r\nNF O0\r\n", "ERROR\r\nERROR\r\n",
        "CLIENT_ERROR unauthenticated\r\nCLIENT_ERROR unauthenticated\r\n",
        "VERSION 1.6.18\r\nSERVER_ERROR out of memory\r\n"}) {
    EXPECT_EQ(ReadSign(answer), Sign::kNoNumbers) << answer;
  }
  for (const std::string_view answer :
       {"", "VERSION 1.6.18", "VERSION 1.6.18\r", "VERSION 1.6.18\r\n", "VERSION 1.6.18\r\nNF O0",
        "ERROR\r\n"}) {
    EXPECT_EQ(ReadSign(answer), Sign::kMore) << answer;
  }
  for (const std::string_view answer :
       {"\r\n", "END\r\n", "NF O0\r\n", "VERSION 1.6.18\r\nNF O1\r\n", "VERSION 1.6.18\r\nMN\r\n",
        "VERSION 1.6.18\r\nNF O0\r\n\r\n"}) {
    EXPECT_EQ(ReadSign(answer), Sign::kNonsense) << answer;
  }
}

// Whatever the byte, and wherever in a key of any length.
TEST(KeyTest, NoBlankAndNoControlCharacterHasAPlaceInAKey) {
  for (std::size_t length = 1; length <= 250; ++length) {
    std::string key(length, 'k');
    ASSERT_TRUE(IsValidKey(key)) << length;
    for (std::size_t at = 0; at < length; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        key[at] = static_cast<char>(byte);
        ASSERT_EQ(IsValidKey(key), byte > 0x20 && byte != 0x7f)
            << length << " " << at << " " << byte;
      }
      key[at] = 'k';
    }
  }
  EXPECT_FALSE(IsValidKey(""));
  EXPECT_FALSE(IsValidKey(std::string(251, 'k')));
}

}  // namespace
}  // namespace shardcache::internal
