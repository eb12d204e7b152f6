// Configurations made up at random: accepted and refused as `nutcracker -t` does.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "shardcache/pool_config.h"
#include "tests/harness/nutcracker.h"
#include "tests/harness/random.h"
#include "tests/parity/config_exceptions.h"
#include "tests/parity/config_generator.h"

namespace shardcache {
namespace {

using testing::Nutcracker;
using testing::Random;
using testing::TempDir;

// What one of the two says of a file.
struct Verdict {
  bool valid = false;
  std::string words;
};

Verdict Ours(const std::string& text) {
  const Result<std::vector<PoolConfig>> pools = ParsePools(text, "nutcracker.yml");
  if (!pools.ok()) return {false, pools.error().message};
  for (const PoolConfig& pool : *pools) {
    const Result<void> listen = CheckListen(pool);
    if (!listen.ok()) return {false, listen.error().message};
  }
  return {true, "valid"};
}

class ConfigDifferential : public ::testing::Test {
 protected:
  // Names that are no host are soon given up.
  static void SetUpTestSuite() { setenv("RES_OPTIONS", "timeout:1 attempts:1", 1); }

  Verdict Theirs(const std::string& text) const {
    const testing::RunResult result = Nutcracker::TestConfig(directory_.Write("n.yml", text));
    // A crash is no verdict: it shows as a difference whatever we say.
    if (result.exit_code > 1) return {!Ours(text).valid, "ended by a signal\n" + result.err};
    return {result.exit_code == 0, result.err};
  }

  // Whether both say the same of `text`, or differ by one of the documented exceptions alone.
  void Compare(const std::string& text) {
    const Verdict ours = Ours(text);
    const Verdict theirs = Theirs(text);
    ++counts_[theirs.valid ? "accepted by nutcracker" : "refused by nutcracker"];
    if (ours.valid == theirs.valid) return;
    std::string plain = text;
    const auto apply = [&](const char* exception, std::string (*remove)(const std::string&)) {
      const std::string without = remove(plain);
      if (without != plain) ++counts_[exception];
      plain = without;
    };
    if (ours.valid) {
      apply("exception: reuseport", testing::WithoutReuseport);
    } else {
      apply("exception: a number that wraps", testing::WithWrappedNumbers);
      apply("exception: a NUL byte", testing::WithoutNulBytes);
    }
    if (plain != text && Ours(plain).valid && Theirs(plain).valid) return;
    ++failures_;
    ADD_FAILURE() << "SHARDCACHE_SEED=" << testing::Seed() << "\nshardcache: " << ours.words
                  << "\nnutcracker: " << theirs.words << "--- the file:\n"
                  << text << "---";
  }

  void Report() const {
    for (const auto& [what, count] : counts_) std::printf("%6d %s\n", count, what.c_str());
  }

  TempDir directory_;
  std::map<std::string, int> counts_;
  int failures_ = 0;
};

TEST_F(ConfigDifferential, AgreesWithNutcrackerOnGeneratedAndMutatedFiles) {
  constexpr int kFiles = 5000;
  constexpr int kMostFailures = 5;
  constexpr std::array kSpices = {0.0, 0.02, 0.05, 0.1, 0.3};
  Random random;
  for (int i = 0; i < kFiles && failures_ < kMostFailures; ++i) {
    std::string text = i % 2 == 0 ? testing::RandomConfigWithOneOddity(random)
                                  : testing::RandomConfig(random, random.Pick(kSpices));
    if (i % 4 == 3) text = testing::Mutated(random, std::move(text));
    Compare(text);
  }
  Report();
  EXPECT_GT(counts_["accepted by nutcracker"], kFiles / 5);
  EXPECT_GT(counts_["refused by nutcracker"], kFiles / 5);
  // That they are told from other differences is worth nothing where they do not come up.
  EXPECT_GT(counts_["exception: reuseport"], 0);
  EXPECT_GT(counts_["exception: a number that wraps"], 0);
  EXPECT_GT(counts_["exception: a NUL byte"], 0);
}

}  // namespace
}  // namespace shardcache
