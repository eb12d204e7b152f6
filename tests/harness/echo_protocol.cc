#include "tests/harness/echo_protocol.h"

#include <charconv>

namespace shardcache::testing {
namespace {

// Takes the next word off `line`; empty at its end.
std::string_view NextWord(std::string_view* line) {
  while (!line->empty() && line->front() == ' ') line->remove_prefix(1);
  const std::string_view word = line->substr(0, line->find(' '));
  line->remove_prefix(word.size());
  return word;
}

void AnswerGet(std::string_view keys, std::string_view identity, std::string* answer) {
  for (std::string_view key = NextWord(&keys); !key.empty(); key = NextWord(&keys)) {
    char length[24];
    char* const end = std::to_chars(length, length + sizeof length, identity.size()).ptr;
    answer->append("VALUE ").append(key).append(" 0 ").append(length, end);
    answer->append("\r\n").append(identity).append("\r\n");
  }
  answer->append("END\r\n");
}

// The parts of a set's or add's line after the command. `ok` is false for a line that is neither.
struct SetLine {
  bool ok = false;
  std::size_t data_size = 0;
  bool noreply = false;
};

SetLine ParseSet(std::string_view line) {
  SetLine set;
  for (int i = 0; i < 3; ++i) {  // key, flags, expiry time
    if (NextWord(&line).empty()) return set;
  }
  const std::string_view size = NextWord(&line);
  const char* const end = size.data() + size.size();
  const auto [stop, error] = std::from_chars(size.data(), end, set.data_size);
  set.ok = error == std::errc() && stop == end && set.data_size <= (std::size_t{1} << 30);
  set.noreply = NextWord(&line) == "noreply";
  return set;
}

}  // namespace

std::size_t AnswerRequest(std::string_view input, std::string_view identity, std::string* answer) {
  const std::size_t newline = input.find('\n');
  if (newline == std::string_view::npos) return 0;
  std::string_view line = input.substr(0, newline);
  if (line.ends_with('\r')) line.remove_suffix(1);
  std::size_t size = newline + 1;

  if (line.starts_with("get ")) {
    AnswerGet(line.substr(4), identity, answer);
    return size;
  }
  if (line.starts_with("set ") || line.starts_with("add ")) {
    const SetLine set = ParseSet(line.substr(4));
    if (set.ok) {
      size += set.data_size + 2;
      if (input.size() < size) return 0;
      if (!set.noreply) answer->append("STORED\r\n");
      return size;
    }
  }
  answer->append(line.starts_with("incr ") ? "1\r\n" : "ERROR\r\n");
  return size;
}

}  // namespace shardcache::testing
