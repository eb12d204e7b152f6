#include "lib/wire/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "lib/wire/interrupt.h"
#include "lib/wire/meta.h"

namespace shardcache::inline v0::internal {
namespace {

constexpr std::size_t kFirstBuffer = 4096;
constexpr std::size_t kLargestBuffer = 256 * 1024;
static_assert(kFirstBuffer < Parser::kMaxLine && kLargestBuffer > Parser::kMaxLine);

// Below this the kernel's clock for socket time-outs is too coarse.
constexpr std::chrono::milliseconds kShortestSocketWait(50);
constexpr std::chrono::hours kLongestSocketWait(1);

WireFailure ClosedByServer() { return {FailureKind::kClosed, "the server closed the connection"}; }

WireFailure NotAnAnswer() {
  return {FailureKind::kProtocol, "the server answered what it never should"};
}

WireFailure NotAskedFor() {
  return {FailureKind::kProtocol, "the server sent an answer that nobody had asked for"};
}

WireFailure Interrupted() { return {FailureKind::kOther, "the program interrupted the call"}; }

}  // namespace

std::optional<WireFailure> Connection::Fail(WireFailure failure) {
  Close();
  return failure;
}

void Connection::Close() {
  socket_.Close();
  state_ = State::kClosed;
  if (wish_ == Wish::kNotNow) wish_ = Wish::kAsk;
  numbered_ = false;
  addresses_.clear();
  sent_ = out_end_ = in_begin_ = in_end_ = 0;
  waiting_.clear();
  refusals_.clear();
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
  return Fail(NotAskedFor());
}

std::optional<WireFailure> Connection::Open(Deadline deadline) {
  if (state_ != State::kClosed) return std::nullopt;
  auto resolved = Resolve(server_, deadline);
  if (auto* const failure = std::get_if<WireFailure>(&resolved)) return std::move(*failure);
  addresses_ = std::get<0>(std::move(resolved));
  std::reverse(addresses_.begin(), addresses_.end());
  return ConnectToNext({FailureKind::kUnresolved, "the host has no address"});
}

// Begins with the last of the addresses that are left, if there is one, keeping what is queued.
std::optional<WireFailure> Connection::ConnectToNext(WireFailure why_not) {
  for (; !addresses_.empty(); addresses_.pop_back()) {
    auto started = StartConnect(addresses_.back());
    if (auto* const socket = std::get_if<Socket>(&started)) {
      socket_ = std::move(*socket);
      state_ = State::kConnecting;
      return std::nullopt;
    }
    why_not = std::get<WireFailure>(std::move(started));
  }
  return Fail(std::move(why_not));
}

std::optional<WireFailure> Connection::EndConnecting() {
  pollfd writable = {.fd = socket_.fd(), .events = POLLOUT, .revents = 0};
  if (::poll(&writable, 1, 0) <= 0) return std::nullopt;
  if (auto failure = FinishConnect(socket_)) {
    addresses_.pop_back();
    return ConnectToNext(*std::move(failure));
  }
  if (wish_ != Wish::kAsk) {
    BeOpen(/*numbered=*/false);
    return std::nullopt;
  }
  const ssize_t size =
      ::send(socket_.fd(), kNumbersProbe.data(), kNumbersProbe.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  // A connection that is new takes as little as that at once.
  if (size != static_cast<ssize_t>(kNumbersProbe.size())) return Fail(FailureOfErrno(errno));
  state_ = State::kAskingForNumbers;
  return std::nullopt;
}

std::optional<WireFailure> Connection::TakeSign() {
  const ssize_t size = ReceiveBytes(MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  if (in_end_ == 0 && (size == 0 || errno == ECONNRESET)) {
    wish_ = Wish::kNotNow;
    socket_.Close();
    return ConnectToNext(ClosedByServer());
  }
  if (size == 0) return Fail(ClosedByServer());
  if (size < 0) return Fail(FailureOfErrno(errno));
  const Sign sign = ReadSign({in_.data(), in_end_});
  if (sign == Sign::kMore && in_end_ < Parser::kMaxLine) return std::nullopt;
  if (sign != Sign::kNumbers && sign != Sign::kNoNumbers) return Fail(NotAnAnswer());
  in_end_ = 0;
  BeOpen(sign == Sign::kNumbers);
  return std::nullopt;
}

void Connection::BeOpen(bool numbered) {
  state_ = State::kOpen;
  numbered_ = numbered;
  serial_ = 0;
  socket_wait_ = {};
  ++opened_;
}

void Connection::Queue(Request* request) {
  if (sent_ == out_end_) sent_ = out_end_ = 0;
  if (waiting_.empty()) sent_since_idle_ = 0;
  assert(!request->quiet || (numbered_ && request->verb == Verb::kSet));
  request->serial = 0;
  if (numbered_ && CanBeNumbered(request->verb)) {
    if (++serial_ == 0) ++serial_;
    request->serial = serial_;
  }
  const std::size_t needed = out_end_ + SerializedBound(*request);
  if (out_.size() < needed) out_.resize(std::max(needed, 2 * out_.size()));
  out_end_ = static_cast<std::size_t>(Serialize(*request, out_.data() + out_end_) - out_.data());
  waiting_.push_back(request);
}

short Connection::events() const {
  if (state_ == State::kConnecting) return POLLOUT;
  if (state_ == State::kAskingForNumbers) return POLLIN;
  return static_cast<short>((idle() ? 0 : POLLIN) | (unsent() > 0 ? POLLOUT : 0));
}

std::optional<WireFailure> Connection::Send() {
  if (state_ == State::kConnecting) {
    if (auto failure = EndConnecting()) return failure;
  }
  if (state_ == State::kAskingForNumbers) {
    if (auto failure = TakeSign()) return failure;
  }
  if (state_ != State::kOpen) return std::nullopt;
  while (unsent() > 0) {
    for (auto it = waiting_.rbegin(); it != waiting_.rend() && !(*it)->sent; ++it) {
      (*it)->sent = true;
    }
    const ssize_t size =
        ::send(socket_.fd(), out_.data() + sent_, unsent(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size >= 0) {
      sent_ += static_cast<std::size_t>(size);
      sent_since_idle_ += static_cast<std::size_t>(size);
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      // What the server said before it went may be there to be read, but no longer matters.
      WireFailure failure = FailureOfErrno(errno);
      failure.untaken = sent_since_idle_ == 0;
      return Fail(std::move(failure));
    }
  }
  return std::nullopt;
}

// Of a connection at whose end we are. The server's kernel acknowledges, with the end of file at
// the latest, whatever had reached it before its program closed the connection; what comes later it
// refuses, and nobody reads it. (A reset, on the other hand, acknowledges nothing.)
bool Connection::NothingTaken() const {
  return !server_.is_unix() && sent_since_idle_ > 0 && Unacknowledged(socket_) == sent_since_idle_;
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
    if (size == 0) {
      WireFailure failure = ClosedByServer();
      failure.untaken = NothingTaken();
      return Fail(std::move(failure));
    }
    if (errno == EINTR) {
      InterruptScope::Ask();
    } else if (errno != EAGAIN) {
      return Fail(FailureOfErrno(errno));
    }
  }
}

// Takes errors off the front of `*bytes` that may be of any of the quiet requests in front, and
// settles those that an answer behind is not of. kDone: that of the one now in front follows.
Progress Connection::ReadBehindQuiet(std::string_view* bytes) {
  while (true) {
    const std::size_t end = bytes->find('\n');
    if (end == std::string_view::npos) {
      return bytes->size() < Parser::kMaxLine ? Progress::kMore : Progress::kProtocol;
    }
    std::string_view line = bytes->substr(0, end);
    if (!line.ends_with('\r')) return Progress::kProtocol;
    line.remove_suffix(1);
    const auto error = Parser::ErrorStatus(waiting_.front()->verb, line);
    if (!error) {
      const auto serial = SerialIn(line);
      std::size_t count = 0;
      while (count + 1 < waiting_.size() && waiting_[count]->quiet &&
             waiting_[count]->serial != serial) {
        ++count;
      }
      if (waiting_[count]->serial != serial || refusals_.size() > count) return Progress::kProtocol;
      SettleQuiet(count);
      return Progress::kDone;
    }
    bytes->remove_prefix(end + 1);
    refusals_.push_back({.status = *error, .data = std::string(line)});
    // As in Parser, what follows an error of this kind is not to be trusted.
    if (*error != Status::kServerError) return Progress::kLast;
  }
}

// Those `count` in front are stored, or all refused; or each may be either.
void Connection::SettleQuiet(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i, waiting_.pop_front()) {
    Answer& answer = waiting_.front()->answers[0];
    if (refusals_.empty()) {
      answer.status = Status::kStored;
    } else {
      answer = refusals_[std::min(i, refusals_.size() - 1)];
      if (refusals_.size() < count) answer.status = Status::kUnclear;
    }
  }
  refusals_.clear();
}

std::optional<WireFailure> Connection::Parse() {
  std::string_view bytes(in_.data() + in_begin_, in_end_ - in_begin_);
  while (!waiting_.empty()) {
    Progress progress = Progress::kDone;
    if (waiting_.front()->quiet) progress = ReadBehindQuiet(&bytes);
    if (progress == Progress::kDone) progress = parser_.Read(waiting_.front(), &bytes);
    in_begin_ = in_end_ - bytes.size();
    switch (progress) {
      case Progress::kMore:
        return std::nullopt;
      case Progress::kDone:
        waiting_.pop_front();
        if (wish_ == Wish::kNotNow) wish_ = Wish::kNone;
        break;
      case Progress::kLast:
        if (waiting_.front()->quiet) {
          std::size_t count = 0;
          while (count < waiting_.size() && waiting_[count]->quiet) ++count;
          SettleQuiet(count);
        } else {
          waiting_.pop_front();
        }
        // Not a failure of the server's. Requests that waited behind this one stay pending.
        Close();
        return std::nullopt;
      case Progress::kProtocol:
        return Fail(NotAnAnswer());
    }
  }
  if (bytes.empty()) return std::nullopt;
  return Fail(NotAskedFor());
}

}  // namespace shardcache::inline v0::internal
