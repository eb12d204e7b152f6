#include "tests/interop/driver.h"

#include <gtest/gtest.h>

#include <sstream>
#include <stdexcept>

#include "tests/harness/process.h"

namespace shardcache::testing {
namespace {

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

std::string DriverPath(const std::string& driver) { return SHARDCACHE_DRIVERS "/" + driver; }

std::vector<nlohmann::json> AskDriver(const std::string& program, const std::string& driver,
                                      std::span<const nlohmann::json> questions) {
  return AskDriver({program, DriverPath(driver)}, questions);
}

std::vector<nlohmann::json> AskDriver(const std::vector<std::string>& command,
                                      std::span<const nlohmann::json> questions) {
  std::string in;
  for (const nlohmann::json& question : questions) in += question.dump() + '\n';
  const RunResult run = RunToEnd(command, in);
  std::vector<nlohmann::json> answers;
  std::istringstream out(run.out);
  for (std::string line; std::getline(out, line);) answers.push_back(nlohmann::json::parse(line));
  if (run.exit_code != 0 || answers.size() != questions.size()) {
    throw std::runtime_error(command.back() + ": exit code " + std::to_string(run.exit_code) +
                             ", " + std::to_string(answers.size()) + " answers to " +
                             std::to_string(questions.size()) + " questions; " + run.err);
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
