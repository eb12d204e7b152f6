// The configurations on which shardcache and nutcracker differ on purpose (pool_config.h), told
// from those on which they must not.
#ifndef SHARDCACHE_TESTS_PARITY_CONFIG_EXCEPTIONS_H_
#define SHARDCACHE_TESTS_PARITY_CONFIG_EXCEPTIONS_H_

#include <string>

namespace shardcache::testing {

// Each returns the text without what the exception is about, as nutcracker 0.5.0 takes it; the
// text itself if it has nothing of the kind. So a difference is due to an exception exactly if
// none is left for the text that is returned.

// Each number that an int does not hold, as the one that an int wraps it round to: decimal
// ones, and octal ones after a listen path.
std::string WithWrappedNumbers(const std::string& text);

// Escapes of a NUL byte in double quotes, dropped.
std::string WithoutNulBytes(const std::string& text);

// Lines that set `reuseport`, dropped.
std::string WithoutReuseport(const std::string& text);

}  // namespace shardcache::testing

#endif  // SHARDCACHE_TESTS_PARITY_CONFIG_EXCEPTIONS_H_
