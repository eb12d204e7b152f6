#include "lib/wire/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "lib/wire/interrupt.h"

namespace shardcache::inline v0::internal {
namespace {

constexpr std::size_t kFirstBuffer = 4096;
constexpr std::size_t kLargestBuffer = 256 * 1024;
static_assert(kFirstBuffer < Parser::kMaxLine && kLargestBuffer > Parser::kMaxLine);

// Below this the kernel's clock for socket time-outs is too coarse.
constexpr std::chrono::milliseconds kShortestSocketWait(50);
constexpr std::chrono::hours kLongestSocketWait(1);

WireFailure ClosedByServer() { return {FailureKind::kClosed, "the server closed the connection"}; }

WireFailure Interrupted() { return {FailureKind::kOther, "the program interrupted the call"}; }

}  // namespace

std::optional<WireFailure> Connection::Fail(WireFailure failure) {
  Close();
  return failure;
}

void Connection::Close() {
  socket_.Close();
  state_ = State::kClosed;
  addresses_.clear();
  sent_ = out_end_ = in_begin_ = in_end_ = 0;
  waiting_.clear();
  parser_ = Parser();
}

std::optional<WireFailure> Connection::CheckIdle() {
  if (state_ != State::kOpen) return std::nullopt;
  if (in_begin_ == in_end_) {
    char byte = 0;
    const ssize_t size = ::recv(socket_.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
    if (size == 0) return Fail(ClosedByServer());
    if (size < 0) return Fail(FailureOfErrno(errno));
  }
  return Fail({FailureKind::kProtocol, "the server sent an answer that nobody had asked for"});
}

std::optional<WireFailure> Connection::Open(Deadline deadline) {
  if (state_ != State::kClosed) return std::nullopt;
  auto resolved = Resolve(server_, deadline);
  if (auto* const failure = std::get_if<WireFailure>(&resolved)) return std::move(*failure);
  addresses_ = std::get<0>(std::move(resolved));
  std::reverse(addresses_.begin(), addresses_.end());
  return ConnectToNext({FailureKind::kUnresolved, "the host has no address"});
}

// Begins with the next address, if there is one, keeping what is queued.
std::optional<WireFailure> Connection::ConnectToNext(WireFailure why_not) {
  while (!addresses_.empty()) {
    auto started = StartConnect(addresses_.back());
    addresses_.pop_back();
    if (auto* const socket = std::get_if<Socket>(&started)) {
      socket_ = std::move(*socket);
      state_ = State::kConnecting;
      return std::nullopt;
    }
    why_not = std::get<WireFailure>(std::move(started));
  }
  return Fail(std::move(why_not));
}

void Connection::Queue(Request* request) {
  if (sent_ == out_end_) sent_ = out_end_ = 0;
  const std::size_t needed = out_end_ + SerializedBound(*request);
  if (out_.size() < needed) out_.resize(std::max(needed, 2 * out_.size()));
  out_end_ = static_cast<std::size_t>(Serialize(*request, out_.data() + out_end_) - out_.data());
  waiting_.push_back(request);
}

short Connection::events() const {
  if (state_ == State::kConnecting) return POLLOUT;
  return static_cast<short>((idle() ? 0 : POLLIN) | (unsent() > 0 ? POLLOUT : 0));
}

std::optional<WireFailure> Connection::Send() {
  if (state_ == State::kConnecting) {
    pollfd writable = {.fd = socket_.fd(), .events = POLLOUT, .revents = 0};
    if (::poll(&writable, 1, 0) <= 0) return std::nullopt;
    if (auto failure = FinishConnect(socket_)) return ConnectToNext(*std::move(failure));
    state_ = State::kOpen;
    socket_wait_ = {};
    ++opened_;
  }
  while (unsent() > 0) {
    for (auto it = waiting_.rbegin(); it != waiting_.rend() && !(*it)->sent; ++it) {
      (*it)->sent = true;
    }
    const ssize_t size =
        ::send(socket_.fd(), out_.data() + sent_, unsent(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size >= 0) {
      sent_ += static_cast<std::size_t>(size);
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      // What the server said before it went may be there to be read, but no longer matters.
      return Fail(FailureOfErrno(errno));
    }
  }
  return std::nullopt;
}

// Has recv() wait on the socket for about `left` and not more, if that can be had; it saves
// asking poll() first. Set anew only when it would be far off.
bool Connection::LetWait(std::chrono::nanoseconds left) {
  if (left < kShortestSocketWait) return false;
  left = std::min<std::chrono::nanoseconds>(left, kLongestSocketWait);
  if (socket_wait_ <= left && socket_wait_ >= left / 2) return true;
  const std::chrono::nanoseconds wait = left - left / 10;
  const auto seconds = std::chrono::floor<std::chrono::seconds>(wait);
  const auto rest = std::chrono::floor<std::chrono::microseconds>(wait - seconds);
  const timeval value = {.tv_sec = seconds.count(), .tv_usec = rest.count()};
  if (::setsockopt(socket_.fd(), SOL_SOCKET, SO_RCVTIMEO, &value, sizeof value) != 0) return false;
  socket_wait_ = wait;
  return true;
}

ssize_t Connection::ReceiveBytes(int flags) {
  if (in_begin_ == in_end_) in_begin_ = in_end_ = 0;
  if (in_.empty()) in_.resize(kFirstBuffer);
  if (in_end_ == in_.size()) {
    if (in_begin_ > 0) {
      std::memmove(in_.data(), in_.data() + in_begin_, in_end_ - in_begin_);
      in_end_ -= std::exchange(in_begin_, 0);
    } else {
      in_.resize(std::min(in_.size() * 2, kLargestBuffer));
    }
  }
  const std::size_t room = in_.size() - in_end_;
  const ssize_t size = ::recv(socket_.fd(), in_.data() + in_end_, room, flags);
  if (size > 0) in_end_ += static_cast<std::size_t>(size);
  // What fills the buffer at once will do so again.
  if (static_cast<std::size_t>(size) == room && in_.size() < kLargestBuffer) {
    in_.resize(in_.size() * 2);
  }
  return size;
}

std::optional<WireFailure> Connection::Receive(TimePoint now, Deadline deadline) {
  for (;; now = Clock::now()) {
    if (InterruptScope::fired() && deadline != TimePoint::min()) return Fail(Interrupted());
    ssize_t size = 0;
    if (now < deadline && LetWait(deadline - now)) {
      size = ReceiveBytes(0);
    } else {
      size = ReceiveBytes(MSG_DONTWAIT);
      if (size < 0 && errno == EAGAIN) {
        if (deadline == TimePoint::min()) return std::nullopt;
        if (now >= deadline) return Fail({FailureKind::kTimeout, "no answer in time"});
        pollfd readable = {.fd = socket_.fd(), .events = POLLIN, .revents = 0};
        if (::poll(&readable, 1, PollTimeout(deadline, now)) < 0) InterruptScope::Ask();
        continue;
      }
    }
    if (size > 0) return Parse();
    if (size == 0) return Fail(ClosedByServer());
    if (errno == EINTR) {
      InterruptScope::Ask();
    } else if (errno != EAGAIN) {
      return Fail(FailureOfErrno(errno));
    }
  }
}

std::optional<WireFailure> Connection::Parse() {
  std::string_view bytes(in_.data() + in_begin_, in_end_ - in_begin_);
  while (!waiting_.empty()) {
    const Progress progress = parser_.Read(waiting_.front(), &bytes);
    in_begin_ = in_end_ - bytes.size();
    switch (progress) {
      case Progress::kMore:
        return std::nullopt;
      case Progress::kDone:
        waiting_.pop_front();
        break;
      case Progress::kLast:
        waiting_.pop_front();
        // Not a failure of the server's. Requests that waited behind this one stay pending.
        Close();
        return std::nullopt;
      case Progress::kProtocol:
        return Fail({FailureKind::kProtocol, "the server answered what it never should"});
    }
  }
  if (bytes.empty()) return std::nullopt;
  return Fail({FailureKind::kProtocol, "the server sent an answer that nobody had asked for"});
}

}  // namespace shardcache::inline v0::internal
