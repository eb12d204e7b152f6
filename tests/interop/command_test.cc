// `shardcache agree` and `shardcache diff`: what scripts rely on.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/harness/process.h"

namespace shardcache::testing {
namespace {

constexpr char kPool[] =
    "alpha:\n  listen: 127.0.0.1:22121\n  hash: fnv1a_64\n  distribution: ketama\n  servers:\n"
    "   - 10.0.0.3:11211:1\n   - 10.0.0.1:11211:1\n   - 10.0.0.2:11212:1\n";

class CommandTest : public ::testing::Test {
 protected:
  RunResult Run(std::vector<std::string> arguments, std::string_view in = {}) {
    arguments.insert(arguments.begin(), SHARDCACHE_COMMAND);
    return RunToEnd(arguments, in);
  }
  RunResult Agree(std::vector<std::string> arguments, std::string_view in = {}) {
    const std::vector<std::string> start = {"agree", "-c", dir_.Write("pool.yml", kPool)};
    arguments.insert(arguments.begin(), start.begin(), start.end());
    return Run(std::move(arguments), in);
  }

  TempDir dir_;
};

TEST_F(CommandTest, AgreeIsZeroWhereEveryKeyAgrees) {
  const RunResult run =
      Agree({"--client", "php-memcached", "--set", "Memcached::OPT_LIBKETAMA_COMPATIBLE=true",
             "--set", "OPT_HASH=Memcached::HASH_FNV1A_64"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out, "100000\t0\t0.000000\t0.000000\t0.000038\t0.000000\n");
}

TEST_F(CommandTest, AgreeKeepsTheOrderOfSettings) {
  const RunResult run = Agree({"--client", "php-memcached", "--set", "OPT_HASH=HASH_FNV1A_64",
                               "--set", "OPT_LIBKETAMA_COMPATIBLE=true"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_NE(run.err.find("the OPT_HASH before it has no effect"), std::string::npos) << run.err;
  EXPECT_NE(run.err.find("the client hashes keys by md5, the proxy by fnv1a_64"),
            std::string::npos);
  EXPECT_NE(run.err.find("setOption(Memcached::OPT_HASH, Memcached::HASH_FNV1A_64)"),
            std::string::npos);
}

TEST_F(CommandTest, AgreeShowsEachKeyInInputOrder) {
  const RunResult run =
      Agree({"--client", "pecl-memcache", "--per-key", "--keys", "-"}, "a\nb\n\xff\\\n");
  EXPECT_EQ(run.exit_code, 1) << run.err;
  std::vector<std::string> keys;
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = run.out.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    const std::string line = run.out.substr(begin, end - begin);
    keys.push_back(line.substr(0, line.find('\t')));
    EXPECT_EQ(std::count(line.begin(), line.end(), '\t'), 3) << line;
    EXPECT_TRUE(line.ends_with("\tagree") || line.ends_with("\tdiffer")) << line;
  }
  EXPECT_EQ(keys, (std::vector<std::string>{"a", "b", "\\xff\\\\"}));
}

TEST_F(CommandTest, AgreeReadsPhp) {
  const std::string php = dir_.Write(
      "set.php",
      "<?php // new Memcache() is not this\n"
      "$this->cache = new \\Memcached('pool'); # nor setOption(1, 2)\n"
      "$this->cache->setOptions([Memcached::OPT_LIBKETAMA_COMPATIBLE => true,\n"
      "    \\Memcached::OPT_HASH => Memcached::HASH_FNV1A_64,]);\n"
      "$this->cache->setOption(Memcached::OPT_PREFIX_KEY, $prefix);\n"
      "$this->cache->addServers(array(array('10.0.0.1', 11211), [\"10.0.0.2\", 11212, 1],\n"
      "    ['10.0.0.3', 11211, 1 /* weight */]));\n");
  const RunResult run = Agree({"--php", php});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_NE(run.err.find("NOT READ: line 5: setOption"), std::string::npos) << run.err;
  EXPECT_NE(run.err.find("php-memcached, servers 3"), std::string::npos) << run.err;
}

TEST_F(CommandTest, AgreeTakesServersFromAFile) {
  const std::string servers =
      dir_.Write("servers", "# of the client\n10.0.0.1:11211\n10.0.0.2:11212:1\n10.0.0.9:11211\n");
  const RunResult run = Agree({"--client", "php-memcached", "--set", "OPT_LIBKETAMA_COMPATIBLE=1",
                               "--set", "OPT_HASH=HASH_FNV1A_64", "--servers", servers});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_NE(run.err.find("the pool does not have 10.0.0.9:11211"), std::string::npos) << run.err;
}

TEST_F(CommandTest, AgreeIsTwoForWrongUsage) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"--client", "nobody"},
           {},
           {"--client", "php-memcached", "--set", "OPT_NONE=1"},
           {"--client", "php-memcached", "--set", "OPT_HASH"},
           {"--client", "php-memcached", "--set", "OPT_HASH=best"},
           {"--client", "php-memcached", "--keys", "/nonexistent"},
           {"--php", "/nonexistent"}}) {
    const RunResult run = Agree(arguments);
    EXPECT_EQ(run.exit_code, 2) << run.err;
    EXPECT_EQ(run.out, "");
  }
}

TEST_F(CommandTest, AgreeSaysWhereNothingHelps) {
  const RunResult run = Agree({"--client", "dalli"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_NE(run.err.find("No setting of dalli or of the proxy makes the two agree"),
            std::string::npos)
      << run.err;
}

TEST_F(CommandTest, AgreeMarksModelsThatWereNotRun) {
  EXPECT_NE(Agree({"--client", "gomemcache"}).err.find("UNVERIFIED"), std::string::npos);
  EXPECT_EQ(Agree({"--client", "php-memcached"}).err.find("UNVERIFIED"), std::string::npos);
}

TEST_F(CommandTest, DiffOfAnUnchangedPoolMovesNothing) {
  const std::string pool = dir_.Write("pool.yml", kPool);
  const RunResult run = Run({"diff", "-c", pool, "--to", pool});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_TRUE(
      run.err.starts_with("0.000 % of the keys move; 0.000 % would have to, were shares as "
                          "the weights (exact, over all hashes)\nbalance"))
      << run.err;
  EXPECT_EQ(run.err.find("would move"), std::string::npos) << run.err;
}

TEST_F(CommandTest, DiffCallsARenameNeedless) {
  const std::string before = dir_.Write("pool.yml", kPool);
  std::string text = kPool;
  text.replace(text.find("10.0.0.1:11211:1"), 16, "10.0.0.1:11211:1 cache1");
  const RunResult run = Run({"diff", "-c", before, "--to", dir_.Write("new.yml", text)});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_NE(run.err.find("; 0.000 % would have to, were"), std::string::npos) << run.err;
  EXPECT_NE(run.err.find("between servers that stay, needlessly\n"), std::string::npos) << run.err;
  EXPECT_NE(run.err.find("renamed: 10.0.0.1:11211 was 10.0.0.1 and is cache1"), std::string::npos)
      << run.err;
  EXPECT_NE(run.err.find("0.000 % would move instead: keep the ring names"), std::string::npos)
      << run.err;
}

TEST_F(CommandTest, DiffSaysWhyKeysMove) {
  const std::string before = dir_.Write("pool.yml", kPool);
  std::string text = kPool;
  text += "   - 10.0.0.4:11211:1\n";
  const RunResult more = Run({"diff", "-c", before, "--to", dir_.Write("more.yml", text)});
  EXPECT_NE(more.err.find("from servers that stay to servers that come\n"), std::string::npos)
      << more.err;
  EXPECT_EQ(more.err.find("from servers that go"), std::string::npos) << more.err;
  EXPECT_NE(more.err.find("neither the old hash nor the old names would move less"),
            std::string::npos)
      << more.err;
  const RunResult less = Run({"diff", "-c", dir_.File("more.yml"), "--to", before});
  EXPECT_NE(less.err.find("from servers that go\n"), std::string::npos) << less.err;
  EXPECT_EQ(less.err.find("servers that come"), std::string::npos) << less.err;
  text.replace(text.find("10.0.0.4:11211:1"), 16, "10.0.0.4:11211:9");
  const RunResult heavier =
      Run({"diff", "-c", dir_.File("more.yml"), "--to", dir_.Write("heavier.yml", text)});
  EXPECT_NE(heavier.err.find("to those whose weight grew\n"), std::string::npos) << heavier.err;
}

TEST_F(CommandTest, DiffFindsThatAReplacedServerMayKeepItsName) {
  const std::string before = dir_.Write("pool.yml", kPool);
  std::string text = kPool;
  text.replace(text.find("10.0.0.3"), 8, "10.0.9.9");
  const RunResult run = Run({"diff", "-c", before, "--to", dir_.Write("new.yml", text), "--svg",
                             dir_.File("shares.svg")});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_NE(run.err.find("would move instead: keep ring names"), std::string::npos) << run.err;
  EXPECT_NE(run.err.find("10.0.9.9:11211:1 10.0.0.3"), std::string::npos) << run.err;
  EXPECT_TRUE(ReadFile(dir_.File("shares.svg")).ends_with("</svg>\n"));
}

}  // namespace
}  // namespace shardcache::testing
