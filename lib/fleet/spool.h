// The keys that are to be dealt with, on disk; and which of them are.
#ifndef SHARDCACHE_LIB_FLEET_SPOOL_H_
#define SHARDCACHE_LIB_FLEET_SPOOL_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
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
// is whole; the rest is cut off when it is opened again. Memory: 16 bytes a chunk, and when it is
// opened again what was noted of chunks that were not finished. Not thread-safe.
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
  // Says that no more will be added. `origin` is kept with them: where they are from.
  Result<void> Complete(std::uint64_t origin);
  // REQUIRES: complete().
  std::uint64_t origin() const { return origin_; }

  std::size_t chunks(std::size_t group) const { return groups_[group].chunks.size(); }
  bool is_done(std::size_t group, std::size_t chunk) const {
    return groups_[group].chunks[chunk].done;
  }
  // The keys of a chunk, which point into `*bytes`.
  Result<std::vector<SpooledKey>> Read(std::size_t group, std::size_t chunk,
                                       std::string* bytes) const;
  Result<void> MarkDone(std::size_t group, std::size_t chunk);

  // A copy that is about to be made of the key at `index` of a chunk, known by its Fingerprint().
  struct Copy {
    std::uint32_t group = 0;
    std::uint32_t chunk = 0;
    std::uint32_t index = 0;
    std::uint64_t fingerprint = 0;
  };
  // Notes them in a journal that has a name, so that whoever goes on with it can tell them from
  // what others stored.
  Result<void> NoteCopies(std::span<const Copy> copies);
  // Those that an earlier process noted in chunks that it did not finish.
  std::vector<std::uint64_t> CopiesOf(std::size_t group, std::size_t chunk,
                                      std::size_t index) const;
  static std::uint64_t Fingerprint(std::string_view value, std::uint32_t flags);

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
  enum class Type : std::uint32_t { kPurpose = 1, kKeys, kComplete, kDone, kCopies };

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
  std::uint64_t origin_ = 0;
  std::vector<Group> groups_;
  // Group, chunk and index.
  std::multimap<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>, std::uint64_t> copies_;
};

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_FLEET_SPOOL_H_
