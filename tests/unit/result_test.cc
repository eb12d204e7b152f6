#include "shardcache/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

namespace shardcache {
namespace {

TEST(Result, HoldsAValueOrAnError) {
  const Result<std::string> value = std::string("yes");
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(*value, "yes");
  EXPECT_EQ(value->size(), 3U);

  const Result<std::string> error = Error{ErrorCode::kIo, "no", "server1", "key1"};
  ASSERT_FALSE(error.ok());
  EXPECT_EQ(error.error().code, ErrorCode::kIo);
  EXPECT_EQ(error.error().message, "no");
  EXPECT_EQ(error.error().server, "server1");
  EXPECT_EQ(error.error().key, "key1");
}

TEST(Result, MovesAValueThatCannotBeCopied) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  const std::unique_ptr<int> taken = *std::move(result);
  EXPECT_EQ(*taken, 7);
}

TEST(Result, WithoutAValueIsSuccessOrAnError) {
  EXPECT_TRUE(Result<void>().ok());
  const Result<void> error = Error{ErrorCode::kNotFound, "no such pool"};
  ASSERT_FALSE(error.ok());
  EXPECT_EQ(error.error().message, "no such pool");
}

TEST(ResultDeathTest, EndsTheProcessWhereTheValueOfAnErrorIsRead) {
  const Result<int> error = Error{ErrorCode::kIo, "the disk is on fire"};
  EXPECT_DEATH((void)*error, "the disk is on fire");
}

TEST(ErrorCodeName, IsOneWordForEachCode) {
  EXPECT_EQ(ErrorCodeName(ErrorCode::kInvalidArgument), "invalid_argument");
  EXPECT_EQ(ErrorCodeName(ErrorCode::kInvalidConfig), "invalid_config");
  EXPECT_EQ(ErrorCodeName(ErrorCode::kNotFound), "not_found");
  EXPECT_EQ(ErrorCodeName(ErrorCode::kIo), "io");
  EXPECT_EQ(ErrorCodeName(ErrorCode::kNoLiveServer), "no_live_server");
}

}  // namespace
}  // namespace shardcache
