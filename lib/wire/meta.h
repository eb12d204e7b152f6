// memcached's meta commands, whose answers carry a number of the client's, so that none can be
// taken for the answer to another request.
#ifndef SHARDCACHE_LIB_WIRE_META_H_
#define SHARDCACHE_LIB_WIRE_META_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "lib/wire/request.h"

namespace shardcache::inline v0::internal {

// Why numbers. memcached's classic answers name no request: after one too many, each would be
// believed to be the answer to the request before. So a connection without numbers has to look,
// before each request, whether something has arrived that nobody asked for; which is a system call
// more, and cannot see what is still on its way. Meta commands (mg, ms, md, ma) give back an opaque
// token, here Request::serial. memcached does so in all answers since 1.6.18, but for an error's
// line.
//
// A get of many keys asks by mg for the first and by the classic get for all others, since as many
// mg take a third more of the server's time. Answers come in order, so that the number of the first
// says whose the others are.
//
// Sources: memcached's doc/protocol.txt ("Meta Commands"), and what 1.6.18 answers.

// A key that nobody has. To delete it (if it has a cas value that it has not) gets an answer with a
// number where there are numbers, and counts in a server's statistics as delete_misses.
inline constexpr std::string_view kMarkKey = "shardcache:numbers";

// Asks whether a server numbers its answers, which takes a version and a sign: before 1.6.18 a miss
// had no number, and a proxy passes on another's version.
inline constexpr std::string_view kNumbersProbe = "version\r\nmd shardcache:numbers C1 O0\r\n";

enum class Sign : std::uint8_t {
  kMore,  // the answer is not complete
  kNumbers,
  kNoNumbers,
  kNonsense,  // no memcached answers so
};

// What `answer`, all that the server has said so far, says to that.
Sign ReadSign(std::string_view answer);

// Whether there is a numbered form of `verb`.
bool CanBeNumbered(Verb verb);

// Writes `request` to `out` as a meta command, numbered if it has a serial, and returns where that
// ends. REQUIRES: CanBeNumbered().
char* WriteMeta(const Request& request, char* out);

// What the line of an answer says.
struct MetaAnswer {
  Status status = Status::kPending;
  std::optional<std::uint64_t> size = {};  // of the value that follows, if one does
};

// The number in the line of an answer, if it has one.
std::optional<std::uint32_t> SerialIn(std::string_view line);

// Reads the answer to a request that WriteMeta() wrote, but for an error's line. Puts flags, cas
// and life into the first answer of `request`. Absent: it is no answer to this request.
std::optional<MetaAnswer> ReadMeta(std::string_view line, Request* request);

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_WIRE_META_H_
