// Files that look like nutcracker.yml: right, nearly right, and broken.
#ifndef SHARDCACHE_TESTS_PARITY_CONFIG_GENERATOR_H_
#define SHARDCACHE_TESTS_PARITY_CONFIG_GENERATOR_H_

#include <string>

#include "tests/harness/random.h"

namespace shardcache::testing {

// A file of one to four pools. `spice` (0 to 1) is the chance, at each of many places, of
// something unusual: a value that may be refused, an odd way to write it, a structure that
// twemproxy has rules about. With 0 the file is right.
std::string RandomConfig(Random& random, double spice);

// The same with exactly one such thing, so that nothing else decides about the file.
std::string RandomConfigWithOneOddity(Random& random);

// The text with a few bytes or lines changed, dropped, repeated or moved.
std::string Mutated(Random& random, std::string text);

}  // namespace shardcache::testing

#endif  // SHARDCACHE_TESTS_PARITY_CONFIG_GENERATOR_H_
