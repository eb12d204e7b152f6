// The little of memcached's text protocol that an echo backend speaks. Internal to EchoBackends.
#ifndef SHARDCACHE_TESTS_HARNESS_ECHO_PROTOCOL_H_
#define SHARDCACHE_TESTS_HARNESS_ECHO_PROTOCOL_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace shardcache::testing {

// Appends to `answer` what a backend called `identity` answers to the first request in `input`.
// Returns the size of that request, or 0 (and appends nothing) if it is not complete.
std::size_t AnswerRequest(std::string_view input, std::string_view identity, std::string* answer);

}  // namespace shardcache::testing

#endif  // SHARDCACHE_TESTS_HARNESS_ECHO_PROTOCOL_H_
