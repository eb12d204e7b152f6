// Multi-gets: one command a server, with no more work for a key than it takes.
#include <algorithm>
#include <utility>

#include "lib/client/engine.h"
#include "lib/wire/interrupt.h"

namespace shardcache::inline v0::internal {
namespace {

std::vector<Item> ItemsOf(std::span<const std::string_view> keys) {
  std::vector<Item> items(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) items[i].key = keys[i];
  return items;
}

}  // namespace

// Leaves the answers in the links, in the order of routes_. Returns false if not each is a hit or
// a miss: then `*items` has what came of each key in the end.
bool ClientEngine::GetAllAtOnce(std::span<const std::string_view> keys, std::vector<Item>* items) {
  const TimePoint begin = Clock::now();
  const ClientOptions& options = core_->options();
  const InterruptScope scope(options.interrupted);
  const Deadline deadline = DeadlineAfter(begin, options.deadline);
  const auto sent = WithPrefix(keys);
  TimePoint now = begin;
  const auto snapshot = Route(options.hash_prefix ? sent : keys, &now);
  if (AnyIsStale(sent, *snapshot)) {
    *items = ItemsOf(keys);
    Perform(*items, begin, deadline);
    return false;
  }
  const bool asks_for_all = Divide(keys, sent);
  MakeGets();
  Run(lanes_, now, std::min(deadline, DeadlineAfter(begin, options.timeout)));
  const bool all_answered = AccountGets(*snapshot, begin);
  if (asks_for_all && all_answered) return true;
  *items = ItemsOf(keys);
  TakeOver(*items, MayRetry(deadline));
  Perform(*items, Clock::now(), deadline);
  return false;
}

// Whether a copy has to be deleted before it is asked for.
bool ClientEngine::AnyIsStale(std::span<const std::string_view> sent,
                              const RouterSnapshot& snapshot) const {
  if (!NeedsTickets(snapshot)) return false;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    if (core_->stale_keys()->BeginRead(sent[i], routes_[i]).remove_first) return true;
  }
  return false;
}

// Gives each link its keys. Keys that memcached does not take lose their route; returns whether
// each key has one.
bool ClientEngine::Divide(std::span<const std::string_view> keys,
                          std::span<const std::string_view> sent) {
  for (const ServerIndex server : used_) links_[server]->keys.clear();
  bool all = true;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const ServerIndex server = routes_[i];
    if (server != kNoServer && !keys[i].empty() && IsValidKey(sent[i])) {
      links_[server]->keys.push_back(sent[i]);
    } else {
      routes_[i] = kNoServer;
      all = false;
    }
  }
  std::erase_if(used_, [&](ServerIndex server) { return links_[server]->keys.empty(); });
  return all;
}

void ClientEngine::MakeGets() {
  lanes_.clear();
  for (const ServerIndex server : used_) {
    Link& link = *links_[server];
    link.answers.clear();
    link.answers.resize(link.keys.size());
    link.taken = 0;
    link.get = {.verb = Verb::kGet, .keys = link.keys, .answers = link.answers};
    StartLane(&link);
    link.lane.requests.push_back(&link.get);
    lanes_.push_back(&link.lane);
  }
}

// Returns whether each answer is a hit or a miss.
bool ClientEngine::AccountGets(const RouterSnapshot& snapshot, TimePoint begin) {
  bool all = true;
  for (const ServerIndex server : used_) {
    Link& link = *links_[server];
    // As in Account().
    const bool misfit = link.lane.is_failure && link.lane.failure->kind == FailureKind::kProtocol;
    const bool doubtful = misfit && link.get.serial == 0;
    Counts counts{.operations = link.keys.size()};
    for (Answer& answer : link.answers) {
      if (doubtful && answer.status != Status::kHit) answer.status = Status::kPending;
      counts.answers += answer.status != Status::kPending;
      counts.hits += answer.status == Status::kHit;
      counts.misses += answer.status == Status::kMiss;
      counts.refusals += answer.status >= Status::kError;
    }
    all = all && counts.hits + counts.misses == counts.operations;
    Count(counts, &link, server, snapshot, begin);
  }
  return all;
}

// Gives each item what has come of its key so far, for Perform() to do the rest.
void ClientEngine::TakeOver(std::span<Item> items, bool may_retry) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (routes_[i] == kNoServer) continue;
    Item& item = items[i];
    Link& link = *links_[routes_[i]];
    item.answer = link.NextAnswer();
    item.asked = &link.get;
    if (!Settle(&item, link, may_retry)) item.answer = {};  // of which a part may have come
  }
}

}  // namespace shardcache::inline v0::internal
