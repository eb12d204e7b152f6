#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "lib/fleet/causes.h"
#include "lib/fleet/facts.h"
#include "lib/fleet/failures.h"
#include "lib/fleet/layout.h"
#include "lib/fleet/links.h"
#include "lib/fleet/metadump.h"
#include "lib/fleet/pace.h"
#include "lib/fleet/spool.h"
#include "shardcache/fleet.h"

namespace shardcache::inline v0 {
namespace internal {
namespace {

constexpr int kAttempts = 3;

// A key that is to be deleted, with its request.
struct DyingKey {
  SpooledKey key;
  Answer answer = {};
  Request request = {};
};

class CleanRun {
 public:
  // `cleaned`: the indexes of the servers to be looked at.
  CleanRun(const Placement& placement, const CleanOptions& options,
           std::vector<ServerIndex> cleaned)
      : options_(options),
        cleaned_(std::move(cleaned)),
        places_(placement),
        causes_(placement, options),
        pace_(options),
        links_(ServersOf(placement, cleaned_), options.timeout) {
    for (std::size_t i = 0; i < links_.size(); ++i) {
      summary_.servers.push_back({.server = links_.server(i)});
    }
  }

  Result<CleanSummary> Run() {
    auto facts = AskFacts(links_);
    if (pace_.stopped()) return Summary();
    if (!facts.ok()) return facts.error();
    facts_ = *std::move(facts);
    for (std::size_t i = 0; i < facts_.size(); ++i) {
      summary_.servers[i].uptime = std::chrono::seconds(facts_[i].uptime);
    }
    if (options_.go && options_.after_outage.empty()) {
      if (auto apart = CheckApart(links_); !apart.ok()) return apart.error();
    }
    if (options_.go && !options_.flush) {
      auto spool = Spool::Open({}, "shardcache clean", links_.size());
      if (!spool.ok()) return spool.error();
      spool_.emplace(*std::move(spool));
    }
    if (auto done = Gather(); !done.ok()) return done.error();
    if (options_.go && !pace_.stopped()) {
      if (options_.flush) {
        if (auto done = Flush(); !done.ok()) return done.error();
      } else if (auto done = DeleteAll(); !done.ok()) {
        broken_off_ = done.error().message;  // no error of the call, for some of it is done
      }
    }
    pace_.End();
    return Summary();
  }

 private:
  CleanSummary Summary() {
    for (auto& [where, row] : rows_) summary_.rows.push_back(std::move(row));
    summary_.failures = failures_.Texts();
    if (broken_off_) summary_.failures.push_back(*broken_off_);
    summary_.interrupted = pace_.stopped() || broken_off_;
    return std::move(summary_);
  }

  static std::vector<Server> ServersOf(const Placement& placement,
                                       std::span<const ServerIndex> indexes) {
    std::vector<Server> servers;
    for (const ServerIndex index : indexes) servers.push_back(placement.server(index));
    return servers;
  }

  Result<void> Gather() {
    std::optional<Error> trouble;
    std::vector<Server> servers;
    for (std::size_t i = 0; i < links_.size(); ++i) servers.push_back(links_.server(i));
    const auto listed = ListKeys(servers, {options_.timeout, options_.busy_wait},
                                 [&](std::size_t server, std::span<const ListedKey> keys) {
                                   auto done = Take(server, keys);
                                   if (!done.ok()) trouble = done.error();
                                   return !trouble && pace_.Advance(keys.size());
                                 });
    if (!listed.ok()) return listed.error();
    if (trouble) return *trouble;
    if (!spool_ || pace_.stopped()) return {};
    return spool_->Complete(0);
  }

  // Counts what a server listed, and notes its orphans.
  Result<void> Take(std::size_t server, std::span<const ListedKey> keys) {
    names_.clear();
    for (const ListedKey& key : keys) names_.push_back(key.key);
    const auto owners = places_.Owners(names_);
    CleanServer& tally = summary_.servers[server];
    tally.listed += keys.size();
    orphans_.clear();
    names_.clear();
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (!IsValidKey(keys[i].key)) {
        ++summary_.unnameable;
      } else if (!options_.after_outage.empty()) {
        orphans_.push_back(&keys[i]);
      } else if (owners[i] == StoredKeys::kForeign) {
        ++summary_.foreign;
      } else if (owners[i] == cleaned_[server]) {
        ++tally.at_home;
      } else {
        orphans_.push_back(&keys[i]);
        names_.push_back(keys[i].key);
      }
    }
    tally.orphans += orphans_.size();
    const auto causes = causes_.Of(cleaned_[server], names_);
    for (std::size_t i = 0; i < orphans_.size(); ++i) {
      const ListedKey& key = *orphans_[i];
      Count(server, causes.empty() ? Causes::Cause{OrphanCause::kOutage} : causes[i], key);
      if (!spool_) continue;
      if (auto done = spool_->Add(server, {.key = key.key, .cas = key.cas}); !done.ok())
        return done;
    }
    return {};
  }

  void Count(std::size_t server, const Causes::Cause& cause, const ListedKey& key) {
    const auto [at, added] = rows_.try_emplace({server, cause});
    CleanRow& row = at->second;
    const std::int64_t now = ServerTime(facts_[server], Clock::now());
    const std::chrono::seconds age(std::max<std::int64_t>(now - key.last_access, 0));
    if (added) {
      row.server = links_.server(server);
      row.cause = cause.cause;
      if (cause.culprit) row.culprit = places_.placement().server(*cause.culprit).name;
      row.youngest = age;
    }
    ++row.keys;
    ++found_;
    row.bytes += key.size;
    row.youngest = std::min(row.youngest, age);
    row.oldest = std::max(row.oldest, age);
    if (key.expires) ++row.expiring;
  }

  Result<void> Flush() {
    Answer answer;
    Request request{.verb = Verb::kFlushAll, .answers = {&answer, 1}};
    links_.Queue(0, &request);
    links_.Run();
    if (answer.status != Status::kOk) {
      return RefusalOf(links_.server(0), "flush_all", answer, links_.failure(0));
    }
    summary_.servers[0].deleted = found_;
    return {};
  }

  Result<void> DeleteAll() {
    pace_.Begin(found_, 0);
    std::vector<std::string> bytes(links_.size());
    std::vector<std::vector<DyingKey>> keys(links_.size());
    std::vector<std::size_t> chunks(links_.size(), 0);
    bool more = true;
    while (more && !pace_.stopped()) {
      more = false;
      for (std::size_t i = 0; i < links_.size(); ++i) {
        keys[i].clear();
        if (chunks[i] == spool_->chunks(i)) continue;
        more = true;
        const auto read = spool_->Read(i, chunks[i]++, &bytes[i]);
        if (!read.ok()) return read.error();
        for (const SpooledKey& key : *read) keys[i].push_back({.key = key});
      }
      DeleteInPortions(keys);
    }
    return {};
  }

  // As many at a time as concurrency and rate allow.
  void DeleteInPortions(std::vector<std::vector<DyingKey>>& keys) {
    const std::size_t share = std::max<std::size_t>(1, pace_.most() / keys.size());
    bool more = true;
    for (std::size_t begin = 0; more; begin += share) {
      more = false;
      std::vector<std::pair<std::size_t, std::span<DyingKey>>> portion;
      std::size_t count = 0;
      for (std::size_t i = 0; i < keys.size(); ++i) {
        if (begin >= keys[i].size()) continue;
        const std::size_t size = std::min(share, keys[i].size() - begin);
        portion.emplace_back(i, std::span(keys[i]).subspan(begin, size));
        count += size;
        more = true;
      }
      if (count == 0 || !pace_.Wait(count)) return;
      for (int attempt = 0; attempt < kAttempts && Delete(portion) > 0; ++attempt) {
      }
      for (const auto& [server, dying] : portion) Tally(server, dying);
      pace_.Advance(count);
    }
  }

  // Returns how many got no answer.
  std::size_t Delete(const std::vector<std::pair<std::size_t, std::span<DyingKey>>>& portion) {
    for (const auto& [server, dying] : portion) {
      for (DyingKey& key : dying) {
        if (key.answer.status != Status::kPending) continue;
        // Without meta commands: replaced by nothing that has expired already.
        key.request = facts_[server].has_meta
                          ? Request{.verb = Verb::kMetaDelete, .number = key.key.cas}
                          : Request{.verb = Verb::kCas, .expire = -1, .number = key.key.cas};
        key.request.keys = {&key.key.key, 1};
        key.request.answers = {&key.answer, 1};
        links_.Queue(server, &key.request);
      }
    }
    links_.Run();
    std::size_t pending = 0;
    for (const auto& [server, dying] : portion) {
      pending += static_cast<std::size_t>(
          std::count_if(dying.begin(), dying.end(),
                        [](const DyingKey& key) { return key.answer.status == Status::kPending; }));
    }
    return pending;
  }

  void Tally(std::size_t server, std::span<const DyingKey> dying) {
    CleanServer& tally = summary_.servers[server];
    for (const DyingKey& key : dying) {
      switch (key.answer.status) {
        case Status::kDeleted:
        case Status::kStored:
          ++tally.deleted;
          break;
        case Status::kMiss:
        case Status::kExists:
          ++tally.kept;
          break;
        default:
          ++tally.failed;
          failures_.Add(
              RefusalOf(links_.server(server), "a deletion", key.answer, links_.failure(server))
                  .message,
              key.key.key);
      }
    }
  }

  const CleanOptions& options_;
  const std::vector<ServerIndex> cleaned_;
  StoredKeys places_;
  Causes causes_;
  Pace pace_;
  Links links_;
  std::vector<ServerFacts> facts_;
  std::optional<Spool> spool_;

  std::vector<std::string_view> names_;
  std::vector<const ListedKey*> orphans_;
  std::map<std::pair<std::size_t, Causes::Cause>, CleanRow> rows_;
  std::uint64_t found_ = 0;
  CleanSummary summary_;
  Failures failures_;
  std::optional<std::string> broken_off_;  // why, where orphans are left that nobody dealt with
};

// The servers that Clean() is to look at.
Result<std::vector<ServerIndex>> Cleaned(const Placement& placement, const CleanOptions& options) {
  if (options.after_outage.empty()) {
    if (options.flush) {
      return Error{ErrorCode::kInvalidArgument,
                   "a server is flushed only after an outage: name it"};
    }
    // Each of the two would find the other's keys, and take them for orphans.
    std::set<std::string> known;
    for (const ServerIndex i : placement.live()) {
      const Server& server = placement.server(i);
      if (known.insert(server.address()).second) continue;
      return Error{ErrorCode::kInvalidArgument, server.address() + ": twice among the servers",
                   server.name};
    }
    return std::vector<ServerIndex>(placement.live().begin(), placement.live().end());
  }
  std::string known;
  for (ServerIndex i = 0; i < placement.servers().size(); ++i) {
    const Server& server = placement.server(i);
    if (server.name == options.after_outage || server.address() == options.after_outage) {
      return std::vector<ServerIndex>{i};
    }
    known += (known.empty() ? "" : ", ") + server.name;
  }
  return Error{ErrorCode::kNotFound,
               "there is no server \"" + options.after_outage + "\"; the ring names are " + known};
}

}  // namespace
}  // namespace internal

std::string_view OrphanCauseName(OrphanCause cause) {
  switch (cause) {
    case OrphanCause::kResize:
      return "resize";
    case OrphanCause::kOtherClient:
      return "other client";
    case OrphanCause::kEjection:
      return "ejection";
    case OrphanCause::kOutage:
      return "outage";
    case OrphanCause::kUnknown:
      break;
  }
  return "unknown";
}

std::uint64_t CleanSummary::failed() const {
  std::uint64_t sum = 0;
  for (const CleanServer& server : servers) sum += server.failed;
  return sum;
}

Result<CleanSummary> Clean(const Placement& placement, const CleanOptions& options) {
  if (auto placed = internal::CheckPlaces(placement); !placed.ok()) return placed.error();
  auto cleaned = internal::Cleaned(placement, options);
  if (!cleaned.ok()) return cleaned.error();
  return internal::CleanRun(placement, options, *std::move(cleaned)).Run();
}

}  // namespace shardcache::inline v0
