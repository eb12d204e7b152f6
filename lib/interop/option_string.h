// libmemcached's configuration language: "--SERVER=a:11212/?2 --DISTRIBUTION=CONSISTENT".
#ifndef SHARDCACHE_LIB_INTEROP_OPTION_STRING_H_
#define SHARDCACHE_LIB_INTEROP_OPTION_STRING_H_

#include <string_view>

#include "lib/interop/libmemcached.h"
#include "shardcache/result.h"

namespace shardcache::inline v0::internal {

// Does to `memc` what memcached() does with this option string, in its order. Source:
// libmemcached 1.1.4, src/libmemcached/csl/scanner.l and parser.yy.
//
// Errors: kInvalidArgument, naming the option, for what memcached_check_configuration refuses,
// and for INCLUDE, RESET and other words that read or undo other settings.
Result<void> ApplyOptionString(std::string_view text, Libmemcached& memc);

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_INTEROP_OPTION_STRING_H_
