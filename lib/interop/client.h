// One client of the list in clients.cc.
#ifndef SHARDCACHE_LIB_INTEROP_CLIENT_H_
#define SHARDCACHE_LIB_INTEROP_CLIENT_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "shardcache/interop.h"

namespace shardcache::inline v0::internal {

// Makes the model of a setup for its client. The caller has checked that the setup has servers
// of weights that sum to less than 2^32.
using ClientMaker = Result<ClientModel> (*)(const ClientSetup& setup);

struct Client {
  ClientInfo info;
  ClientMaker make = nullptr;
  // Whether servers may come from the options, so that the setup needs none.
  bool own_servers = false;
};

// A name for a number, in tables of constants.
struct Constant {
  std::string_view name;
  std::int64_t value;
};

std::optional<std::int64_t> FindConstant(std::span<const Constant> constants,
                                         std::string_view name);
std::string_view ConstantName(std::span<const Constant> constants, std::int64_t value);

// true/false, on/off, yes/no in any case, or a decimal number.
std::optional<std::int64_t> ParseSwitch(std::string_view text);

// `text` without one pair of quotes round it.
std::string_view Unquoted(std::string_view text);

bool EqualIgnoringCase(std::string_view a, std::string_view b);

Error UnknownOption(const ClientSetup& setup, std::string_view name);
Error BadValue(const ClientOption& option, std::string_view expected);

// Whether the option is the mark of where servers are added (see ClientSetup).
bool IsServersMark(const ClientOption& option);

// The clients. Each maker's file says which source it follows.
Result<ClientModel> MakePhpMemcached(const ClientSetup& setup);
Result<ClientModel> MakePhpMemcachedSession(const ClientSetup& setup);
Result<ClientModel> MakePeclMemcache(const ClientSetup& setup);
Result<ClientModel> MakePeclMemcacheSession(const ClientSetup& setup);
Result<ClientModel> MakeLibmemcached(const ClientSetup& setup);
Result<ClientModel> MakePylibmc(const ClientSetup& setup);
Result<ClientModel> MakePythonMemcached(const ClientSetup& setup);
Result<ClientModel> MakePymemcache(const ClientSetup& setup);
Result<ClientModel> MakeUhashring(const ClientSetup& setup);
Result<ClientModel> MakeCacheMemcached(const ClientSetup& setup);
Result<ClientModel> MakeCacheMemcachedFast(const ClientSetup& setup);
Result<ClientModel> MakeDalli(const ClientSetup& setup);
Result<ClientModel> MakeGomemcache(const ClientSetup& setup);
Result<ClientModel> MakeSpymemcached(const ClientSetup& setup);
Result<ClientModel> MakeXmemcached(const ClientSetup& setup);
Result<ClientModel> MakeLibketama(const ClientSetup& setup);
Result<ClientModel> MakeMemcachedProxy(const ClientSetup& setup);
Result<ClientModel> MakeMcrouterCrc32(const ClientSetup& setup);
Result<ClientModel> MakeMcrouterCh3(const ClientSetup& setup);
Result<ClientModel> MakeMcrouterWeightedCh3(const ClientSetup& setup);
Result<ClientModel> MakeMcrouterRendezvous(const ClientSetup& setup);
Result<ClientModel> MakeEnvoyRingHash(const ClientSetup& setup);
Result<ClientModel> MakeEnvoyMaglev(const ClientSetup& setup);
Result<ClientModel> MakeNodeMemcached(const ClientSetup& setup);
Result<ClientModel> MakeNodeHashring(const ClientSetup& setup);
Result<ClientModel> MakeMemjs(const ClientSetup& setup);

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_INTEROP_CLIENT_H_
