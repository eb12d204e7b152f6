// Pools made up at random, for backends that exist.
#ifndef SHARDCACHE_TESTS_PARITY_RANDOM_POOLS_H_
#define SHARDCACHE_TESTS_PARITY_RANDOM_POOLS_H_

#include <string>
#include <vector>

#include "shardcache/hash.h"
#include "shardcache/pool_config.h"
#include "tests/harness/random.h"

namespace shardcache::testing {

// The text of a pool of nutcracker.yml with that hash and distribution: 1 to 120 of the servers
// at `addresses`, in random order; all of weight 1 or of weights that differ by little or by
// much; some or all with node names; perhaps a hash tag.
std::string RandomPool(Random& random, const std::string& name, const std::string& listen,
                       HashFunction hash, Distribution distribution,
                       const std::vector<std::string>& addresses);

}  // namespace shardcache::testing

#endif  // SHARDCACHE_TESTS_PARITY_RANDOM_POOLS_H_
