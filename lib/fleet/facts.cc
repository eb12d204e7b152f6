#include "lib/fleet/facts.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <random>
#include <string_view>

namespace shardcache::inline v0::internal {
namespace {

using Statistics = std::map<std::string, std::string, std::less<>>;

// One of those that were asked for; 0 if the server does not tell it.
std::int64_t NumberOf(const Statistics& statistics, std::string_view name) {
  std::int64_t number = 0;
  const std::string& text = statistics.find(name)->second;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return std::clamp<std::int64_t>(number, 0, kLatestTime);
}

// What one server is asked, all at once; the answers' places must not move.
struct Questions {
  Statistics general = {{"time", ""}, {"uptime", ""}};
  Statistics settings = {{"cas_enabled", ""}};
  std::function<void(std::string_view)> read_general = Reader(general);
  std::function<void(std::string_view)> read_settings = Reader(settings);
  std::string_view settings_key = "settings";
  Answer answers[3];
  Request requests[3] = {
      {.verb = Verb::kVersion, .answers = {&answers[0], 1}},
      {.verb = Verb::kStats, .answers = {&answers[1], 1}, .lines = &read_general},
      {.verb = Verb::kStats,
       .keys = {&settings_key, 1},
       .answers = {&answers[2], 1},
       .lines = &read_settings}};

  static std::function<void(std::string_view)> Reader(Statistics& into) {
    return [&into](std::string_view line) {
      line.remove_prefix(std::string_view("STAT ").size());
      const std::size_t blank = line.find(' ');
      if (blank == std::string_view::npos) return;
      // Of others there may be any number.
      const auto known = into.find(line.substr(0, blank));
      if (known != into.end()) known->second = line.substr(blank + 1);
    };
  }
};

Result<ServerFacts> FactsOf(const Server& server, bool connected, const Questions& asked,
                            const std::string& failure) {
  for (const Answer& answer : asked.answers) {
    if (answer.status == Status::kOk) continue;
    Error error = RefusalOf(server, "the question for its version and statistics", answer, failure);
    // So do proxies answer, or not at all.
    if (connected && answer.status != Status::kClientError) {
      error.message += "; only a memcached itself will do, not a proxy";
    }
    return error;
  }
  ServerFacts facts;
  facts.version = asked.answers[0].data;
  facts.time = NumberOf(asked.general, "time");
  facts.uptime = NumberOf(asked.general, "uptime");
  if (asked.settings.find("cas_enabled")->second == "no") {
    return Error{ErrorCode::kRefusedByServer,
                 server.address() +
                     ": this memcached was started with -C (--disable-cas), so that nobody can "
                     "tell whether a value has changed; start it without -C",
                 server.name};
  }
  return facts;
}

// Why a server did not take the mark of CheckApart().
Error NotMarked(const Links& links, std::size_t index, const Answer& answer) {
  const Server& server = links.server(index);
  if (answer.status == Status::kNotStored) {
    return {
        ErrorCode::kInvalidArgument,
        server.address() + " is a server that is named by another address too; give it one address",
        server.name};
  }
  Error error = RefusalOf(server, "add", answer, links.failure(index));
  if (answer.status == Status::kServerError) {
    error.message += ", of a key of no bytes that lives 10 s; make room there first";
  }
  return error;
}

}  // namespace

std::int64_t ServerTime(const ServerFacts& facts, TimePoint at) {
  return facts.time + std::chrono::floor<std::chrono::seconds>(at - facts.answered_at).count();
}

std::int64_t LatestServerTime(const ServerFacts& facts, TimePoint at) {
  return facts.time + std::chrono::ceil<std::chrono::seconds>(at - facts.asked_at).count();
}

Error RefusalOf(const Server& server, const std::string& what, const Answer& answer,
                const std::string& failure) {
  if (answer.status != Status::kPending) {
    return {ErrorCode::kRefusedByServer,
            server.address() + " answered '" + answer.data + "' to " + what, server.name};
  }
  return {ErrorCode::kDisconnected,
          server.address() + ": " + (failure.empty() ? "no answer" : failure), server.name};
}

Result<std::vector<ServerFacts>> AskFacts(Links& links) {
  std::vector<Questions> asked(links.size());
  for (std::size_t i = 0; i < links.size(); ++i) {
    for (Request& request : asked[i].requests) links.Queue(i, &request);
  }
  const TimePoint asked_at = Clock::now();
  links.Run();
  const TimePoint answered_at = Clock::now();
  std::vector<ServerFacts> all;
  for (std::size_t i = 0; i < links.size(); ++i) {
    auto facts = FactsOf(links.server(i), links.connected(i), asked[i], links.failure(i));
    if (!facts.ok()) return facts.error();
    all.push_back(*std::move(facts));
    all.back().asked_at = asked_at;
    all.back().answered_at = answered_at;
  }
  // A server that does not know this may close the connection, so it is asked by itself.
  std::vector<Answer> answers(links.size());
  std::vector<Request> requests(links.size());
  for (std::size_t i = 0; i < links.size(); ++i) {
    requests[i] = {.verb = Verb::kMetaNoop, .answers = {&answers[i], 1}};
    links.Queue(i, &requests[i]);
  }
  links.Run();
  for (std::size_t i = 0; i < links.size(); ++i) {
    all[i].has_meta = answers[i].status == Status::kOk;
  }
  return all;
}

Result<void> CheckApart(Links& links) {
  std::random_device random;
  const std::string mark = "shardcache:mark:" + std::to_string(random()) + std::to_string(random());
  const std::string_view key = mark;
  std::vector<Answer> answers(links.size());
  std::vector<Request> requests(links.size());
  std::size_t marked = 0;
  for (; marked < links.size(); ++marked) {
    requests[marked] = {
        .verb = Verb::kAdd, .keys = {&key, 1}, .expire = 10, .answers = {&answers[marked], 1}};
    links.Queue(marked, &requests[marked]);
    links.Run();
    if (answers[marked].status != Status::kStored) break;
  }
  Result<void> apart =
      marked == links.size() ? Result<void>() : NotMarked(links, marked, answers[marked]);
  for (std::size_t i = 0; i < marked; ++i) {
    requests[i].verb = Verb::kDelete;
    links.Queue(i, &requests[i]);
  }
  links.Run();
  return apart;
}

}  // namespace shardcache::inline v0::internal
