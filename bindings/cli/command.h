// What every command of the program has in common.
#ifndef SHARDCACHE_BINDINGS_CLI_COMMAND_H_
#define SHARDCACHE_BINDINGS_CLI_COMMAND_H_

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "shardcache/result.h"

namespace CLI {
class App;
class Validator;
}  // namespace CLI

namespace shardcache::cli {

// Exit codes that scripts rely on.
enum ExitCode : int {
  kYes = 0,      // done; valid; agrees
  kNo = 1,       // invalid; differs; some keys failed
  kTrouble = 2,  // wrong usage, or something could not be read or written
};

// Ends the program with one line on stderr.
class Failure : public std::runtime_error {
 public:
  Failure(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  // What the library reports: a configuration that is not valid is a "no".
  explicit Failure(const Error& error)
      : Failure(error.code == ErrorCode::kIo || error.code == ErrorCode::kNotFound ? kTrouble : kNo,
                error.message) {}

  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

// Does `work` for a command whose kNo means that some of its work failed: what keeps it from
// beginning, such as a configuration that is not valid, is kTrouble there.
template <typename Work>
ExitCode RunOrTrouble(Work work) {
  try {
    return work();
  } catch (const Failure& failure) {
    throw Failure(kTrouble, failure.what());
  }
}

// Checks of options. A text must not be empty, as "$UNSET" in a script is; a number must be one of
// `least` to `most`.
CLI::Validator NotEmpty();
CLI::Validator NumberFrom(double least, double most);
// For Option::transform(): one of `names`, of an enumeration in its order.
CLI::Validator OneOf(const std::vector<std::string>& names);

// Each adds its command to `app`; `run` is set to what is to be done if the command is given.
using Run = std::function<ExitCode()>;
void AddAgree(CLI::App& app, Run& run);
void AddBench(CLI::App& app, Run& run);
void AddCheck(CLI::App& app, Run& run);
void AddClean(CLI::App& app, Run& run);
void AddDiff(CLI::App& app, Run& run);
void AddEject(CLI::App& app, Run& run);
void AddLocate(CLI::App& app, Run& run);
void AddRing(CLI::App& app, Run& run);
void AddWarm(CLI::App& app, Run& run);
void AddWatch(CLI::App& app, Run& run);

}  // namespace shardcache::cli

#endif  // SHARDCACHE_BINDINGS_CLI_COMMAND_H_
