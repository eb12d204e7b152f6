// Programs and temporary directories that do not outlive the test.
#ifndef SHARDCACHE_TESTS_HARNESS_PROCESS_H_
#define SHARDCACHE_TESTS_HARNESS_PROCESS_H_

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/harness/network.h"  // FreePort and WaitForPort come with processes

namespace shardcache::testing {

// A directory under $TMPDIR (or /tmp), empty at first, removed with all that is in it. Its path is
// short enough for unix sockets.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }
  // PATH/name as text, the form that Address and argv want.
  std::string File(std::string_view name) const { return (path_ / name).string(); }
  // Writes `text` to PATH/name, whose path it returns.
  std::string Write(std::string_view name, std::string_view text) const;

 private:
  std::filesystem::path path_;
};

// The whole of a file; throws std::runtime_error naming it.
std::string ReadFile(const std::filesystem::path& path);

// A running program, stopped by the destructor. It is also killed (by the kernel) when the thread
// that started it ends in any other way, so start it from a thread that outlives it. It inherits
// the environment but no file descriptor, blocked signal or ignored SIGPIPE of the test. For one
// thread at a time.
class Process {
 public:
  // Starts argv[0], looked for in PATH and then in the sbin directories. Standard input is empty;
  // standard output and error are appended to the file `log`, or dropped where it is empty. Throws
  // std::runtime_error if the program cannot be started.
  explicit Process(const std::vector<std::string>& argv, const std::filesystem::path& log = {});
  // The same on three open descriptors, which the caller keeps.
  Process(const std::vector<std::string>& argv, int in, int out, int err);
  ~Process();
  Process(Process&&) noexcept = default;
  Process& operator=(Process&&) = delete;

  pid_t pid() const { return pid_; }
  // False once the program has ended; a stopped one runs.
  bool Running();
  // The exit code (128 + number where a signal ended it), or nothing while it runs.
  std::optional<int> exit_code();

  // Waits for the end at most `timeout`; returns exit_code().
  std::optional<int> Wait(Milliseconds timeout);
  // Ends it by SIGTERM, then SIGKILL if it is still there after `grace`. Returns the exit code;
  // does nothing more for a program that has ended.
  int Terminate(Milliseconds grace = Milliseconds(2000));
  // Ends it by SIGKILL.
  int Kill() { return Terminate(Milliseconds(0)); }

  // SIGSTOP and SIGCONT. When Stop() returns, every thread of the program stands still; the kernel
  // goes on accepting connections and bytes in its name.
  void Stop();
  void Continue();

 private:
  void Reap(bool block);

  pid_t pid_ = -1;
  Fd pidfd_;  // empty once the program has been reaped
  int exit_code_ = 0;
};

// How a program ended, and what it wrote.
struct RunResult {
  int exit_code = 0;  // 128 + number where a signal ended it
  std::string out;
  std::string err;
};

// Runs a program to its end with `stdin_bytes` as its standard input. The three streams are
// in-memory files, so that any amount of bytes passes without a deadlock. Throws
// std::runtime_error, having killed the program, if it does not end within `timeout`.
RunResult RunToEnd(const std::vector<std::string>& argv, std::string_view stdin_bytes = {},
                   Milliseconds timeout = Milliseconds(120000));

}  // namespace shardcache::testing

#endif  // SHARDCACHE_TESTS_HARNESS_PROCESS_H_
