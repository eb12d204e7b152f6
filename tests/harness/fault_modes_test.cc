// Each mode of an echo backend as a raw client sees it.
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "tests/harness/echo_backends.h"
#include "tests/harness/process.h"
#include "tests/harness/text_client.h"

namespace shardcache::testing {
namespace {

constexpr Milliseconds kShort(100);

std::error_code ConnectError(const std::string& address) {
  try {
    TextClient client(address);
  } catch (const std::system_error& error) {
    return error.code();
  }
  return {};
}

// Every mode on TCP and on a unix socket.
class FaultModes : public ::testing::TestWithParam<bool> {
 protected:
  FaultModes() : backend_(backends_.Add("s0", GetParam() ? dir_.File("s0.sock") : "")) {}

  TextClient Client() const { return TextClient(backends_.address(backend_)); }
  BackendCounters Counters() const { return backends_.Counters(backend_); }
  void SetMode(Mode mode, Milliseconds delay = kShort) { backends_.SetMode(backend_, mode, delay); }

  const Answer kHit = {Status::kHit, "s0"};

  TempDir dir_;
  EchoBackends backends_;
  int backend_;
};

INSTANTIATE_TEST_SUITE_P(, FaultModes, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Unix" : "Tcp"; });

TEST_P(FaultModes, ServingAnswersWithTheIdentity) {
  TextClient client = Client();
  EXPECT_EQ(client.Get("key"), kHit);
  EXPECT_EQ(client.Get("\x80\xff{}$"), kHit);
  EXPECT_EQ(client.Set("key", "a\r\nb"), (Answer{Status::kOk, "STORED"}));
  EXPECT_EQ(client.Set("big", std::string(3'000'000, 'x')), (Answer{Status::kOk, "STORED"}));
  EXPECT_EQ(client.Ask("nonsense"), (Answer{Status::kError, "ERROR"}));
  EXPECT_EQ(client.Delete("key"), (Answer{Status::kError, "ERROR"}));
  EXPECT_EQ(Counters().requests, 6U);
  EXPECT_EQ(Counters().accepted, 1U);
  EXPECT_EQ(Counters().open, 1U);
}

TEST_P(FaultModes, RefusingClosesConnectionsAndRefusesNewOnesUntilItServesAgain) {
  TextClient client = Client();
  EXPECT_EQ(client.Get("key"), kHit);
  for (int round = 0; round < 3; ++round) {
    SetMode(Mode::kRefuse);
    EXPECT_EQ(Counters().open, 0U);
    EXPECT_EQ(client.Get("key").status, Status::kClosed);
    EXPECT_EQ(ConnectError(backends_.address(backend_)), std::errc::connection_refused);
    SetMode(Mode::kServe);
    client.Reconnect();
    EXPECT_EQ(client.Get("key"), kHit);
  }
  EXPECT_EQ(Counters().closed_by_fault, 3U);
}

TEST_P(FaultModes, ResettingResetsAtTheNextRequest) {
  TextClient client = Client();
  EXPECT_EQ(client.Get("key"), kHit);
  SetMode(Mode::kReset);
  EXPECT_EQ(Counters().open, 1U);
  EXPECT_EQ(client.Get("key"), (Answer{Status::kClosed, "Connection reset by peer"}));
  client.Reconnect();
  EXPECT_EQ(client.Get("key"), (Answer{Status::kClosed, "Connection reset by peer"}));
  EXPECT_EQ(Counters().closed_by_fault, 2U);
  EXPECT_EQ(Counters().requests, 3U);
}

TEST_P(FaultModes, HangingNeverAnswersWhatItSwallowed) {
  TextClient client = Client();
  TextClient idle = Client();
  SetMode(Mode::kHang);
  EXPECT_EQ(client.Get("key", kShort).status, Status::kTimeout);
  EXPECT_FALSE(client.connected());
  client.Reconnect();
  std::thread later([this] {
    while (Counters().requests < 2) std::this_thread::sleep_for(Milliseconds(1));
    SetMode(Mode::kServe);
  });
  EXPECT_EQ(client.Get("key", Milliseconds(300)).status, Status::kTimeout);
  later.join();
  EXPECT_EQ(idle.Get("key"), kHit);
  EXPECT_EQ(Counters().requests, 3U);
}

TEST_P(FaultModes, ClosingMidAnswerSendsHalfOfTheFirstAnswer) {
  SetMode(Mode::kCloseMidAnswer);
  const Fd fd = Connect(Address(backends_.address(backend_)), Clock::now() + kShort);
  const std::string request = "get a\r\nget b\r\n";
  ASSERT_EQ(::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
  std::string received;
  while (true) {
    char buffer[100];
    ASSERT_TRUE(WaitFor(fd.get(), POLLIN, Clock::now() + std::chrono::seconds(5)));
    const ssize_t size = ::recv(fd.get(), buffer, sizeof buffer, 0);
    ASSERT_GE(size, 0);
    if (size == 0) break;
    received.append(buffer, static_cast<std::size_t>(size));
  }
  const std::string answer = "VALUE a 0 2\r\ns0\r\nEND\r\n";
  EXPECT_EQ(received, answer.substr(0, answer.size() / 2));
  EXPECT_EQ(Counters().closed_by_fault, 1U);
  EXPECT_EQ(Counters().open, 0U);

  TextClient client = Client();
  EXPECT_EQ(client.Get("key"), (Answer{Status::kClosed, "end of file"}));
}

TEST_P(FaultModes, SlowAnswersComeAfterTheDelayAndInOrder) {
  TextClient client = Client();
  SetMode(Mode::kSlow, Milliseconds(150));
  std::vector<std::string> keys;  // the client checks that each answer names its key
  for (int i = 0; i < 500; ++i) keys.push_back("key" + std::to_string(i));
  const Clock::time_point start = Clock::now();
  const std::vector<Answer> answers = client.GetMany(keys, Milliseconds(5000), 500);
  EXPECT_EQ(std::count(answers.begin(), answers.end(), kHit), 500);
  EXPECT_GE(Clock::now() - start, Milliseconds(150));
  EXPECT_EQ(client.Get("key", Milliseconds(50)).status, Status::kTimeout);
  SetMode(Mode::kServe);
  client.Reconnect();
  EXPECT_EQ(client.Get("key"), kHit);
}

TEST_P(FaultModes, ClosingIdleConnectionsClosesThemAllAndListensOn) {
  TextClient first = Client();
  TextClient second = Client();
  EXPECT_EQ(backends_.CloseIdleConnections(backend_), 2);
  EXPECT_EQ(backends_.CloseIdleConnections(backend_), 0);
  EXPECT_EQ(first.Get("key").status, Status::kClosed);
  EXPECT_EQ(second.Get("key").status, Status::kClosed);
  first.Reconnect();
  EXPECT_EQ(first.Get("key"), kHit);
  EXPECT_EQ(Counters().accepted, 3U);
  EXPECT_EQ(Counters().closed_by_fault, 2U);
}

TEST_P(FaultModes, ClosesOfThePeerAreNotCountedAsFaults) {
  { const TextClient client = Client(); }
  const Clock::time_point deadline = Clock::now() + std::chrono::seconds(5);
  while (Counters().open > 0 && Clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(Counters().open, 0U);
  EXPECT_EQ(Counters().closed_by_fault, 0U);
}

TEST_P(FaultModes, MayBeSwitchedWhileClientsAsk) {
  std::atomic<bool> done = false;
  std::thread asker([&] {
    const std::vector<std::string> keys(1000, "key");
    std::unique_ptr<TextClient> client;
    while (!done) {
      try {
        if (!client || !client->connected()) client = std::make_unique<TextClient>(Client());
        client->GetMany(keys, Milliseconds(20));
      } catch (const std::system_error&) {  // refused
      }
    }
  });
  for (int round = 0; round < 20; ++round) {
    for (const Mode mode : {Mode::kServe, Mode::kReset, Mode::kRefuse, Mode::kHang, Mode::kSlow,
                            Mode::kCloseMidAnswer}) {
      SetMode(mode, Milliseconds(1));
      backends_.CloseIdleConnections(backend_);
      std::this_thread::sleep_for(Milliseconds(2));
    }
  }
  done = true;
  asker.join();
  SetMode(Mode::kServe);
  EXPECT_EQ(Client().Get("key"), kHit);
}

TEST(EchoBackends, SeveralHundredServeAtOnceOnManyAddresses) {
  EchoBackends backends;
  constexpr int kCount = 400;
  const std::string port = ":" + std::to_string(FreePort());
  for (int i = 0; i < kCount; ++i) {
    const bool own_host = i % 2 == 1;
    const std::string host = "127.77." + std::to_string(i / 200) + "." + std::to_string(i % 200);
    ASSERT_EQ(backends.Add("s" + std::to_string(i), own_host ? host + port : ""), i);
  }
  std::vector<TextClient> clients;
  for (int i = 0; i < kCount; ++i) clients.emplace_back(backends.address(i));
  for (int i = 0; i < kCount; ++i) {
    EXPECT_EQ(clients[static_cast<std::size_t>(i)].Get("key"),
              (Answer{Status::kHit, backends.identity(i)}));
  }
  EXPECT_THROW(backends.Add("twice", backends.address(0)), std::system_error);
  EXPECT_EQ(backends.size(), kCount);
}

}  // namespace
}  // namespace shardcache::testing
