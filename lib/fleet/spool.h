// The keys that are to be dealt with, on disk; and which of them are.
#ifndef SHARDCACHE_LIB_FLEET_SPOOL_H_
#define SHARDCACHE_LIB_FLEET_SPOOL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/wire/socket.h"
#include "shardcache/result.h"

namespace shardcache::inline v0::internal {

struct SpooledKey {
  std::string_view key;
  std::uint64_t cas = 0;
  // Seconds since 1970 by its server.
  std::int64_t expires = kNever;
  std::uint64_t size = 0;  // 0: not known

  static constexpr std::int64_t kNever = -1;
  static constexpr std::int64_t kUnknown = -2;
};

// A log of chunks of keys, each of one group (the server that has them), and of notes which chunks
// are done. A process that is killed at any byte leaves a log of which all but the last record
// is whole; the rest is cut off when it is opened again. Memory: 16 bytes a chunk. Not thread-safe.
//
// Errors of all: kIo, naming the file.
class Spool {
 public:
  // The journal at `path`, made if it is not there; or a file without a name in $TMPDIR, if
  // `path` is empty. `purpose` says of what work it is: a journal of other work is
  // kInvalidArgument.
  static Result<Spool> Open(const std::string& path, std::string_view purpose, std::size_t groups);

  // Whether all keys are in it; else it is empty, and they are to be added.
  bool complete() const { return complete_; }
  Result<void> Add(std::size_t group, const SpooledKey& key);
  // Says that no more will be added.
  Result<void> Complete();

  std::size_t chunks(std::size_t group) const { return groups_[group].chunks.size(); }
  bool is_done(std::size_t group, std::size_t chunk) const {
    return groups_[group].chunks[chunk].done;
  }
  // The keys of a chunk, which point into `*bytes`.
  Result<std::vector<SpooledKey>> Read(std::size_t group, std::size_t chunk,
                                       std::string* bytes) const;
  Result<void> MarkDone(std::size_t group, std::size_t chunk);

  // Removes the journal's file, if it has a name.
  void Remove();

 private:
  struct Chunk {
    std::uint64_t offset = 0;
    std::uint32_t size = 0;
    bool done = false;
  };
  struct Group {
    std::vector<Chunk> chunks;
    std::string pending;  // keys of the chunk that is being filled
    std::uint32_t keys = 0;
  };
  enum class Type : std::uint32_t { kPurpose = 1, kKeys, kComplete, kDone };

  Spool() = default;
  Error Failed(const char* what) const;
  static std::string Record(Type type, std::uint32_t group, std::string_view payload);
  Result<void> Append(Type type, std::uint32_t group, std::string_view payload);
  Result<void> Flush(std::size_t group);
  Result<void> Load(std::string_view purpose);
  bool LoadRecord(std::uint64_t file_size);
  Result<void> StartOver(std::string_view purpose);

  std::string path_;
  Socket file_;  // owns the descriptor
  std::uint64_t end_ = 0;
  bool complete_ = false;
  std::vector<Group> groups_;
};

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_FLEET_SPOOL_H_
