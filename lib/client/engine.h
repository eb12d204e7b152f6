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
  const Request* asked = nullptr;  // `request`, or that of a multi-get
  Answer* removal = nullptr;       // of the deletion of a stale copy, if there was one
  bool doubtful = false;           // it may have been carried out, whatever its end
};

// For one thread at a time.
class ClientEngine {
 public:
  explicit ClientEngine(std::shared_ptr<ClientCore> core);

  ClientCore& core() const { return *core_; }

  // Has each item answered, or failed. All that lead to one server are asked in order.
  void Perform(std::span<Item> items);
  // The same for one.
  void Perform(Item* item);

  // Gets all keys, by one command a server, and calls take(Answer&&, std::unique_ptr<Error>) for
  // each in order.
  template <typename Take>
  void GetMany(std::span<const std::string_view> keys, const Take& take) {
    std::vector<Item> items;
    if (GetAllAtOnce(keys, &items)) {
      for (const ServerIndex server : routes_) take(links_[server]->NextAnswer(), nullptr);
    } else {
      for (Item& item : items) take(std::move(item.answer), std::move(item.error));
    }
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

    // To the first of `keys` that has not been taken yet.
    Answer&& NextAnswer() { return std::move(answers[taken++]); }

    // Of the attempt that is under way.
    Lane lane;
    std::vector<Item*> items;
    std::deque<Request> marks;  // behind quiet requests
    Answer mark_answer;
    std::uint64_t opened_before = 0;

    // Of a multi-get.
    Request get;
    std::vector<std::string_view> keys;
    std::vector<Answer> answers;
    std::size_t taken = 0;
  };

  // What came of requests to one server.
  struct Counts {
    std::size_t operations = 0;
    std::size_t answers = 0;
    std::size_t hits = 0;
    std::size_t misses = 0;
    std::size_t refusals = 0;
  };

  void Perform(std::span<Item> items, TimePoint begin, Deadline deadline);
  bool PerformDirectly(Item* item, TimePoint begin);
  bool GetAllAtOnce(std::span<const std::string_view> keys, std::vector<Item>* items);
  bool AnyIsStale(std::span<const std::string_view> sent, const RouterSnapshot& snapshot) const;
  bool Divide(std::span<const std::string_view> keys, std::span<const std::string_view> sent);
  void MakeGets();
  bool AccountGets(const RouterSnapshot& snapshot, TimePoint begin);
  void TakeOver(std::span<Item> items, bool may_retry);
  void Follow(const RouterSnapshot& snapshot);
  std::span<const std::string_view> WithPrefix(std::span<const std::string_view> keys);
  bool Prepare(std::span<Item> items);
  std::shared_ptr<const RouterSnapshot> Route(std::span<const std::string_view> keys,
                                              TimePoint* now);
  void FindServers(std::span<const std::string_view> keys, const RouterSnapshot& snapshot);
  std::shared_ptr<const RouterSnapshot> RoutePending(TimePoint* now);
  bool CheckConnections(const RouterSnapshot& snapshot);
  bool StillStands(Link* link, const RouterSnapshot& snapshot, ServerIndex server);
  bool NeedsTickets(const RouterSnapshot& snapshot) const;
  void TakeTickets(const RouterSnapshot& snapshot);
  static void StartLane(Link* link);
  void MakeRequests(Link* link);
  void RemoveFirst(Link* link, Item* item);
  void MakeQuiet(Link* link);
  static Request* Mark(Link* link);
  void ReadUnclear(const RouterSnapshot& snapshot, Deadline deadline);
  bool MayRetry(Deadline deadline) const;
  void GiveUp();
  void Account(Link* link, ServerIndex server, const RouterSnapshot& snapshot, TimePoint begin);
  void Count(const Counts& counts, Link* link, ServerIndex server, const RouterSnapshot& snapshot,
             TimePoint begin);
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
  std::vector<std::string_view> keys_;
  std::vector<std::string_view> sent_keys_;
  std::string prefixed_;             // what those view, if there is a prefix
  std::vector<ServerIndex> routes_;  // of the keys that were routed last
  std::vector<ServerIndex> used_;    // those in it, each once
  std::vector<bool> is_used_;
  std::vector<Lane*> lanes_;
  struct Removal {
    Request request;
    Answer answer;
  };
  std::deque<Removal> removals_;
};

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_CLIENT_ENGINE_H_
