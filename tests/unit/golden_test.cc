// Every placement that was recorded of the real nutcracker: see tests/golden/README.md.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "shardcache/placement.h"
#include "shardcache/pool_config.h"

namespace shardcache {
namespace {

const std::filesystem::path kDirectory = SHARDCACHE_GOLDEN_DIR;

std::vector<std::string> Lines(const std::filesystem::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> Keys() {
  std::vector<std::string> keys;
  for (const std::string& hex : Lines(kDirectory / "keys.hex")) {
    std::string key;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
      key += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    }
    keys.push_back(key);
  }
  return keys;
}

std::vector<std::string> Pools() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kDirectory)) {
    if (entry.path().extension() == ".yml") names.push_back(entry.path().stem());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class Golden : public ::testing::TestWithParam<std::string> {};

TEST_P(Golden, EveryKeyIsWhereNutcrackerSentIt) {
  const Result<std::vector<PoolConfig>> pools = LoadPools(kDirectory / (GetParam() + ".yml"));
  ASSERT_TRUE(pools.ok()) << pools.error().message;
  ASSERT_EQ(pools->size(), 1U);
  const Result<Placement> placement = Placement::Create(pools->front());
  ASSERT_TRUE(placement.ok()) << placement.error().message;

  const std::vector<std::string> keys = Keys();
  const std::vector<std::string> owners = Lines(kDirectory / (GetParam() + ".owners"));
  ASSERT_EQ(keys.size(), 1000U);
  ASSERT_EQ(owners.size(), 1000U);
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  std::vector<ServerIndex> together(keys.size());
  placement->Locate(views, together);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ(placement->server(placement->Locate(keys[i])).name, owners[i]) << "key " << i;
    EXPECT_EQ(placement->server(together[i]).name, owners[i]) << "key " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Nutcracker, Golden, ::testing::ValuesIn(Pools()),
                         [](const auto& pool) { return pool.param; });

TEST(GoldenFiles, AreAllThere) { EXPECT_EQ(Pools().size(), 43U); }

}  // namespace
}  // namespace shardcache
