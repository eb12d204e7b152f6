#include <algorithm>
#include <map>
#include <utility>

#include "lib/fleet/facts.h"
#include "lib/fleet/failures.h"
#include "lib/fleet/layout.h"
#include "lib/fleet/links.h"
#include "lib/fleet/metadump.h"
#include "lib/fleet/mover.h"
#include "lib/fleet/pace.h"
#include "lib/fleet/spool.h"
#include "shardcache/fleet.h"

namespace shardcache::inline v0 {
namespace internal {
namespace {

constexpr std::uint64_t kBytesAtOnce = 8 << 20;

// All servers of both layouts, each once; those of the old one first.
struct ServerTable {
  std::vector<Server> servers;
  std::vector<std::size_t> to;  // of each of the new layout
  std::size_t from = 0;         // how many are of the old layout

  static Result<ServerTable> Make(const Layout& from, const Layout& to) {
    ServerTable table{.servers = from.servers, .to = {}, .from = from.servers.size()};
    std::map<std::string, std::size_t> known;
    for (std::size_t i = 0; i < table.from; ++i) {
      if (known.emplace(from.servers[i].address(), i).second) continue;
      return Error{ErrorCode::kInvalidArgument,
                   from.servers[i].address() + ": twice in the old layout"};
    }
    for (const Server& server : to.servers) {
      const auto [at, added] = known.emplace(server.address(), table.servers.size());
      if (added) table.servers.push_back(server);
      table.to.push_back(at->second);
    }
    return table;
  }
};

// The keys of one old server that come next.
struct Cursor {
  std::size_t chunk = 0;
  bool loaded = false;
  std::string bytes;
  std::vector<SpooledKey> keys;
  std::size_t next = 0;
  bool failed = false;  // some key did: from there on the journal must not say that it is done
};

class WarmRun {
 public:
  WarmRun(const Layout& from, const Layout& to, const WarmOptions& options, ServerTable table)
      : from_(from),
        options_(options),
        table_(std::move(table)),
        to_(*to.placement),
        pace_(options),
        links_(table_.servers, options.timeout) {
    if (from.placement) from_keys_.emplace(*from.placement);
    rows_.resize(table_.from * table_.servers.size());
  }

  Result<WarmSummary> Run() {
    if (auto fit = CheckServers(); !fit.ok()) {
      if (pace_.stopped()) return Summary();
      return fit.error();
    }
    if (options_.go) {
      auto spool = Spool::Open(options_.journal, Purpose(), table_.from);
      if (!spool.ok()) return spool.error();
      spool_.emplace(*std::move(spool));
    }
    const bool resumes = spool_ && spool_->complete();
    if (auto done = resumes ? CountSpooled() : Gather(); !done.ok()) return done.error();
    if (options_.go && !pace_.stopped()) {
      // No error of the call from here on, for some of it is done.
      if (auto done = MoveAll(); !done.ok()) broken_off_ = done.error().message;
    }
    pace_.End();
    return Summary();
  }

 private:
  Result<void> CheckServers() {
    auto facts = AskFacts(links_);
    if (!facts.ok()) return facts.error();
    facts_ = *std::move(facts);
    if (options_.go) {
      if (auto apart = CheckApart(links_); !apart.ok()) return apart;
    }
    if (!options_.keys || options_.unknown_expiration) return {};
    for (std::size_t i = 0; i < table_.from; ++i) {
      if (facts_[i].has_meta) continue;
      return Error{ErrorCode::kRefusedByServer,
                   table_.servers[i].address() + ": memcached " + facts_[i].version +
                       " has no meta commands (1.6 has), so it does not tell how long the keys of "
                       "the file live; say so with --unknown-ttl",
                   table_.servers[i].name};
    }
    return {};
  }

  // What a journal must be of.
  std::string Purpose() const {
    std::string text = "shardcache warm 1";
    for (const Server& server : table_.servers) text.append(" ").append(server.address());
    text.append(" from ").append(std::to_string(table_.from));
    if (from_.placement) text.append(" ").append(std::to_string(from_.placement->fingerprint()));
    text.append(" to ").append(std::to_string(to_.placement().fingerprint()));
    return text + (options_.remove ? " remove" : "") + (options_.keys ? " keys" : "");
  }

  WarmRow& Row(std::size_t source, std::size_t target) {
    return rows_[source * table_.servers.size() + target];
  }

  // Finds out what has to be moved.
  Result<void> Gather() {
    std::optional<Error> trouble;
    if (options_.keys) {
      auto named = options_.keys([&](std::span<const std::string_view> keys) {
        if (trouble || pace_.stopped()) return;
        if (auto done = TakeNamed(keys); !done.ok()) trouble = done.error();
      });
      if (!named.ok()) return named;
    } else {
      const std::span<const Server> sources(table_.servers.data(), table_.from);
      const auto listed = ListKeys(sources, {options_.timeout, options_.busy_wait},
                                   [&](std::size_t source, std::span<const ListedKey> keys) {
                                     if (auto done = TakeListed(source, keys); !done.ok())
                                       trouble = done.error();
                                     return !trouble && pace_.Advance(keys.size());
                                   });
      if (!listed.ok()) return listed.error();
    }
    if (trouble) return *trouble;
    if (!spool_ || pace_.stopped()) return {};
    return spool_->Complete(named_);
  }

  Result<void> TakeListed(std::size_t source, std::span<const ListedKey> listed) {
    names_.clear();
    for (const ListedKey& key : listed) names_.push_back(key.key);
    const auto old = from_keys_ ? from_keys_->Owners(names_) : std::span<const ServerIndex>();
    const auto owners = to_.Owners(names_);
    summary_.listed += listed.size();
    for (std::size_t i = 0; i < listed.size(); ++i) {
      if (!old.empty() && old[i] != source) {
        ++(old[i] == StoredKeys::kForeign ? summary_.foreign : summary_.orphans);
        continue;
      }
      const ListedKey& key = listed[i];
      const SpooledKey spooled{.key = key.key,
                               .cas = key.cas,
                               .expires = key.expires.value_or(SpooledKey::kNever),
                               .size = key.size};
      if (auto done = Take(source, owners[i], spooled); !done.ok()) return done;
    }
    return {};
  }

  // Which keys are named, and in which order, as one number.
  static std::uint64_t FingerprintOf(std::span<const std::string_view> keys, std::uint64_t before) {
    for (const std::string_view key : keys) {
      before = (before ^ Spool::Fingerprint(key, 0)) * 0x9e3779b97f4a7c15 + 1;
    }
    return before;
  }

  // Whether the keys of the journal are those that are named now.
  Result<void> CheckNamed() {
    std::uint64_t named = 0;
    auto done = options_.keys(
        [&](std::span<const std::string_view> keys) { named = FingerprintOf(keys, named); });
    if (!done.ok() || named == spool_->origin()) return done;
    return Error{ErrorCode::kInvalidArgument,
                 options_.journal +
                     ": this journal is of other work (other keys were named); name another file, "
                     "or remove it"};
  }

  Result<void> TakeNamed(std::span<const std::string_view> keys) {
    pace_.Advance(keys.size());
    summary_.listed += keys.size();
    named_ = FingerprintOf(keys, named_);
    for (const std::string_view named : keys) {
      const std::string stored =
          from_.placement ? from_.placement->SentKey(named) : std::string(named);
      const std::string_view name = stored;
      const ServerIndex owner = to_.Owners({&name, 1})[0];
      const SpooledKey spooled{.key = name, .expires = SpooledKey::kUnknown};
      const std::size_t home = from_.placement ? from_.placement->Locate(named) : 0;
      const std::size_t end = from_.placement ? home + 1 : table_.from;
      for (std::size_t source = home; source < end; ++source) {
        if (auto done = Take(source, owner, spooled); !done.ok()) return done;
      }
    }
    return {};
  }

  Result<void> Take(std::size_t source, ServerIndex owner, const SpooledKey& key) {
    if (owner == StoredKeys::kForeign) {
      ++summary_.foreign;
    } else if (!IsValidKey(key.key)) {
      ++summary_.unnameable;
    } else if (table_.to[owner] == source) {
      ++summary_.at_home;
    } else {
      CountPlanned(source, table_.to[owner], key);
      if (spool_) return spool_->Add(source, key);
    }
    return {};
  }

  void CountPlanned(std::size_t source, std::size_t target, const SpooledKey& key) {
    WarmRow& row = Row(source, target);
    ++row.keys;
    row.bytes += key.size;
    ++planned_;
  }

  // The same for a journal that has them.
  Result<void> CountSpooled() {
    if (options_.keys) {
      if (auto same = CheckNamed(); !same.ok()) return same;
    }
    std::string bytes;
    for (std::size_t group = 0; group < table_.from; ++group) {
      for (std::size_t chunk = 0; chunk < spool_->chunks(group); ++chunk) {
        const auto keys = spool_->Read(group, chunk, &bytes);
        if (!keys.ok()) return keys.error();
        if (spool_->is_done(group, chunk)) {
          summary_.resumed += keys->size();
          continue;
        }
        names_.clear();
        for (const SpooledKey& key : *keys) names_.push_back(key.key);
        const auto owners = to_.Owners(names_);
        for (std::size_t i = 0; i < keys->size(); ++i) {
          CountPlanned(group, table_.to[owners[i]], (*keys)[i]);
        }
      }
    }
    summary_.listed = planned_ + summary_.resumed;
    return {};
  }

  Result<void> MoveAll() {
    pace_.Begin(planned_ + summary_.resumed, summary_.resumed);
    std::optional<Error> trouble;
    const auto note = [&](std::span<MovingKey* const> keys, Answer MovingKey::*copy) {
      if (auto done = NoteCopies(keys, copy); !done.ok()) trouble = done.error();
      return !trouble;
    };
    Mover::Plan plan{.remove = options_.remove, .unknown_expiration = options_.unknown_expiration};
    if (!options_.journal.empty()) plan.note = note;
    Mover mover(links_, facts_, plan);
    std::vector<Cursor> cursors(table_.from);
    std::vector<MovingKey> batch;
    while (!pace_.stopped()) {
      batch.clear();
      if (auto done = TakeBatch(cursors, &batch); !done.ok()) return done;
      if (batch.empty()) break;
      if (!pace_.Wait(batch.size())) break;
      mover.Move(batch);
      for (const MovingKey& key : batch) Tally(key, cursors);
      if (trouble) return *trouble;
      AdjustAssumedSize(batch);
      for (std::size_t group = 0; group < cursors.size(); ++group) {
        if (auto done = Finish(group, &cursors[group]); !done.ok()) return done;
      }
      pace_.Advance(batch.size());
    }
    if (!pace_.stopped() && failed_ == 0) spool_->Remove();
    return {};
  }

  Result<void> NoteCopies(std::span<MovingKey* const> keys, Answer MovingKey::*copy) {
    std::vector<Spool::Copy> copies;
    for (const MovingKey* key : keys) {
      const Answer& value = key->*copy;
      copies.push_back({.group = static_cast<std::uint32_t>(key->source),
                        .chunk = static_cast<std::uint32_t>(key->chunk),
                        .index = static_cast<std::uint32_t>(key->index),
                        .fingerprint = Spool::Fingerprint(value.data, value.flags)});
    }
    return spool_->NoteCopies(copies);
  }

  // Some keys of each old server, as many as may be asked for at once.
  Result<void> TakeBatch(std::vector<Cursor>& cursors, std::vector<MovingKey>* batch) {
    const std::size_t most = pace_.most();
    const std::size_t share = std::max<std::size_t>(1, most / cursors.size());
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < cursors.size(); ++i) {
      // In turn, so that none waits while others fill each batch.
      const std::size_t group = (turn_ + i) % cursors.size();
      Cursor& cursor = cursors[group];
      if (auto loaded = Load(group, &cursor); !loaded.ok()) return loaded;
      const std::size_t until = std::min(cursor.next + share, cursor.keys.size());
      while (cursor.next < until && batch->size() < most) {
        const SpooledKey& key = cursor.keys[cursor.next];
        const std::uint64_t size = key.size > 0 ? key.size : assumed_size_;
        if (!batch->empty() && bytes + size > kBytesAtOnce) break;
        bytes += size;
        MovingKey& moving = batch->emplace_back();
        moving.listed = key;
        moving.chunk = cursor.chunk;
        moving.index = cursor.next;
        moving.source = group;
        moving.copies = spool_->CopiesOf(group, cursor.chunk, cursor.next);
        ++cursor.next;
      }
    }
    turn_ = (turn_ + 1) % cursors.size();
    names_.clear();
    for (const MovingKey& key : *batch) names_.push_back(key.listed.key);
    const auto owners = to_.Owners(names_);
    for (std::size_t i = 0; i < batch->size(); ++i) (*batch)[i].target = table_.to[owners[i]];
    return {};
  }

  Result<void> Load(std::size_t group, Cursor* cursor) {
    while (!cursor->loaded && cursor->chunk < spool_->chunks(group)) {
      if (spool_->is_done(group, cursor->chunk)) {
        ++cursor->chunk;
        continue;
      }
      auto keys = spool_->Read(group, cursor->chunk, &cursor->bytes);
      if (!keys.ok()) return keys.error();
      cursor->keys = *std::move(keys);
      cursor->next = 0;
      cursor->loaded = true;
    }
    return {};
  }

  Result<void> Finish(std::size_t group, Cursor* cursor) {
    if (!cursor->loaded || cursor->next < cursor->keys.size()) return {};
    cursor->loaded = false;
    cursor->keys.clear();
    const std::size_t chunk = cursor->chunk++;
    if (std::exchange(cursor->failed, false)) return {};
    return spool_->MarkDone(group, chunk);
  }

  void Tally(const MovingKey& key, std::vector<Cursor>& cursors) {
    WarmRow& row = Row(key.source, key.target);
    switch (key.stage) {
      case MovingKey::Stage::kCopied:
        ++row.copied;
        row.copied_bytes += key.value.data.size() + key.listed.key.size();
        row.renewed += key.renewed ? 1 : 0;
        break;
      case MovingKey::Stage::kThere:
        ++row.already_there;
        break;
      case MovingKey::Stage::kGone:
        ++row.gone;
        break;
      default:
        ++row.failed;
        ++failed_;
        cursors[key.source].failed = true;
        failures_.Add(key.failure, key.listed.key);
    }
    row.removed += key.removed ? 1 : 0;
  }

  // Of values whose size nobody told: at first as large as memcached takes, then as those before.
  void AdjustAssumedSize(const std::vector<MovingKey>& batch) {
    std::uint64_t largest = 0;
    for (const MovingKey& key : batch)
      largest = std::max<std::uint64_t>(largest, key.value.data.size());
    assumed_size_ = std::max<std::uint64_t>({2 * largest, assumed_size_ / 4, 512});
  }

  WarmSummary Summary() {
    for (std::size_t source = 0; source < table_.from; ++source) {
      for (std::size_t target = 0; target < table_.servers.size(); ++target) {
        WarmRow& row = Row(source, target);
        if (row.keys == 0) continue;
        row.from = table_.servers[source].address();
        row.to = table_.servers[target].address();
        summary_.rows.push_back(row);
      }
    }
    summary_.failures = failures_.Texts();
    if (broken_off_) summary_.failures.push_back(*broken_off_);
    summary_.interrupted = pace_.stopped() || broken_off_;
    return std::move(summary_);
  }

  const Layout& from_;
  const WarmOptions& options_;
  const ServerTable table_;
  std::optional<StoredKeys> from_keys_;
  StoredKeys to_;
  Pace pace_;
  Links links_;
  std::vector<ServerFacts> facts_;
  std::optional<Spool> spool_;

  std::vector<std::string_view> names_;
  std::vector<WarmRow> rows_;  // by old and new server
  WarmSummary summary_;
  Failures failures_;
  std::optional<std::string> broken_off_;  // why, where keys are left that nobody dealt with
  std::uint64_t named_ = 0;                // FingerprintOf() all of WarmOptions::keys
  std::uint64_t planned_ = 0;
  std::uint64_t failed_ = 0;
  std::size_t turn_ = 0;
  std::uint64_t assumed_size_ = 1 << 20;
};

}  // namespace
}  // namespace internal

std::uint64_t WarmSummary::failed() const {
  std::uint64_t sum = 0;
  for (const WarmRow& row : rows) sum += row.failed;
  return sum;
}

Result<WarmSummary> Warm(const Layout& from, const Layout& to, const WarmOptions& options) {
  if (!to.placement) {
    return Error{ErrorCode::kInvalidArgument, "the new layout must say where each key belongs"};
  }
  if (from.servers.empty()) {
    return Error{ErrorCode::kInvalidArgument, "the old layout has no servers"};
  }
  if (auto placed = internal::CheckPlaces(*to.placement); !placed.ok()) return placed.error();
  if (from.placement) {
    if (auto placed = internal::CheckPlaces(*from.placement); !placed.ok()) return placed.error();
  }
  auto table = internal::ServerTable::Make(from, to);
  if (!table.ok()) return table.error();
  return internal::WarmRun(from, to, options, *std::move(table)).Run();
}

}  // namespace shardcache::inline v0
