// The half of EchoBackends::Loop that deals with one connection.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "tests/harness/echo_loop.h"
#include "tests/harness/echo_protocol.h"

namespace shardcache::testing {

void EchoBackends::Loop::HandleEvents(Connection& connection, std::uint32_t events) {
  if (connection.fd && (events & EPOLLOUT)) Flush(connection);
  if (connection.fd && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) Read(connection);
}

void EchoBackends::Loop::Read(Connection& connection) {
  const bool reset = connection.backend.mode == Mode::kReset;
  // A unix socket closed with unread bytes resets its peer, so for kReset they are left unread.
  const ssize_t size = ::recv(connection.fd.get(), buffer_.data(), buffer_.size(),
                              reset && !connection.last_answer ? MSG_PEEK : 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) return Close(connection, /*by_fault=*/false);
  if (connection.last_answer) return;  // only waits for the peer to close, too
  connection.in.append(buffer_.data(), static_cast<std::size_t>(size));
  AnswerInput(connection);
}

void EchoBackends::Loop::AnswerInput(Connection& connection) {
  Backend& backend = connection.backend;
  std::string_view rest = connection.in;
  std::size_t first_answer = 0;
  std::uint64_t requests = 0;
  answers_.clear();
  while (const std::size_t size = AnswerRequest(rest, backend.identity, &answers_)) {
    rest.remove_prefix(size);
    ++requests;
    if (first_answer == 0) first_answer = answers_.size();
  }
  backend.counters.requests += requests;
  connection.in.erase(0, connection.in.size() - rest.size());

  if (backend.mode == Mode::kReset) return Reset(connection);
  connection.mute = connection.mute || (backend.mode == Mode::kHang && requests > 0);
  if (connection.mute || answers_.empty()) return;
  if (backend.mode == Mode::kCloseMidAnswer) {
    connection.last_answer = true;
    return Send(connection, std::string_view(answers_).substr(0, first_answer / 2));
  }
  Send(connection, answers_);
}

void EchoBackends::Loop::Send(Connection& connection, std::string_view answer) {
  const bool slow = connection.backend.mode == Mode::kSlow;
  if (!slow && connection.delayed.empty()) {
    connection.out.append(answer);
    return Flush(connection);
  }
  Clock::time_point due = Clock::now() + (slow ? connection.backend.delay : Milliseconds(0));
  if (!connection.delayed.empty()) due = std::max(due, connection.delayed.back().due);
  connection.delayed.push_back({due, std::string(answer)});
  timers_.emplace(due, connection.id);
}

void EchoBackends::Loop::Flush(Connection& connection) {
  while (connection.out_sent < connection.out.size()) {
    const ssize_t sent = ::send(connection.fd.get(), connection.out.data() + connection.out_sent,
                                connection.out.size() - connection.out_sent, MSG_NOSIGNAL);
    if (sent >= 0) {
      connection.out_sent += static_cast<std::size_t>(sent);
    } else if (errno == EAGAIN) {
      if (!connection.watches_out) {
        Watch(connection.fd, EPOLLIN | EPOLLOUT, connection.id, EPOLL_CTL_MOD);
        connection.watches_out = true;
      }
      return;
    } else if (errno != EINTR) {
      return Close(connection, /*by_fault=*/false);
    }
  }
  connection.out.clear();
  connection.out_sent = 0;
  if (connection.watches_out) {
    Watch(connection.fd, EPOLLIN, connection.id, EPOLL_CTL_MOD);
    connection.watches_out = false;
  }
  if (connection.last_answer && connection.delayed.empty() && connection.counted_open) {
    // Not close(): requests that are still on their way would then be met by a reset, which could
    // overtake the half answer. The peer's own close ends the connection.
    ::shutdown(connection.fd.get(), SHUT_WR);
    CountClosed(connection, /*by_fault=*/true);
  }
}

void EchoBackends::Loop::SendDue() {
  const Clock::time_point now = Clock::now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const auto it = connections_.find(timers_.begin()->second);
    timers_.erase(timers_.begin());
    if (it == connections_.end() || !it->second->fd) continue;
    Connection& connection = *it->second;
    while (!connection.delayed.empty() && connection.delayed.front().due <= now) {
      connection.out.append(connection.delayed.front().bytes);
      connection.delayed.pop_front();
    }
    Flush(connection);
  }
}

int EchoBackends::Loop::MsUntilDue() const {
  if (timers_.empty()) return -1;
  const auto left = std::chrono::ceil<Milliseconds>(timers_.begin()->first - Clock::now());
  return static_cast<int>(std::max<Milliseconds::rep>(left.count(), 0));
}

void EchoBackends::Loop::Reset(Connection& connection) {
  const linger now = {.l_onoff = 1, .l_linger = 0};
  ::setsockopt(connection.fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  Close(connection, /*by_fault=*/true);
}

void EchoBackends::Loop::Close(Connection& connection, bool by_fault) {
  CountClosed(connection, by_fault);
  connection.fd.Reset();
  closed_.push_back(connection.id);
}

void EchoBackends::Loop::CountClosed(Connection& connection, bool by_fault) {
  if (!connection.counted_open) return;
  connection.counted_open = false;
  --connection.backend.counters.open;
  if (by_fault) ++connection.backend.counters.closed_by_fault;
}

}  // namespace shardcache::testing
