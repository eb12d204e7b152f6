#include "lib/fleet/facts.h"

#include <charconv>
#include <functional>
#include <map>
#include <string_view>

namespace shardcache::inline v0::internal {
namespace {

using Statistics = std::map<std::string, std::string, std::less<>>;

std::int64_t NumberOf(const Statistics& statistics, std::string_view name) {
  const auto found = statistics.find(name);
  if (found == statistics.end()) return 0;
  std::int64_t number = 0;
  const std::string& text = found->second;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// What one server is asked, all at once; the answers' places must not move.
struct Questions {
  Statistics general;
  Statistics settings;
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
      into.insert_or_assign(std::string(line.substr(0, blank)),
                            std::string(line.substr(blank + 1)));
    };
  }
};

Result<ServerFacts> FactsOf(const Server& server, const Questions& asked,
                            const std::string& failure) {
  for (const Answer& answer : asked.answers) {
    if (answer.status == Status::kOk) continue;
    Error error = RefusalOf(server, "the question for its version and statistics", answer, failure);
    error.message += "; only a memcached itself will do, not a proxy";
    return error;
  }
  ServerFacts facts;
  facts.version = asked.answers[0].data;
  const auto cas = asked.settings.find("cas_enabled");
  facts.has_cas = cas == asked.settings.end() || cas->second != "no";
  const std::int64_t time = NumberOf(asked.general, "time");
  facts.clock_ahead = time > 0 ? time - UnixNow() : 0;
  facts.uptime = NumberOf(asked.general, "uptime");
  facts.items = static_cast<std::uint64_t>(NumberOf(asked.general, "curr_items"));
  if (!facts.has_cas) {
    return Error{ErrorCode::kRefusedByServer,
                 server.address() +
                     ": this memcached was started with -C (--disable-cas), so that nobody can "
                     "tell whether a value has changed; start it without -C",
                 server.name};
  }
  return facts;
}

}  // namespace

std::int64_t UnixNow() {
  return std::chrono::floor<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
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
  links.Run();
  std::vector<ServerFacts> all;
  for (std::size_t i = 0; i < links.size(); ++i) {
    auto facts = FactsOf(links.server(i), asked[i], links.failure(i));
    if (!facts.ok()) return facts.error();
    all.push_back(*std::move(facts));
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

}  // namespace shardcache::inline v0::internal
