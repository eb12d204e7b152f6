#include "lib/client/engine.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "lib/wire/interrupt.h"

namespace shardcache::inline v0::internal {
namespace {

constexpr std::chrono::milliseconds kFirstPause(1);
constexpr std::chrono::milliseconds kLongestPause(50);

bool IsGet(Verb verb) {
  return verb == Verb::kGet || verb == Verb::kGets || verb == Verb::kGetAndTouch ||
         verb == Verb::kMetaGet;
}

bool Changes(Verb verb) {
  return verb != Verb::kGet && verb != Verb::kGets && verb != Verb::kMetaGet;
}

// Whether carrying it out twice is as good as once, and says the same.
bool MayRepeat(Verb verb) {
  switch (verb) {
    case Verb::kAdd:
    case Verb::kCas:
    case Verb::kAppend:
    case Verb::kPrepend:
    case Verb::kIncrement:
    case Verb::kDecrement:
      return false;
    default:
      return true;
  }
}

std::string Name(const Server& server) {
  return server.name == server.address() ? server.name
                                         : server.name + " (" + server.address() + ")";
}

ErrorCode CodeOf(FailureKind kind) {
  if (kind == FailureKind::kTimeout) return ErrorCode::kTimeout;
  if (kind == FailureKind::kProtocol) return ErrorCode::kProtocol;
  return ErrorCode::kDisconnected;
}

}  // namespace

ClientEngine::ClientEngine(std::shared_ptr<ClientCore> core)
    : core_(std::move(core)), metrics_(core_->NewMetrics()) {}

// What the router takes for `now`.
TimePoint ClientEngine::RouterTime(TimePoint now) const {
  const auto& clock = core_->options().routing.clock;
  return clock ? clock() : now;
}

void ClientEngine::ReportFailure(Link* link, const RouterSnapshot& snapshot, ServerIndex server,
                                 FailureKind kind) {
  link->metrics->failures[static_cast<std::size_t>(kind)].Add();
  link->metrics->open.Set(0);
  core_->router().ReportFailure(snapshot, server, kind, RouterTime(Clock::now()));
}

// Whether any copy may be stale.
bool ClientEngine::NeedsTickets(const RouterSnapshot& snapshot) const {
  const StaleKeys* const keys = core_->stale_keys();
  if (keys == nullptr) return false;
  const bool all_live = snapshot.placement.live().size() == links_.size();
  return !all_live || keys->active();
}

void ClientEngine::TakeTickets(const RouterSnapshot& snapshot) {
  StaleKeys* const keys = core_->stale_keys();
  const bool needed = NeedsTickets(snapshot);
  for (const ServerIndex server : used_) {
    for (Item* item : links_[server]->items) {
      item->ticket = {};
      item->removal = nullptr;
      if (!needed) continue;
      item->ticket = Changes(item->request.verb)
                         ? keys->BeginWrite(item->sent_key, server, snapshot)
                         : keys->BeginRead(item->sent_key, server);
    }
  }
}

void ClientEngine::RemoveFirst(Link* link, Item* item) {
  Removal& removal = removals_.emplace_back();
  item->removal = &removal.answer;
  removal.request = {
      .verb = Verb::kDelete, .keys = {&item->sent_key, 1}, .answers = {item->removal, 1}};
  link->lane.requests.push_back(&removal.request);
  link->metrics->guarded.Add();
}

void ClientEngine::StartLane(Link* link) {
  Lane& lane = link->lane;
  lane.connection = &link->connection;
  lane.requests.clear();
  lane.queued = 0;
  lane.failure.reset();
  lane.is_failure = false;
  link->opened_before = link->connection.opened();
}

void ClientEngine::MakeRequests(Link* link) {
  StartLane(link);
  for (Item* item : link->items) {
    if (item->ticket.remove_first) RemoveFirst(link, item);
  }
  for (Item* item : link->items) {
    Request& request = item->request;
    request.keys = {&item->sent_key, 1};
    request.answers = {&item->answer, 1};
    request.sent = false;
    request.quiet = false;
    item->asked = &request;
    item->error.reset();
    link->lane.requests.push_back(&request);
  }
  MakeQuiet(link);
}

void ClientEngine::ReturnTicket(const Item& item, ServerIndex server) {
  if (!item.ticket.writes && !item.ticket.remove_first) return;
  const bool removed = item.removal != nullptr && (item.removal->status == Status::kDeleted ||
                                                   item.removal->status == Status::kMiss);
  core_->stale_keys()->End(item.sent_key, server, item.ticket, removed);
}

// Looks at the answers, reports to the router, counts.
void ClientEngine::Account(Link* link, ServerIndex server, const RouterSnapshot& snapshot,
                           TimePoint begin) {
  // Of answers that did not fit the requests, only those are to be believed that name their key or
  // have a number.
  const bool misfit = link->lane.is_failure && link->lane.failure->kind == FailureKind::kProtocol;
  Counts counts{.operations = link->items.size()};
  for (Item* const item : link->items) {
    const bool doubtful = misfit && item->asked->serial == 0;
    if (doubtful && item->answer.status != Status::kHit) item->answer.status = Status::kPending;
    if (doubtful && item->removal != nullptr) item->removal->status = Status::kPending;
    const Status status = item->answer.status;
    const bool gets = IsGet(item->request.verb);
    counts.answers += status != Status::kPending;
    counts.hits += gets && status == Status::kHit;
    counts.misses += gets && status == Status::kMiss;
    counts.refusals += status >= Status::kError;
    // A value whose stale copy could not be removed first is not to be believed.
    if (item->removal != nullptr && item->removal->status >= Status::kError) {
      item->answer = *item->removal;
    }
    ReturnTicket(*item, server);
  }
  Count(counts, link, server, snapshot, begin);
}

void ClientEngine::Count(const Counts& counts, Link* link, ServerIndex server,
                         const RouterSnapshot& snapshot, TimePoint begin) {
  MetricsCell& metrics = *link->metrics;
  metrics.operations.Add(counts.operations);
  metrics.hits.Add(counts.hits);
  metrics.misses.Add(counts.misses);
  metrics.refusals.Add(counts.refusals);
  metrics.connections.Add(link->connection.opened() - link->opened_before);
  metrics.open.Set(link->connection.is_open());
  if (counts.answers > 0) {
    metrics.Observe(link->lane.finished - begin);
    core_->router().ReportSuccess(snapshot, server);
  }
  if (link->lane.is_failure) ReportFailure(link, snapshot, server, link->lane.failure->kind);
}

Error ClientEngine::LostError(const Item& item, const Link& link) const {
  const Server& server = link.connection.server();
  const WireFailure& failure = *link.lane.failure;
  Error error{CodeOf(failure.kind),
              "server " + Name(server) + ", asked to " + std::string(VerbName(item.request.verb)) +
                  " '" + std::string(item.key) + "': " + failure.what,
              server.name, std::string(item.key)};
  error.maybe_applied = item.doubtful || (item.asked->sent && Changes(item.request.verb));
  return error;
}

Error ClientEngine::AnswerError(const Item& item, const Server& server) const {
  return {ErrorCode::kRefusedByServer,
          "server " + Name(server) + ", asked to " + std::string(VerbName(item.request.verb)) +
              " '" + std::string(item.key) + "', answered: " + item.answer.data,
          server.name, std::string(item.key), item.doubtful};
}

// Whether the item is over. It is not if it got no answer and is to be asked again; which one is
// that was sent on a connection whose end was still to be noticed.
bool ClientEngine::Settle(Item* item, const Link& link, bool may_retry) {
  if (item->answer.status >= Status::kError) {
    item->error = std::make_unique<Error>(AnswerError(*item, link.connection.server()));
  } else if (item->answer.status == Status::kPending) {
    const bool had_ended =
        link.lane.failure->untaken && link.connection.opened() == link.opened_before;
    if (had_ended) return false;
    if (may_retry && (!item->asked->sent || MayRepeat(item->request.verb))) return false;
    item->error = std::make_unique<Error>(LostError(*item, link));
  }
  return true;
}

// The way of nearly all single requests: to a server whose connection stands, when nothing else is
// to be looked after. Returns false, with nothing carried out, where it is not so simple, or the
// connection turns out to have ended before.
bool ClientEngine::PerformDirectly(Item* item, TimePoint begin) {
  const ClientOptions& options = core_->options();
  if (!options.prefix.empty() || options.retry != Retry::kNone || !IsValidKey(item->key)) {
    return false;
  }
  const auto snapshot = core_->router().Snapshot(RouterTime(begin));
  if (snapshot->configuration != configuration_ || core_->MayHaveWork(*snapshot)) return false;
  if (NeedsTickets(*snapshot)) return false;
  const auto server = snapshot->Route(item->key);
  if (!server) return false;
  Link& link = *links_[*server];
  Connection& connection = link.connection;
  if (!connection.is_open()) return false;
  if (connection.needs_check() && !StillStands(&link, *snapshot, *server)) return false;
  link.items.assign(1, item);
  item->sent_key = item->key;
  MakeRequests(&link);
  RunOne(&link.lane, begin,
         std::min(DeadlineAfter(begin, options.deadline), DeadlineAfter(begin, options.timeout)));
  Account(&link, *server, *snapshot, begin);
  link.items.clear();
  if (Settle(item, link, /*may_retry=*/false)) return true;
  item->answer = {};
  return false;
}

void ClientEngine::Perform(Item* item) {
  const TimePoint begin = Clock::now();
  const InterruptScope scope(core_->options().interrupted);
  if (PerformDirectly(item, begin)) return;
  Perform({item, 1}, begin, DeadlineAfter(begin, core_->options().deadline));
}

void ClientEngine::Perform(std::span<Item> items) {
  const TimePoint begin = Clock::now();
  const InterruptScope scope(core_->options().interrupted);
  Perform(items, begin, DeadlineAfter(begin, core_->options().deadline));
}

// Whether what got no answer may be asked for again.
bool ClientEngine::MayRetry(Deadline deadline) const {
  // A signal may have come while nothing was waited for that it would have ended.
  return core_->options().retry == Retry::kUntilAnswered && Clock::now() < deadline &&
         !InterruptScope::Ask();
}

// There is no time for what is pending. To ask all the same would only be held against a server.
void ClientEngine::GiveUp() {
  for (const ServerIndex server : used_) links_[server]->items.clear();
  for (Item* item : pending_) {
    if (item->error) continue;  // that of the attempt before
    item->error = std::make_unique<Error>(
        Error{ErrorCode::kTimeout, "no time was left to ask for '" + std::string(item->key) + "'",
              "", std::string(item->key)});
  }
}

// The attempt, which may not be the first, began at `begin`.
void ClientEngine::Perform(std::span<Item> items, TimePoint begin, Deadline deadline) {
  if (!Prepare(items)) return;
  const ClientOptions& options = core_->options();
  std::chrono::milliseconds pause = kFirstPause;
  std::uint64_t last_version = 0;
  while (true) {
    TimePoint now = begin;
    const auto snapshot = RoutePending(&now);
    if (begin >= deadline) return GiveUp();
    TakeTickets(*snapshot);
    removals_.clear();
    lanes_.clear();
    for (const ServerIndex server : used_) {
      MakeRequests(links_[server].get());
      lanes_.push_back(&links_[server]->lane);
    }
    Run(lanes_, now, std::min(deadline, DeadlineAfter(begin, options.timeout)));

    ReadUnclear(*snapshot, deadline);
    for (const ServerIndex server : used_) Account(links_[server].get(), server, *snapshot, begin);
    const bool may_retry = MayRetry(deadline);
    pending_.clear();
    for (const ServerIndex server : used_) {
      Link& link = *links_[server];
      for (Item* item : link.items) {
        if (Settle(item, link, may_retry)) continue;
        if (may_retry) {
          item->error = std::make_unique<Error>(LostError(*item, link));
          item->doubtful = item->error->maybe_applied;
        }
        item->answer = {};  // of which a part may have come
        pending_.push_back(item);
      }
      link.items.clear();
    }
    if (pending_.empty()) return;
    // Where nobody was ejected the same servers would be asked at once, over and over.
    if (snapshot->version == last_version) {
      std::this_thread::sleep_until(std::min(deadline, Clock::now() + pause));
      pause = std::min(pause * 2, kLongestPause);
    }
    last_version = core_->router().Snapshot()->version;
    begin = Clock::now();
  }
}

std::vector<ClientEngine::ServerAnswer> ClientEngine::AskAll(Verb verb, std::string_view argument) {
  const auto snapshot = core_->router().Snapshot();
  Follow(*snapshot);
  std::vector<ServerAnswer> all(links_.size());
  std::vector<std::function<void(std::string_view)>> takers(links_.size());
  std::vector<Request> requests(links_.size());
  lanes_.clear();
  for (ServerIndex i = 0; i < links_.size(); ++i) {
    Link& link = *links_[i];
    all[i].server = link.connection.server();
    StillStands(&link, *snapshot, i);
    StartLane(&link);
    takers[i] = [&, i](std::string_view line) { all[i].lines.emplace_back(line); };
    requests[i] = {.verb = verb, .answers = {&all[i].answer, 1}, .lines = &takers[i]};
    if (!argument.empty()) requests[i].keys = {&argument, 1};
    link.lane.requests.push_back(&requests[i]);
    lanes_.push_back(&link.lane);
  }
  const TimePoint begin = Clock::now();
  const InterruptScope scope(core_->options().interrupted);
  Run(lanes_, begin, DeadlineAfter(begin, core_->options().deadline));
  for (ServerIndex i = 0; i < links_.size(); ++i) {
    Link& link = *links_[i];
    Item item{.request = requests[i], .answer = all[i].answer, .asked = &requests[i]};
    if (!Settle(&item, link, /*may_retry=*/false)) {
      item.error = std::make_unique<Error>(LostError(item, link));
    }
    all[i].error = std::move(item.error);
    // twemproxy never asks a server that is out, so what it then says is not counted.
    if (snapshot->ejected[i]) link.lane.is_failure = false;
    Account(&link, i, *snapshot, begin);
  }
  return all;
}

void ClientEngine::CheckIdle() {
  const auto snapshot = core_->router().Snapshot();
  Follow(*snapshot);
  for (ServerIndex i = 0; i < links_.size(); ++i) StillStands(links_[i].get(), *snapshot, i);
}

}  // namespace shardcache::inline v0::internal
