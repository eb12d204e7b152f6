#include "lib/fleet/spool.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "shardcache/hash.h"

namespace shardcache::inline v0::internal {
namespace {

// About as many keys as are asked for at once, so that an interruption repeats little.
constexpr std::uint32_t kKeysInChunk = 2048;

struct RecordHeader {
  std::uint32_t check = 0;  // of the rest and the payload
  std::uint32_t type = 0;
  std::uint32_t group = 0;
  std::uint32_t size = 0;
};

std::uint32_t CheckOf(const RecordHeader& header, std::string_view payload) {
  std::string head(reinterpret_cast<const char*>(&header.type), sizeof header - 4);
  return Hash(HashFunction::kMurmur, head) ^ Hash(HashFunction::kMurmur, payload);
}

template <typename Number>
void Put(Number number, std::string* bytes) {
  bytes->append(reinterpret_cast<const char*>(&number), sizeof number);
}

template <typename Number>
Number Take(std::string_view* bytes) {
  Number number = 0;
  std::memcpy(&number, bytes->data(), sizeof number);
  bytes->remove_prefix(sizeof number);
  return number;
}

constexpr std::size_t kKeyHead = 3 * 8 + 1;
constexpr std::size_t kCopySize = 3 * 4 + 8;

bool ReadFully(int fd, std::uint64_t offset, char* out, std::size_t size) {
  while (size > 0) {
    const ssize_t got = ::pread(fd, out, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    out += got;
    offset += static_cast<std::uint64_t>(got);
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

bool WriteFully(int fd, std::uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return false;
    offset += static_cast<std::uint64_t>(put);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

}  // namespace

Error Spool::Failed(const char* what) const {
  return {ErrorCode::kIo, path_ + ": cannot be " + what + ": " + std::strerror(errno)};
}

Result<Spool> Spool::Open(const std::string& path, std::string_view purpose, std::size_t groups) {
  Spool spool;
  spool.groups_.resize(groups);
  if (path.empty()) {
    const char* const set = std::getenv("TMPDIR");
    std::string name =
        std::string(set != nullptr && *set != '\0' ? set : "/tmp") + "/shardcache-XXXXXX";
    spool.path_ = name;
    spool.file_ = Socket(::mkostemp(name.data(), O_CLOEXEC));
    if (!spool.file_) return spool.Failed("made");
    ::unlink(name.c_str());
    spool.path_.clear();
    if (auto done = spool.StartOver(purpose); !done.ok()) return done.error();
    return spool;
  }
  spool.path_ = path;
  spool.file_ = Socket(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!spool.file_) return spool.Failed("opened");
  if (::flock(spool.file_.fd(), LOCK_EX | LOCK_NB) != 0) {
    return Error{ErrorCode::kIo, path + ": another process is at work with this journal"};
  }
  if (auto done = spool.Load(purpose); !done.ok()) return done.error();
  return spool;
}

// The file must be empty, or begin as a journal of this work does (of which a process that was
// killed at once leaves a part): what else a user may have named by mistake is left as it is.
Result<void> Spool::Load(std::string_view purpose) {
  const std::string first = Record(Type::kPurpose, 0, purpose);
  const off_t size = ::lseek(file_.fd(), 0, SEEK_END);
  if (size < 0) return Failed("read");
  std::string begin(std::min(first.size(), static_cast<std::size_t>(size)), '\0');
  if (!ReadFully(file_.fd(), 0, begin.data(), begin.size())) return Failed("read");
  if (!first.starts_with(begin)) {
    const bool ours =
        begin.size() > sizeof(RecordHeader) && begin.substr(4, 4) == first.substr(4, 4);
    return Error{ErrorCode::kInvalidArgument,
                 path_ + (ours ? ": this journal is of other work (other servers, layouts or "
                                 "options); name another file, or remove it"
                               : ": this is no journal; name another file")};
  }
  while (LoadRecord(static_cast<std::uint64_t>(size))) {
  }
  // Without the last of the keys there is nothing that could be gone on with.
  if (!complete_) return StartOver(purpose);
  if (::ftruncate(file_.fd(), static_cast<off_t>(end_)) != 0) return Failed("written");
  return {};
}

Result<void> Spool::StartOver(std::string_view purpose) {
  if (::ftruncate(file_.fd(), 0) != 0) return Failed("written");
  end_ = 0;
  for (Group& group : groups_) group = {};
  copies_.clear();
  return Append(Type::kPurpose, 0, purpose);
}

// Returns whether there was a whole one.
bool Spool::LoadRecord(std::uint64_t file_size) {
  RecordHeader header;
  if (!ReadFully(file_.fd(), end_, reinterpret_cast<char*>(&header), sizeof header)) return false;
  const std::uint64_t behind = end_ + sizeof header + header.size;
  if (behind > file_size) return false;
  std::string payload(header.size, '\0');
  if (!ReadFully(file_.fd(), end_ + sizeof header, payload.data(), payload.size())) return false;
  if (CheckOf(header, payload) != header.check || header.group >= groups_.size()) return false;
  std::vector<Chunk>& chunks = groups_[header.group].chunks;
  const auto type = static_cast<Type>(header.type);
  if (type == Type::kKeys) chunks.push_back({end_ + sizeof header, header.size});
  if (type == Type::kDone && payload.size() == 8) {
    std::string_view rest = payload;
    const auto chunk = Take<std::uint64_t>(&rest);
    if (chunk < chunks.size()) chunks[chunk].done = true;
    const auto key = static_cast<std::uint32_t>(chunk);
    copies_.erase(copies_.lower_bound({header.group, key, 0}),
                  copies_.lower_bound({header.group, key + 1, 0}));
  }
  if (type == Type::kCopies) {
    for (std::string_view rest = payload; rest.size() >= kCopySize;) {
      const auto group = Take<std::uint32_t>(&rest);
      const auto chunk = Take<std::uint32_t>(&rest);
      const auto index = Take<std::uint32_t>(&rest);
      copies_.emplace(std::tuple(group, chunk, index), Take<std::uint64_t>(&rest));
    }
  }
  if (type == Type::kComplete && payload.size() == 8) {
    std::string_view rest = payload;
    origin_ = Take<std::uint64_t>(&rest);
    complete_ = true;
  }
  end_ = behind;
  return true;
}

std::string Spool::Record(Type type, std::uint32_t group, std::string_view payload) {
  RecordHeader header{.type = static_cast<std::uint32_t>(type),
                      .group = group,
                      .size = static_cast<std::uint32_t>(payload.size())};
  header.check = CheckOf(header, payload);
  std::string record(reinterpret_cast<const char*>(&header), sizeof header);
  record += payload;
  return record;
}

Result<void> Spool::Append(Type type, std::uint32_t group, std::string_view payload) {
  const std::string record = Record(type, group, payload);
  if (!WriteFully(file_.fd(), end_, record)) return Failed("written");
  end_ += record.size();
  return {};
}

Result<void> Spool::Add(std::size_t group, const SpooledKey& key) {
  Group& into = groups_[group];
  Put(key.cas, &into.pending);
  Put(key.expires, &into.pending);
  Put(key.size, &into.pending);
  into.pending.push_back(static_cast<char>(key.key.size()));
  into.pending += key.key;
  if (++into.keys < kKeysInChunk) return {};
  return Flush(group);
}

Result<void> Spool::Flush(std::size_t group) {
  Group& from = groups_[group];
  if (from.keys == 0) return {};
  from.chunks.push_back(
      {end_ + sizeof(RecordHeader), static_cast<std::uint32_t>(from.pending.size())});
  auto appended = Append(Type::kKeys, static_cast<std::uint32_t>(group), from.pending);
  from.pending.clear();
  from.keys = 0;
  return appended;
}

Result<void> Spool::Complete(std::uint64_t origin) {
  for (std::size_t group = 0; group < groups_.size(); ++group) {
    if (auto done = Flush(group); !done.ok()) return done;
  }
  complete_ = true;
  origin_ = origin;
  std::string payload;
  Put(origin, &payload);
  return Append(Type::kComplete, 0, payload);
}

Result<std::vector<SpooledKey>> Spool::Read(std::size_t group, std::size_t chunk,
                                            std::string* bytes) const {
  const Chunk& where = groups_[group].chunks[chunk];
  bytes->resize(where.size);
  if (!ReadFully(file_.fd(), where.offset, bytes->data(), where.size)) return Failed("read");
  std::vector<SpooledKey> keys;
  std::string_view rest = *bytes;
  while (rest.size() > kKeyHead) {
    SpooledKey key;
    key.cas = Take<std::uint64_t>(&rest);
    key.expires = Take<std::int64_t>(&rest);
    key.size = Take<std::uint64_t>(&rest);
    const std::size_t size = Take<std::uint8_t>(&rest);
    if (size > rest.size()) break;
    key.key = rest.substr(0, size);
    rest.remove_prefix(size);
    keys.push_back(key);
  }
  return keys;
}

Result<void> Spool::MarkDone(std::size_t group, std::size_t chunk) {
  groups_[group].chunks[chunk].done = true;
  if (path_.empty()) return {};
  std::string payload;
  Put(std::uint64_t{chunk}, &payload);
  return Append(Type::kDone, static_cast<std::uint32_t>(group), payload);
}

Result<void> Spool::NoteCopies(std::span<const Copy> copies) {
  if (path_.empty() || copies.empty()) return {};
  std::string payload;
  payload.reserve(copies.size() * kCopySize);
  for (const Copy& copy : copies) {
    Put(copy.group, &payload);
    Put(copy.chunk, &payload);
    Put(copy.index, &payload);
    Put(copy.fingerprint, &payload);
  }
  return Append(Type::kCopies, 0, payload);
}

std::vector<std::uint64_t> Spool::CopiesOf(std::size_t group, std::size_t chunk,
                                           std::size_t index) const {
  std::vector<std::uint64_t> found;
  if (copies_.empty()) return found;
  const std::tuple key(static_cast<std::uint32_t>(group), static_cast<std::uint32_t>(chunk),
                       static_cast<std::uint32_t>(index));
  const auto [begin, end] = copies_.equal_range(key);
  for (auto at = begin; at != end; ++at) found.push_back(at->second);
  return found;
}

std::uint64_t Spool::Fingerprint(std::string_view value, std::uint32_t flags) {
  const std::uint64_t high = Hash(HashFunction::kMurmur, value);
  return (high << 32 | Hash(HashFunction::kJenkins, value)) ^
         flags * std::uint64_t{0x9e3779b97f4a7c15};
}

void Spool::Remove() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

}  // namespace shardcache::inline v0::internal
