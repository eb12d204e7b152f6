#include "shardcache/result.h"

#include <cstdio>
#include <cstdlib>

namespace shardcache::inline v0 {

std::string_view ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid_argument";
    case ErrorCode::kInvalidConfig:
      return "invalid_config";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kIo:
      return "io";
    case ErrorCode::kNoLiveServer:
      return "no_live_server";
    case ErrorCode::kTimeout:
      return "timeout";
    case ErrorCode::kDisconnected:
      return "disconnected";
    case ErrorCode::kProtocol:
      return "protocol";
    case ErrorCode::kRefusedByServer:
      return "refused_by_server";
  }
  return "unknown";
}

void DieOfUnreadError(const Error& error) {
  std::fprintf(stderr, "shardcache: the value of a failed Result was read: %s\n",
               error.message.c_str());
  std::abort();
}

}  // namespace shardcache::inline v0
