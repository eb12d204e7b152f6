#include "tests/interop/driver.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace shardcache::testing {
namespace {

// A directory that goes with the object.
class ScratchDir {
 public:
  ScratchDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "shardcache-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = pattern;
  }
  ~ScratchDir() { std::filesystem::remove_all(path_); }
  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;
  std::string File(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

// "host:port", or the path of a socket.
std::string WithoutSocketPort(std::string address) {
  if (address.starts_with("unix://")) address.erase(0, 7);
  if (address.starts_with('/')) address.erase(address.rfind(':'));
  return address;
}

}  // namespace

std::string ToHex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    hex += kDigits[static_cast<unsigned char>(c) >> 4];
    hex += kDigits[c & 0xf];
  }
  return hex;
}

nlohmann::json ToJson(const Question& question) {
  nlohmann::json json;
  json["client"] = question.setup.client;
  json["options"] = nlohmann::json::array();
  for (const ClientOption& option : question.setup.options) {
    json["options"].push_back({option.name, option.value});
  }
  json["servers"] = nlohmann::json::array();
  for (const Server& server : question.setup.servers) {
    json["servers"].push_back({server.host, server.port, server.weight});
  }
  json["keys"] = nlohmann::json::array();
  for (const std::string& key : question.keys) json["keys"].push_back(ToHex(key));
  return json;
}

std::vector<nlohmann::json> AskDriver(const std::string& command,
                                      std::span<const nlohmann::json> questions) {
  const ScratchDir dir;
  {
    std::ofstream in(dir.File("in"));
    for (const nlohmann::json& question : questions) in << question.dump() << '\n';
  }
  const std::string line = "cd '" SHARDCACHE_DRIVERS "' && " + command + " <" + dir.File("in") +
                           " >" + dir.File("out") + " 2>" + dir.File("err");
  const int status = std::system(line.c_str());
  std::vector<nlohmann::json> answers;
  std::ifstream out(dir.File("out"));
  for (std::string text; std::getline(out, text);) answers.push_back(nlohmann::json::parse(text));
  if (status != 0 || answers.size() != questions.size()) {
    std::ifstream err(dir.File("err"));
    const std::string text{std::istreambuf_iterator<char>(err), {}};
    throw std::runtime_error(command + ": status " + std::to_string(status) + ", " +
                             std::to_string(answers.size()) + " answers to " +
                             std::to_string(questions.size()) + " questions; " + text);
  }
  return answers;
}

std::string Describe(const ClientSetup& setup) {
  std::string text = setup.client + ":";
  for (const ClientOption& option : setup.options) {
    text += " --set " + option.name + "=" + option.value;
  }
  text += "; servers";
  for (const Server& server : setup.servers) {
    text += " " + server.address() + ":" + std::to_string(server.weight);
  }
  return text;
}

void ExpectSamePlaces(const Question& question, const nlohmann::json& answer) {
  const Result<ClientModel> model = ModelClient(question.setup);
  ASSERT_TRUE(model.ok()) << model.error().message << '\n' << Describe(question.setup);
  ASSERT_TRUE(answer.is_array()) << answer << '\n' << Describe(question.setup);
  ASSERT_EQ(answer.size(), question.keys.size());
  const Placement& placement = model->placement;
  int mismatches = 0;
  for (std::size_t i = 0; i < question.keys.size(); ++i) {
    const Server& server = placement.server(placement.Locate(question.keys[i]));
    const std::string expected =
        server.is_unix() ? server.host : server.host + ":" + std::to_string(server.port);
    if (WithoutSocketPort(answer[i].get<std::string>()) != expected && mismatches++ == 0) {
      ADD_FAILURE() << "key " << ToHex(question.keys[i]) << ": " << answer[i] << ", but the model "
                    << expected << '\n'
                    << Describe(question.setup);
    }
  }
  EXPECT_EQ(mismatches, 0) << "of " << question.keys.size() << " keys; " << placement.scheme();
}

}  // namespace shardcache::testing
