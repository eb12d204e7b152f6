// Real clients, asked through small programs in their own language (drivers/).
#ifndef SHARDCACHE_TESTS_INTEROP_DRIVER_H_
#define SHARDCACHE_TESTS_INTEROP_DRIVER_H_

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "shardcache/interop.h"

namespace shardcache::testing {

// A setup, and the keys to be placed by it.
struct Question {
  ClientSetup setup;
  std::vector<std::string> keys;
};

// The JSON text that drivers read.
nlohmann::json ToJson(const Question& question);
std::string ToHex(std::string_view bytes);

// The path of a script of drivers/.
std::string DriverPath(const std::string& driver);

// Runs `command` with the questions on its standard input, a line each, and returns the lines of
// its answer as JSON. Throws std::runtime_error if it fails or answers fewer.
std::vector<nlohmann::json> AskDriver(const std::vector<std::string>& command,
                                      std::span<const nlohmann::json> questions);
// The same of `program` with a script of drivers/.
std::vector<nlohmann::json> AskDriver(const std::string& program, const std::string& driver,
                                      std::span<const nlohmann::json> questions);

// A text of the setup for failure messages.
std::string Describe(const ClientSetup& setup);

// Expects the model of `question.setup` to place each key where `answer` (an array of addresses)
// says; a socket is known by its path, whatever port is said.
void ExpectSamePlaces(const Question& question, const nlohmann::json& answer);

}  // namespace shardcache::testing

#endif  // SHARDCACHE_TESTS_INTEROP_DRIVER_H_
