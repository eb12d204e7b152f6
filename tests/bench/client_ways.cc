#include "client_ways.h"

#include <fcntl.h>
#include <libmemcached/memcached.h>
#include <sys/socket.h>

#include <array>
#include <charconv>
#include <cstring>
#include <stdexcept>

#include "shardcache/client.h"
#include "tests/harness/network.h"

namespace {

void Require(bool good, const char* what) {
  if (!good) throw std::runtime_error(what);
}

class Raw : public Way {
 public:
  explicit Raw(const std::vector<std::string>& addresses) {
    for (const std::string& address : addresses) {
      links_.emplace_back().fd =
          shardcache::testing::Connect(shardcache::testing::Address(address),
                                       std::chrono::steady_clock::now() + std::chrono::seconds(5));
      ::fcntl(links_.back().fd.get(), F_SETFL, 0);
    }
  }

  void Set(const Record& record) override {
    Link& link = Of(record);
    link.out.clear();
    AppendSet(record, &link.out);
    Send(&link);
    Receive(&link, "\r\n");
    Require(link.in() == "STORED\r\n", "raw set");
  }

  void Get(const Record& record) override {
    Link& link = Of(record);
    link.out.assign("get ").append(record.key).append("\r\n");
    Send(&link);
    Receive(&link, "END\r\n");
    std::string_view in = link.in();
    TakeValue(&in, record);
  }

  void GetMany(std::span<const Record> records) override {
    for (Link& link : links_) link.out.assign("get");
    for (const Record& record : records) Of(record).out.append(" ").append(record.key);
    for (Link& link : links_) Send(&link.End());
    for (Link& link : links_) Receive(&link, "END\r\n");
    std::array<std::string_view, 8> in;
    for (std::size_t i = 0; i < links_.size(); ++i) in[i] = links_[i].in();
    for (const Record& record : records) TakeValue(&in[record.server % links_.size()], record);
  }

  void SetAll(std::span<const Record> records) override {
    for (const Record& record : records) Set(record);
  }

 private:
  struct Link {
    Link& End() {
      out.append("\r\n");
      return *this;
    }
    std::string_view in() const { return {buffer.data(), received}; }

    shardcache::testing::Fd fd;
    std::string out;
    std::array<char, 65536> buffer;
    std::size_t received = 0;
  };

  Link& Of(const Record& record) { return links_[record.server % links_.size()]; }

  static void AppendSet(const Record& record, std::string* out) {
    std::array<char, 24> digits;
    const auto end =
        std::to_chars(digits.data(), digits.data() + digits.size(), record.value.size()).ptr;
    out->append("set ").append(record.key).append(" 0 0 ").append(digits.data(), end);
    out->append("\r\n").append(record.value).append("\r\n");
  }

  static void Send(Link* link) {
    const auto size = ::send(link->fd.get(), link->out.data(), link->out.size(), MSG_NOSIGNAL);
    Require(size == static_cast<ssize_t>(link->out.size()), "raw send");
  }

  static void Receive(Link* link, std::string_view end) {
    link->received = 0;
    do {
      const ssize_t size = ::recv(link->fd.get(), link->buffer.data() + link->received,
                                  link->buffer.size() - link->received, 0);
      Require(size > 0, "raw recv");
      link->received += static_cast<std::size_t>(size);
    } while (!link->in().ends_with(end));
  }

  // "VALUE KEY FLAGS SIZE\r\nDATA\r\n" off the front.
  static void TakeValue(std::string_view* in, const Record& record) {
    const std::size_t line = in->find("\r\n");
    Require(in->starts_with("VALUE ") && in->substr(6).starts_with(record.key) &&
                line != std::string_view::npos,
            "raw get");
    const std::string value(in->substr(line + 2, record.value.size()));
    Require(value == record.value, "raw value");
    in->remove_prefix(line + 4 + value.size());
  }

  std::vector<Link> links_;
};

class Libmemcached : public Way {
 public:
  explicit Libmemcached(const std::vector<std::string>& addresses)
      : handle_(memcached_create(nullptr), memcached_free) {
    memcached_behavior_set(handle_.get(), MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, 1);
    memcached_behavior_set(handle_.get(), MEMCACHED_BEHAVIOR_HASH, MEMCACHED_HASH_FNV1A_64);
    memcached_behavior_set(handle_.get(), MEMCACHED_BEHAVIOR_TCP_NODELAY, 1);
    for (const std::string& address : addresses) {
      const std::size_t colon = address.rfind(':');
      const int port = std::stoi(address.substr(colon + 1));
      memcached_server_add(handle_.get(), address.substr(0, colon).c_str(),
                           static_cast<in_port_t>(port));
    }
    memcached_result_create(handle_.get(), &result_);
  }
  ~Libmemcached() override { memcached_result_free(&result_); }

  void Set(const Record& record) override {
    Require(memcached_set(handle_.get(), record.key.data(), record.key.size(), record.value.data(),
                          record.value.size(), 0, 0) == MEMCACHED_SUCCESS,
            "libmemcached set");
  }

  void Get(const Record& record) override {
    std::size_t size = 0;
    std::uint32_t flags = 0;
    memcached_return_t status = MEMCACHED_FAILURE;
    const std::unique_ptr<char, decltype(&std::free)> value(
        memcached_get(handle_.get(), record.key.data(), record.key.size(), &size, &flags, &status),
        std::free);
    Require(status == MEMCACHED_SUCCESS && std::string_view(value.get(), size) == record.value,
            "libmemcached get");
  }

  void GetMany(std::span<const Record> records) override {
    keys_.clear();
    sizes_.clear();
    for (const Record& record : records) {
      keys_.push_back(record.key.data());
      sizes_.push_back(record.key.size());
    }
    Require(memcached_mget(handle_.get(), keys_.data(), sizes_.data(), keys_.size()) ==
                MEMCACHED_SUCCESS,
            "libmemcached mget");
    std::size_t hits = 0;
    memcached_return_t status = MEMCACHED_FAILURE;
    while (memcached_fetch_result(handle_.get(), &result_, &status) != nullptr) {
      const std::string value(memcached_result_value(&result_), memcached_result_length(&result_));
      hits += !value.empty();
    }
    Require(hits == records.size(), "libmemcached fetch_result");
  }

  void SetAll(std::span<const Record> records) override {
    for (const Record& record : records) Set(record);
  }

 private:
  std::unique_ptr<memcached_st, decltype(&memcached_free)> handle_;
  memcached_result_st result_;
  std::vector<const char*> keys_;
  std::vector<std::size_t> sizes_;
};

class OurClient : public Way {
 public:
  explicit OurClient(const shardcache::PoolConfig& pool)
      : client_(*shardcache::Client::Create(pool)) {}

  void Set(const Record& record) override {
    const auto outcome = client_.Set(record.key, record.value);
    Require(outcome.ok() && *outcome == shardcache::Outcome::kStored, "client set");
  }

  void Get(const Record& record) override { Check(client_.Get(record.key), record); }

  void GetMany(std::span<const Record> records) override {
    keys_.clear();
    for (const Record& record : records) keys_.push_back(record.key);
    const auto results = client_.GetMany(keys_);
    for (std::size_t i = 0; i < results.size(); ++i) Check(results[i], records[i]);
  }

  void SetAll(std::span<const Record> records) override {
    batch_.clear();
    for (const Record& record : records) {
      batch_.push_back(
          {.command = shardcache::Command::kSet, .key = record.key, .value = record.value});
    }
    for (const auto& reply : client_.Execute(batch_)) {
      Require(reply.ok() && reply->outcome == shardcache::Outcome::kStored, "client batch");
    }
  }

 private:
  static void Check(const shardcache::Result<std::optional<shardcache::Value>>& result,
                    const Record& record) {
    Require(result.ok() && *result && (*result)->data == record.value, "client get");
  }

  shardcache::Client client_;
  std::vector<std::string_view> keys_;
  std::vector<shardcache::Operation> batch_;
};

}  // namespace

std::unique_ptr<Way> RawWay(const std::vector<std::string>& addresses) {
  return std::make_unique<Raw>(addresses);
}

std::unique_ptr<Way> LibmemcachedWay(const std::vector<std::string>& addresses) {
  return std::make_unique<Libmemcached>(addresses);
}

std::unique_ptr<Way> ClientWay(const shardcache::PoolConfig& pool) {
  return std::make_unique<OurClient>(pool);
}
