// The work of one Client: routes, asks, and accounts for what came of it.
#ifndef SHARDCACHE_LIB_CLIENT_ENGINE_H_
#define SHARDCACHE_LIB_CLIENT_ENGINE_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/client/core.h"
#include "lib/wire/connection.h"
#include "lib/wire/exchange.h"

namespace shardcache::inline v0::internal {

// One key of a call, and what came of it. Stays where it is while it is under way.
struct Item {
  // Asked for by the caller.
  std::string_view key = {};  // as the application has it
  Request request = {};       // its verb, value, flags, expire and number

  // The result: an answer that is not pending, or an error.
  Answer answer = {};
  std::unique_ptr<Error> error = {};

  // While it is under way.
  std::string_view sent_key = {};  // with the prefix
  ServerIndex server = kNoServer;
  StaleKeys::Ticket ticket = {};
  Request* asked = nullptr;   // `request`, or the merged one
  Answer* removal = nullptr;  // of the deletion of a stale copy, if there was one
  bool doubtful = false;      // it was refused, it seems, but may have been carried out
};

// For one thread at a time.
class ClientEngine {
 public:
  explicit ClientEngine(std::shared_ptr<ClientCore> core);

  ClientCore& core() const { return *core_; }

  // Has each item answered, or failed. All that lead to one server are asked in order; with
  // `merge`, for items that are all plain gets, by one command.
  void Perform(std::span<Item> items, bool merge) { Perform(items, merge, Clock::now()); }

  // The same for one.
  void Perform(Item* item) {
    const TimePoint begin = Clock::now();
    if (!PerformDirectly(item, begin)) Perform({item, 1}, /*merge=*/false, begin);
  }

  // Asks every server, ejected or not, the same without a key; answers by server index, an error
  // where there is none. `lines` gets what the servers list, with the server's index.
  struct ServerAnswer {
    Server server;
    Answer answer;
    std::unique_ptr<Error> error;
    std::vector<std::string> lines;
  };
  std::vector<ServerAnswer> AskAll(Verb verb, std::string_view argument = {});

  void CheckIdle();
  ClientMetrics Metrics() const { return core_->MetricsOf(*metrics_); }

 private:
  // A server of the configuration in force.
  struct Link {
    explicit Link(const Server& server) : connection(server, Numbers::kIfPossible) {}

    Connection connection;
    std::shared_ptr<MetricsCell> metrics;

    // Of the attempt that is under way.
    Lane lane;
    std::vector<Item*> items;
    Request merged;  // of a merged get
    std::vector<std::string_view> keys;
    std::vector<Answer> answers;
    std::deque<Request> marks;  // behind quiet requests
    Answer mark_answer;
    std::uint64_t opened_before = 0;
  };

  void Perform(std::span<Item> items, bool merge, TimePoint begin);
  bool PerformDirectly(Item* item, TimePoint begin);
  void Follow(const RouterSnapshot& snapshot);
  bool Prepare(std::span<Item> items);
  void Route(const RouterSnapshot& snapshot);
  bool CheckConnections(const RouterSnapshot& snapshot);
  bool StillStands(Link* link, const RouterSnapshot& snapshot, ServerIndex server);
  void TakeTickets(const RouterSnapshot& snapshot);
  void MakeRequests(Link* link, bool merge);
  void RemoveFirst(Link* link, Item* item);
  void MakeQuiet(Link* link);
  static Request* Mark(Link* link);
  void ReadUnclear(const RouterSnapshot& snapshot, Deadline deadline);
  void Account(Link* link, ServerIndex server, const RouterSnapshot& snapshot, TimePoint begin);
  void ReturnTicket(const Item& item, ServerIndex server);
  bool Settle(Item* item, const Link& link, bool may_retry);
  Error LostError(const Item& item, const Link& link) const;
  Error AnswerError(const Item& item, const Server& server) const;
  void ReportFailure(Link* link, const RouterSnapshot& snapshot, ServerIndex server,
                     FailureKind kind);
  TimePoint RouterTime(TimePoint now) const;

  std::shared_ptr<ClientCore> core_;
  std::shared_ptr<MetricsOfClient> metrics_;
  std::uint64_t configuration_ = 0;
  std::vector<std::unique_ptr<Link>> links_;  // by server index

  // Kept from call to call for their memory.
  std::vector<Item*> pending_;
  std::vector<std::string_view> route_keys_;
  std::vector<ServerIndex> routes_;
  std::vector<ServerIndex> used_;  // servers of the attempt
  std::vector<Lane*> lanes_;
  struct Removal {
    Request request;
    Answer answer;
  };
  std::deque<Removal> removals_;
  std::string prefixed_;
};

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_CLIENT_ENGINE_H_
