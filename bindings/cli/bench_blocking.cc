// The load of `shardcache bench` as applications make it: a thread waits for each answer.
#include <poll.h>

#include <array>
#include <optional>
#include <thread>

#include "bindings/cli/bench_request.h"
#include "bindings/cli/bench_run.h"
#include "lib/wire/exchange.h"
#include "shardcache/client.h"

namespace shardcache::cli {
namespace {

using internal::Connection;
using internal::Lane;
using internal::WireFailure;

// Waits until a request may be begun, and returns when its response time begins.
TimePoint AwaitTurn(const Course& course, const Course::Turn& turn) {
  if (!course.phase().rate) return Clock::now();
  std::this_thread::sleep_until(turn.due);
  return turn.due;
}

// Connects; the failure to do so is one of the request's.
std::optional<WireFailure> Connect(Connection* connection, TimePoint deadline, Tally* tally) {
  TimePoint now = Clock::now();
  const TimePoint begin = now;
  auto failure = connection->Open(deadline);
  while (!failure && !connection->is_open()) {
    if (now >= deadline) {
      connection->Close();
      return WireFailure{FailureKind::kTimeout, "no connection in time"};
    }
    pollfd writable = {.fd = connection->fd(), .events = POLLOUT, .revents = 0};
    poll(&writable, 1, internal::PollTimeout(deadline, now));
    failure = connection->Send();
    now = Clock::now();
  }
  if (!failure) tally->connect.Add(now - begin);
  return failure;
}

void Ask(Connection* connection, const Course& course, const Course::Turn& turn,
         BenchRequest* request, Tally* tally) {
  TimePoint begun = AwaitTurn(course, turn);
  request->Make(turn.choice, tally);
  const TimePoint deadline = Clock::now() + course.phase().timeout;
  if (!connection->is_open()) {
    if (const auto failure = Connect(connection, deadline, tally)) {
      return request->CountFailure(connection->server(), *failure, tally);
    }
    if (!course.phase().rate) begun = Clock::now();
  }
  Lane lane{.connection = connection, .requests = {request->get()}};
  const std::array<Lane*, 1> lanes = {&lane};
  internal::Run(lanes, begun, deadline);
  if (request->answered()) {
    request->CountAnswer(connection->server(), lane.finished - begun, tally);
  } else {
    request->CountFailure(connection->server(), *lane.failure, tally);
  }
}

Ending EndingOf(const Error& error) {
  switch (error.code) {
    case ErrorCode::kNoLiveServer:
      return Ending::kNoServer;
    case ErrorCode::kTimeout:
      return Ending::kTimeout;
    case ErrorCode::kDisconnected:
      return error.message.ends_with("Connection refused") ? Ending::kRefused : Ending::kLost;
    case ErrorCode::kProtocol:
      return Ending::kProtocol;
    case ErrorCode::kRefusedByServer:
      return Ending::kServerError;
    default:
      return Ending::kOther;
  }
}

// The ending of a request whose client has a Result for it.
template <typename T>
Ending Judge(const Result<T>& result, auto judge, std::string* words) {
  if (result.ok()) return judge(*result);
  *words = result.error().message;
  return EndingOf(result.error());
}

void AskClient(Client& client, const Workload& workload, const Workload::Choice& choice,
               const std::string& key, TimePoint begun, Tally* tally) {
  const std::string_view value = workload.ValueOf(choice.key);
  std::string words = "key \"" + key + "\": not the value that was stored";
  Ending ending = Ending::kWrong;
  if (choice.get) {
    const auto judge = [&](const std::optional<Value>& got) {
      if (!got) return Ending::kMiss;
      return got->data == value ? Ending::kHit : Ending::kWrong;
    };
    ending = Judge(client.Get(key), judge, &words);
  } else {
    const auto judge = [](Outcome outcome) {
      return outcome == Outcome::kStored ? Ending::kStored : Ending::kWrong;
    };
    ending = Judge(client.Set(key, value, std::chrono::seconds(workload.expire())), judge, &words);
  }
  const std::size_t sent = choice.get ? 0 : value.size();
  tally->bytes_sent += RequestBytes(choice.get, key.size(), sent, workload.expire());
  tally->bytes_received += AnswerBytes(ending, key.size(), value.size());
  if (IsError(ending)) return tally->AddError(ending, words);
  tally->Add(ending);
  tally->response.Add(Clock::now() - begun);
}

}  // namespace

Tally RunBlocking(const std::vector<Server>& servers, Course& course) {
  Tally tally;
  BenchRequest request(course.workload());
  while (const auto number = course.Connect()) {
    Connection connection(servers[*number % servers.size()]);
    for (std::uint64_t call = 0; call < course.phase().calls; ++call) {
      const auto turn = course.Take(Clock::now());
      if (!turn) return tally;
      Ask(&connection, course, *turn, &request, &tally);
    }
  }
  return tally;
}

Tally RunClient(const PoolConfig& pool, Course& course) {
  Tally tally;
  std::string key;
  while (course.Connect()) {
    Result<Client> client = Client::Create(pool, {.timeout = course.phase().timeout});
    for (std::uint64_t call = 0; call < course.phase().calls; ++call) {
      const auto turn = course.Take(Clock::now());
      if (!turn) return tally;
      course.workload().MakeKey(turn->choice.key, &key);
      AskClient(*client, course.workload(), turn->choice, key, AwaitTurn(course, *turn), &tally);
    }
  }
  return tally;
}

}  // namespace shardcache::cli
