// Keys from a file or a pipe, in constant memory.
#ifndef SHARDCACHE_BINDINGS_CLI_KEYS_H_
#define SHARDCACHE_BINDINGS_CLI_KEYS_H_

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace CLI {
class App;
}  // namespace CLI

namespace shardcache::cli {

// The options --keys and -0.
struct KeyOptions {
  std::string file;  // "-" is stdin
  bool nul = false;
};

void AddKeyOptions(CLI::App& command, KeyOptions& options);

// Calls `visit` with the keys of the file, some thousands at a time and in order. Keys are the
// bytes between separators, taken raw; a separator at the very end ends the last key. While
// stderr is a terminal and stdout is not, shows how far it has come. Returns the number of
// keys; throws Failure if the file cannot be read.
using KeyVisitor = std::function<void(std::span<const std::string_view>)>;
std::uint64_t ForEachKey(const KeyOptions& options, const KeyVisitor& visit);

}  // namespace shardcache::cli

#endif  // SHARDCACHE_BINDINGS_CLI_KEYS_H_
