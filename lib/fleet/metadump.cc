#include "lib/fleet/metadump.h"

#include <poll.h>

#include <algorithm>
#include <charconv>
#include <deque>
#include <memory>
#include <utility>

#include "lib/fleet/facts.h"
#include "lib/wire/connection.h"

namespace shardcache::inline v0::internal {
namespace {

constexpr std::size_t kKeysAtOnce = 512;
constexpr std::chrono::milliseconds kAskAgainAfter(200);

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool AppendDecoded(std::string_view text, std::string* bytes) {
  while (!text.empty()) {
    const std::size_t plain = std::min(text.find('%'), text.size());
    bytes->append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    if (text.size() < 3) return false;
    const int high = HexDigit(text[1]);
    const int low = HexDigit(text[2]);
    if (high < 0 || low < 0) return false;
    bytes->push_back(static_cast<char>(high * 16 + low));
    text.remove_prefix(3);
  }
  return true;
}

template <typename Number>
Number NumberIn(std::string_view text) {
  Number number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::int64_t TimeIn(std::string_view text) {
  return std::clamp<std::int64_t>(NumberIn<std::int64_t>(text), 0, kLatestTime);
}

// What a server answers instead of a listing, and what to do about it.
std::string Advice(const std::string& line) {
  if (line.find("crawler disabled") != std::string::npos) {
    return ": its LRU crawler is off, so it cannot list its keys. Send it 'lru_crawler enable', or "
           "start it with -o lru_crawler; or name the keys with --keys";
  }
  if (line.find("not allowed") != std::string::npos) {
    return ": it was started with -X (--disable-dumping). Start it without -X; or name the keys "
           "with --keys";
  }
  if (line.starts_with("BUSY") || line.find("locked") != std::string::npos) {
    return ": its LRU crawler was busy all the time, perhaps with another listing. Try again later";
  }
  if (line == "ERROR") {
    return ": it knows no metadump, which came with memcached 1.4.31; name the keys with --keys";
  }
  return "";
}

// One server's listing. What it reads waits in `batch` for the sink.
class Listing {
 public:
  Listing(std::size_t index, const Server& server, const ListingOptions& options,
          const KeySink& sink)
      : index_(index), connection_(server), options_(options), sink_(sink) {
    read_line_ = [this](std::string_view line) { ReadLine(line); };
  }
  Listing(const Listing&) = delete;
  Listing& operator=(const Listing&) = delete;

  // Asks, or asks again.
  void Ask(TimePoint now) {
    heard_ = now;
    asking_ = true;
    answer_ = {};
    request_ = {.verb = Verb::kMetadump, .answers = {&answer_, 1}, .lines = &read_line_};
    if (by_hash_) request_.keys = {&hash_, 1};
    if (auto failure = connection_.Open(DeadlineAfter(now, options_.timeout))) {
      return Fail(failure->what);
    }
    connection_.Queue(&request_);
  }

  // Goes as far as it can without waiting.
  void Step(TimePoint now) {
    if (!asking_) {
      if (now >= ask_again_) Ask(now);
      return;
    }
    const std::uint64_t before = lines_;
    std::optional<WireFailure> failure = connection_.Send();
    if (!failure && connection_.is_open()) failure = connection_.ReceiveNow();
    if (lines_ != before) heard_ = now;
    if (answer_.status != Status::kPending) {
      TakeEnd(now);
    } else if (failure) {
      Fail(failure->what);
    } else if (now - heard_ > options_.timeout) {
      Fail("no answer in time");
    }
  }

  bool done() const { return done_; }
  bool stopped() const { return stopped_; }
  const std::optional<Error>& error() const { return error_; }
  int fd() const { return asking_ && !done_ ? connection_.fd() : -1; }
  short events() const { return connection_.events(); }

 private:
  void ReadLine(std::string_view line) {
    ++lines_;
    const auto key = ParseListedKey(line, &bytes_);
    if (!key) {
      malformed_ = true;
      return;
    }
    ends_.push_back(bytes_.size());
    batch_.push_back(*key);  // the text of its key may yet move
    if (batch_.size() >= kKeysAtOnce) HandOver();
  }

  void HandOver() {
    std::size_t begin = 0;
    for (std::size_t i = 0; i < batch_.size(); ++i) {
      batch_[i].key = std::string_view(bytes_).substr(begin, ends_[i] - begin);
      begin = ends_[i];
    }
    if (!stopped_ && !batch_.empty()) stopped_ = !sink_(index_, batch_);
    batch_.clear();
    ends_.clear();
    bytes_.clear();
  }

  void TakeEnd(TimePoint now) {
    HandOver();
    if (malformed_) return Fail("the server answered what it never should");
    if (answer_.status == Status::kOk) {
      done_ = true;
      connection_.Close();
      return;
    }
    const std::string& line = answer_.data;
    connection_.Close();
    if (by_hash_ && line.starts_with("BADCLASS")) {
      by_hash_ = false;
      Ask(now);
    } else if (line.starts_with("BUSY") || line.find("locked") != std::string::npos) {
      if (!first_busy_) first_busy_ = now;
      if (now - *first_busy_ > options_.busy_wait) return Refuse();
      asking_ = false;
      ask_again_ = now + kAskAgainAfter;
    } else {
      Refuse();
    }
  }

  void Refuse() {
    Error error = RefusalOf(connection_.server(), "lru_crawler metadump", answer_, {});
    error.message += Advice(answer_.data);
    error_ = std::move(error);
    done_ = true;
  }

  void Fail(const std::string& what) {
    connection_.Close();
    const std::string& name = connection_.server().name;
    error_ =
        Error{ErrorCode::kDisconnected,
              connection_.server().address() + ": " + what + ", while it listed its keys", name};
    done_ = true;
  }

  static constexpr std::string_view kHash = "hash";

  const std::size_t index_;
  Connection connection_;
  const ListingOptions& options_;
  const KeySink& sink_;
  std::string_view hash_ = kHash;
  bool by_hash_ = true;
  bool asking_ = false;
  Request request_;
  Answer answer_;
  std::function<void(std::string_view)> read_line_;

  std::uint64_t lines_ = 0;
  TimePoint heard_ = {};
  TimePoint ask_again_ = {};
  std::optional<TimePoint> first_busy_;
  bool malformed_ = false;
  bool done_ = false;
  bool stopped_ = false;
  std::optional<Error> error_;

  std::string bytes_;
  std::vector<std::size_t> ends_;
  std::vector<ListedKey> batch_;
};

}  // namespace

std::optional<ListedKey> ParseListedKey(std::string_view line, std::string* bytes) {
  ListedKey key;
  const std::size_t begin = bytes->size();
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    if (word.starts_with("key=")) {
      if (!AppendDecoded(word.substr(4), bytes)) return std::nullopt;
    } else if (word.starts_with("exp=")) {
      const std::int64_t expires = TimeIn(word.substr(4));
      if (expires > 0) key.expires = expires;
    } else if (word.starts_with("la=")) {
      key.last_access = TimeIn(word.substr(3));
    } else if (word.starts_with("cas=")) {
      key.cas = NumberIn<std::uint64_t>(word.substr(4));
    } else if (word.starts_with("size=")) {
      key.size = NumberIn<std::uint64_t>(word.substr(5));
    }
  }
  if (bytes->size() == begin) return std::nullopt;
  key.key = std::string_view(*bytes).substr(begin);
  return key;
}

Result<bool> ListKeys(std::span<const Server> servers, const ListingOptions& options,
                      const KeySink& sink) {
  std::deque<Listing> listings;
  for (const Server& server : servers) {
    listings.emplace_back(listings.size(), server, options, sink).Ask(Clock::now());
  }
  std::vector<pollfd> polled;
  while (true) {
    bool more = false;
    polled.clear();
    for (Listing& listing : listings) {
      if (!listing.done()) listing.Step(Clock::now());
      if (listing.error()) return *listing.error();
      if (listing.stopped()) return false;
      if (listing.done()) continue;
      more = true;
      polled.push_back({.fd = listing.fd(), .events = listing.events(), .revents = 0});
    }
    if (!more) return true;
    ::poll(polled.data(), polled.size(), 100);
    if (!sink(0, {})) return false;
  }
}

}  // namespace shardcache::inline v0::internal
