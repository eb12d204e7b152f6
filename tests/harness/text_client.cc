#include "tests/harness/text_client.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <ostream>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace shardcache::testing {
namespace {

constexpr std::size_t kReadSize = 64 * 1024;

bool IsError(std::string_view line) {
  return line.starts_with("ERROR") || line.starts_with("CLIENT_ERROR") ||
         line.starts_with("SERVER_ERROR");
}

std::string ErrnoText(int error) { return std::generic_category().message(error); }

// Splits "VALUE <key> <flags> <size>"; throws unless it is that, and for `key`.
std::size_t ValueSize(std::string_view line, std::string_view key) {
  const std::string prefix = "VALUE " + std::string(key) + " ";
  const std::size_t space = line.rfind(' ');
  const char* const end = line.data() + line.size();
  std::size_t size = 0;
  if (!line.starts_with(prefix) || space < prefix.size() ||
      std::from_chars(line.data() + space + 1, end, size).ptr != end) {
    throw std::runtime_error("'get " + std::string(key) + "' was answered by '" +
                             std::string(line) + "'");
  }
  return size;
}

}  // namespace

const char* StatusName(Status status) {
  switch (status) {
    case Status::kHit:
      return "hit";
    case Status::kMiss:
      return "miss";
    case Status::kOk:
      return "ok";
    case Status::kError:
      return "error";
    case Status::kClosed:
      return "closed";
    case Status::kTimeout:
      return "timeout";
  }
  return "?";
}

std::ostream& operator<<(std::ostream& out, const Answer& answer) {
  return out << StatusName(answer.status) << " '" << answer.text << "'";
}

TextClient::TextClient(const std::string& address, Milliseconds timeout)
    : address_(address), buffer_(kReadSize) {
  Reconnect(timeout);
}

void TextClient::Reconnect(Milliseconds timeout) {
  fd_.Reset();
  out_.clear();
  in_.clear();
  in_used_ = 0;
  fd_ = Connect(address_, Clock::now() + timeout);
}

Answer TextClient::Get(std::string_view key, Milliseconds timeout) {
  return RoundTrip("get " + std::string(key) + "\r\n", timeout, [&] { return ParseGet(key); });
}

Answer TextClient::Set(std::string_view key, std::string_view value, Milliseconds timeout) {
  std::string request = "set " + std::string(key) + " 0 0 " + std::to_string(value.size());
  request.append("\r\n").append(value).append("\r\n");
  return RoundTrip(request, timeout, [this] { return ParseLine(); });
}

Answer TextClient::Delete(std::string_view key, Milliseconds timeout) {
  return Ask("delete " + std::string(key), timeout);
}

Answer TextClient::Ask(std::string_view line, Milliseconds timeout) {
  return RoundTrip(std::string(line) + "\r\n", timeout, [this] { return ParseLine(); });
}

Answer TextClient::RoundTrip(const std::string& request, Milliseconds timeout,
                             const Parser& parse) {
  if (!fd_) return {Status::kClosed, "not connected"};
  const Clock::time_point deadline = Clock::now() + timeout;
  out_ += request;
  while (true) {
    if (std::optional<Answer> end = Exchange(deadline)) return *std::move(end);
    if (std::optional<Answer> answer = parse()) return *std::move(answer);
  }
}

std::vector<Answer> TextClient::GetMany(std::span<const std::string> keys, Milliseconds timeout,
                                        int in_flight) {
  const Clock::time_point deadline = Clock::now() + timeout;
  const auto window = static_cast<std::size_t>(std::max(in_flight, 1));
  std::vector<Answer> answers;
  answers.reserve(keys.size());
  std::size_t asked = 0;
  std::optional<Answer> end;
  if (!fd_) end = Answer{Status::kClosed, "not connected"};
  while (!end && answers.size() < keys.size()) {
    // Refilled by halves, so that a system call carries many requests.
    if (asked - answers.size() <= window / 2) {
      for (; asked < keys.size() && asked - answers.size() < window; ++asked) {
        out_.append("get ").append(keys[asked]).append("\r\n");
      }
    }
    end = Exchange(deadline);
    while (answers.size() < asked) {
      std::optional<Answer> answer = ParseGet(keys[answers.size()]);
      if (!answer) break;
      answers.push_back(*std::move(answer));
    }
  }
  if (end) answers.resize(keys.size(), *end);
  return answers;
}

std::optional<Answer> TextClient::Exchange(Clock::time_point deadline) {
  in_.erase(0, std::exchange(in_used_, 0));
  while (true) {
    const auto events = static_cast<short>(out_.empty() ? POLLIN : POLLIN | POLLOUT);
    if (!WaitFor(fd_.get(), events, deadline)) return Disconnect(Status::kTimeout, {});
    if (!out_.empty()) {
      const ssize_t sent = ::send(fd_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
      if (sent > 0) out_.erase(0, static_cast<std::size_t>(sent));
      // Receiving comes next even so: what was answered before the end still counts.
      if (sent < 0 && errno != EAGAIN && errno != EINTR) out_.clear();
    }
    const ssize_t size = ::recv(fd_.get(), buffer_.data(), buffer_.size(), 0);
    if (size > 0) {
      in_.append(buffer_.data(), static_cast<std::size_t>(size));
      return std::nullopt;
    }
    if (size == 0) return Disconnect(Status::kClosed, "end of file");
    if (errno != EAGAIN && errno != EINTR) return Disconnect(Status::kClosed, ErrnoText(errno));
  }
}

Answer TextClient::Disconnect(Status status, std::string why) {
  fd_.Reset();
  return {status, std::move(why)};
}

std::optional<std::string> TextClient::TakeLine() {
  const std::size_t end = in_.find("\r\n", in_used_);
  if (end == std::string::npos) return std::nullopt;
  std::string line = in_.substr(in_used_, end - in_used_);
  in_used_ = end + 2;
  return line;
}

std::optional<Answer> TextClient::ParseLine() {
  std::optional<std::string> line = TakeLine();
  if (!line) return std::nullopt;
  Status status = Status::kOk;
  if (*line == "NOT_FOUND") status = Status::kMiss;
  if (*line == "NOT_STORED" || IsError(*line)) status = Status::kError;
  return Answer{status, *std::move(line)};
}

std::optional<Answer> TextClient::ParseGet(std::string_view key) {
  const std::size_t start = in_used_;
  std::optional<std::string> line = TakeLine();
  if (!line) return std::nullopt;
  if (*line == "END") return Answer{Status::kMiss, {}};
  if (IsError(*line)) return Answer{Status::kError, *std::move(line)};
  const std::size_t size = ValueSize(*line, key);
  constexpr std::string_view kEnd = "\r\nEND\r\n";
  if (in_.size() - in_used_ < size + kEnd.size()) {
    in_used_ = start;
    return std::nullopt;
  }
  Answer answer{Status::kHit, in_.substr(in_used_, size)};
  if (std::string_view(in_).substr(in_used_ + size, kEnd.size()) != kEnd) {
    throw std::runtime_error("the value of '" + std::string(key) + "' is not followed by END");
  }
  in_used_ += size + kEnd.size();
  return answer;
}

}  // namespace shardcache::testing
