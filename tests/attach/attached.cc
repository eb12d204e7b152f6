#include "tests/attach/attached.h"

#include <cstdlib>
#include <numeric>
#include <ostream>
#include <stdexcept>
#include <vector>

namespace shardcache::testing {
namespace {

Outcome Checked(memcached_st* memc, memcached_return_t rc) { return {rc, CheckCall(memc, rc)}; }

}  // namespace

Memc NewMemc(Milliseconds timeout) {
  Memc memc(memcached_create(nullptr));
  const auto ms = static_cast<std::uint64_t>(timeout.count());
  memcached_behavior_set(memc.get(), MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT, ms);
  memcached_behavior_set(memc.get(), MEMCACHED_BEHAVIOR_POLL_TIMEOUT, ms);
  return memc;
}

PoolConfig AttachPool(std::span<const PoolServer> servers, std::span<const std::string> settings,
                      const std::string& listen) {
  return ParsePools(MakePool("attach", listen, settings, servers), "attach.yml")->front();
}

std::shared_ptr<Router> AttachRouter(const PoolConfig& pool) { return *Router::Create(pool); }

Memc NewAttached(const std::shared_ptr<Router>& router, Milliseconds timeout) {
  Memc memc = NewMemc(timeout);
  const Result<void> attached = Attach(memc.get(), router);
  if (!attached.ok()) throw std::runtime_error(attached.error().message);
  return memc;
}

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  return out << memcached_strerror(nullptr, outcome.rc) << ", checked "
             << memcached_strerror(nullptr, outcome.checked) << ", value '" << outcome.value << "'";
}

Outcome Get(memcached_st* memc, std::string_view key) {
  memcached_return_t rc = MEMCACHED_FAILURE;
  std::size_t size = 0;
  std::uint32_t flags = 0;
  char* value = memcached_get(memc, key.data(), key.size(), &size, &flags, &rc);
  Outcome outcome{rc, CheckGet(memc, key, rc)};
  if (value != nullptr) outcome.value.assign(value, size);
  std::free(value);
  return outcome;
}

Outcome Set(memcached_st* memc, std::string_view key, std::string_view value) {
  return Checked(memc,
                 memcached_set(memc, key.data(), key.size(), value.data(), value.size(), 0, 0));
}

Outcome Delete(memcached_st* memc, std::string_view key) {
  return Checked(memc, memcached_delete(memc, key.data(), key.size(), 0));
}

Outcome Increment(memcached_st* memc, std::string_view key) {
  std::uint64_t value = 0;
  const memcached_return_t rc = memcached_increment(memc, key.data(), key.size(), 1, &value);
  Outcome outcome = Checked(memc, rc);
  if (rc == MEMCACHED_SUCCESS) outcome.value = std::to_string(value);
  return outcome;
}

Outcome Touch(memcached_st* memc, std::string_view key) {
  return Checked(memc, memcached_touch(memc, key.data(), key.size(), 0));
}

std::map<std::string, std::string> GetMany(memcached_st* memc, std::span<const std::string> keys,
                                           Outcome* outcome) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const std::string& key : keys) {
    texts.push_back(key.data());
    sizes.push_back(key.size());
  }
  memcached_return_t rc = memcached_mget(memc, texts.data(), sizes.data(), texts.size());
  CheckCall(memc, rc);
  std::map<std::string, std::string> found;
  memcached_result_st result;
  memcached_result_create(memc, &result);
  while (memcached_fetch_result(memc, &result, &rc) != nullptr) {
    found[std::string(memcached_result_key_value(&result), memcached_result_key_length(&result))] =
        std::string(memcached_result_value(&result), memcached_result_length(&result));
  }
  memcached_result_free(&result);
  const Outcome last = Checked(memc, rc);
  if (outcome != nullptr) *outcome = last;
  return found;
}

std::uint64_t FailuresOf(const Router& router) {
  std::uint64_t sum = 0;
  for (const ServerCounters& server : router.Counters()) {
    sum = std::accumulate(server.failures.begin(), server.failures.end(), sum);
  }
  return sum;
}

}  // namespace shardcache::testing
