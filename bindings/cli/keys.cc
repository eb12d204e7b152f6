#include "bindings/cli/keys.h"

#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <vector>

#include "bindings/cli/command.h"

namespace shardcache::cli {
namespace {

constexpr std::size_t kChunk = 1 << 18;

// One line on stderr that is written over as the work goes on.
class Progress {
 public:
  explicit Progress(std::FILE* file) {
    struct stat info {};
    if (fstat(fileno(file), &info) == 0 && S_ISREG(info.st_mode)) {
      total_ = static_cast<std::uint64_t>(info.st_size);
    }
    shown_ = isatty(STDERR_FILENO) != 0 && isatty(STDOUT_FILENO) == 0;
  }
  ~Progress() {
    if (drawn_) std::fputs("\r\033[K", stderr);
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Update(std::uint64_t bytes, std::uint64_t keys) {
    const auto now = std::chrono::steady_clock::now();
    if (!shown_ || now - last_ < std::chrono::milliseconds(100)) return;
    last_ = now;
    drawn_ = true;
    if (total_ == 0) {
      std::fprintf(stderr, "\r\033[K%llu keys", static_cast<unsigned long long>(keys));
      return;
    }
    constexpr int kWidth = 40;
    const int filled = static_cast<int>(kWidth * bytes / total_);
    std::fprintf(stderr, "\r\033[K[%.*s%*s] %3d %% %llu keys", filled,
                 "########################################", kWidth - filled, "",
                 static_cast<int>(100 * bytes / total_), static_cast<unsigned long long>(keys));
  }

 private:
  std::uint64_t total_ = 0;  // 0: not known
  bool shown_ = false;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

File Open(const std::string& name) {
  if (name == "-") return {stdin, [](std::FILE*) { return 0; }};
  File file(std::fopen(name.c_str(), "rb"), std::fclose);
  if (!file) throw Failure(kTrouble, name + ": " + std::strerror(errno));
  return file;
}

// The keys that end within `text`, and how many of its bytes they took.
std::size_t Split(std::string_view text, char separator, std::vector<std::string_view>& keys) {
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = text.find(separator, begin);
    if (end == std::string_view::npos) return begin;
    keys.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
}

}  // namespace

void AddKeyOptions(CLI::App& command, KeyOptions& options) {
  command
      .add_option("--keys", options.file,
                  "keys from FILE (- for stdin), one a line, taken as raw bytes; of any number")
      ->type_name("FILE")
      ->check(NotEmpty());
  command.add_flag("-0", options.nul, "keys in FILE are divided by NUL instead of LF");
}

std::uint64_t ForEachKey(const KeyOptions& options, const KeyVisitor& visit) {
  const File file = Open(options.file);
  const char separator = options.nul ? '\0' : '\n';
  Progress progress(file.get());
  std::string pending;  // bytes read and not yet visited
  std::vector<std::string_view> keys;
  std::uint64_t bytes = 0;
  std::uint64_t count = 0;
  bool more = true;
  while (more) {
    const std::size_t kept = pending.size();
    pending.resize(kept + kChunk);
    const std::size_t got = std::fread(pending.data() + kept, 1, kChunk, file.get());
    if (got < kChunk && std::ferror(file.get()) != 0) {
      throw Failure(kTrouble, options.file + ": " + std::strerror(errno));
    }
    pending.resize(kept + got);
    bytes += got;
    more = got == kChunk;
    keys.clear();
    std::size_t used = Split(pending, separator, keys);
    if (!more && used < pending.size()) {
      keys.push_back(std::string_view(pending).substr(used));
      used = pending.size();
    }
    visit(keys);
    count += keys.size();
    pending.erase(0, used);
    progress.Update(bytes, count);
  }
  return count;
}

}  // namespace shardcache::cli
