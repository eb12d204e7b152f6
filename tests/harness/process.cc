#include "tests/harness/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>

namespace shardcache::testing {
namespace {

[[noreturn]] void ThrowErrno(int error, const std::string& what) {
  throw std::system_error(error, std::generic_category(), what);
}

std::string FindProgram(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* path = std::getenv("PATH");
  // Servers are often installed in directories that only root has in PATH.
  std::istringstream directories(std::string(path ? path : "/usr/bin") +
                                 ":/usr/local/sbin:/usr/sbin:/sbin");
  for (std::string directory; std::getline(directories, directory, ':');) {
    std::string candidate = directory + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  throw std::runtime_error("program not found: " + name);
}

// The child between fork and exec. The test may have other threads, so only async-signal-safe
// calls are made here.
[[noreturn]] void ExecInChild(const char* path, char* const* argv, int in, int out, int err,
                              int error_pipe, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // the test died before it could be watched
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::dup2(in, 0);
  ::dup2(out, 1);
  ::dup2(err, 2);
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  ::execv(path, argv);
  const int error = errno;
  [[maybe_unused]] const ssize_t written = ::write(error_pipe, &error, sizeof error);
  ::_exit(127);
}

pid_t Spawn(const std::vector<std::string>& argv, int in, int out, int err) {
  if (argv.empty()) throw std::invalid_argument("no program to run");
  const std::string path = FindProgram(argv[0]);
  std::vector<char*> raw;
  for (const std::string& argument : argv) raw.push_back(const_cast<char*>(argument.c_str()));
  raw.push_back(nullptr);

  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) ThrowErrno(errno, "pipe");
  const Fd read_end(ends[0]);
  Fd write_end(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) ThrowErrno(errno, "fork for " + path);
  if (pid == 0) ExecInChild(path.c_str(), raw.data(), in, out, err, write_end.get(), parent);

  // The pipe's only writer left is the child, which closes it by a successful exec.
  write_end.Reset();
  int error = 0;
  ssize_t size = 0;
  while ((size = ::read(read_end.get(), &error, sizeof error)) < 0 && errno == EINTR) {
  }
  if (size == sizeof error) {
    ::waitpid(pid, nullptr, 0);
    ThrowErrno(error, "cannot run " + path);
  }
  return pid;
}

Fd OpenOrThrow(const std::string& path, int flags) {
  Fd fd(::open(path.c_str(), flags | O_CLOEXEC, 0644));
  if (!fd) ThrowErrno(errno, "open " + path);
  return fd;
}

Fd MemoryFile(const char* name) {
  Fd fd(::memfd_create(name, MFD_CLOEXEC));
  if (!fd) ThrowErrno(errno, "memfd_create");
  return fd;
}

void WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) ThrowErrno(errno, "write");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string ReadFromStart(int fd) {
  struct stat info = {};
  if (::fstat(fd, &info) != 0) ThrowErrno(errno, "fstat");
  std::string bytes(static_cast<std::size_t>(info.st_size), '\0');
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t size =
        ::pread(fd, bytes.data() + filled, bytes.size() - filled, static_cast<off_t>(filled));
    if (size <= 0) ThrowErrno(errno, "pread");
    filled += static_cast<std::size_t>(size);
  }
  return bytes;
}

}  // namespace

TempDir::TempDir() {
  const char* base = std::getenv("TMPDIR");
  std::string name = std::string(base && *base ? base : "/tmp") + "/shardcache-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) ThrowErrno(errno, "mkdtemp " + name);
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TempDir::Write(std::string_view name, std::string_view text) const {
  std::string path = File(name);
  WriteAll(OpenOrThrow(path, O_WRONLY | O_CREAT | O_TRUNC).get(), text);
  return path;
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Process::Process(const std::vector<std::string>& argv, int in, int out, int err)
    : pid_(Spawn(argv, in, out, err)),
      pidfd_(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0))) {
  if (!pidfd_) {
    const int error = errno;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    ThrowErrno(error, "pidfd_open");
  }
}

Process::Process(const std::vector<std::string>& argv, const std::filesystem::path& log)
    : Process(argv, OpenOrThrow("/dev/null", O_RDONLY).get(),
              OpenOrThrow(log.empty() ? "/dev/null" : log.string(), O_WRONLY | O_CREAT | O_APPEND)
                  .get(),
              OpenOrThrow(log.empty() ? "/dev/null" : log.string(), O_WRONLY | O_CREAT | O_APPEND)
                  .get()) {}

Process::~Process() {
  if (pidfd_) Terminate();
}

// Takes the exit status if the program has ended, or waits for its end.
void Process::Reap(bool block) {
  if (!pidfd_) return;
  int status = 0;
  pid_t reaped = 0;
  while ((reaped = ::waitpid(pid_, &status, block ? 0 : WNOHANG)) < 0 && errno == EINTR) {
  }
  if (reaped != pid_) return;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  pidfd_.Reset();
}

bool Process::Running() {
  Reap(/*block=*/false);
  return static_cast<bool>(pidfd_);
}

std::optional<int> Process::exit_code() {
  if (Running()) return std::nullopt;
  return exit_code_;
}

std::optional<int> Process::Wait(Milliseconds timeout) {
  if (pidfd_) WaitFor(pidfd_.get(), POLLIN, Clock::now() + timeout);
  return exit_code();
}

int Process::Terminate(Milliseconds grace) {
  if (grace.count() > 0 && Running()) {
    ::kill(pid_, SIGTERM);
    ::kill(pid_, SIGCONT);  // a stopped program would not see the SIGTERM
    Wait(grace);
  }
  if (Running()) {
    ::kill(pid_, SIGKILL);
    Reap(/*block=*/true);
  }
  return exit_code_;
}

void Process::Stop() {
  if (!Running()) return;
  ::kill(pid_, SIGSTOP);
  // WNOWAIT leaves the state to be seen again: by Reap() if it ended, by Stop() if it is stopped.
  siginfo_t info = {};
  while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WEXITED | WNOWAIT) != 0 &&
         errno == EINTR) {
  }
}

void Process::Continue() {
  if (Running()) ::kill(pid_, SIGCONT);
}

RunResult RunToEnd(const std::vector<std::string>& argv, std::string_view stdin_bytes,
                   Milliseconds timeout) {
  const Fd in = MemoryFile("stdin");
  const Fd out = MemoryFile("stdout");
  const Fd err = MemoryFile("stderr");
  WriteAll(in.get(), stdin_bytes);
  ::lseek(in.get(), 0, SEEK_SET);
  Process process(argv, in.get(), out.get(), err.get());
  const std::optional<int> exit_code = process.Wait(timeout);
  if (!exit_code) {
    process.Kill();
    throw std::runtime_error(argv[0] + " did not end within " + std::to_string(timeout.count()) +
                             " ms; it wrote: " + ReadFromStart(err.get()));
  }
  return {*exit_code, ReadFromStart(out.get()), ReadFromStart(err.get())};
}

}  // namespace shardcache::testing
