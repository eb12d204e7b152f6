// Rows on stdout, as tab-separated text or as one JSON object a line.
#ifndef SHARDCACHE_BINDINGS_CLI_OUTPUT_H_
#define SHARDCACHE_BINDINGS_CLI_OUTPUT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace CLI {
class App;
}  // namespace CLI

namespace shardcache::cli {

enum class Format { kTsv, kJson };  // in the order of --format

// Adds --format to `command`.
void AddFormatOption(CLI::App& command, Format& format);

// `bytes` as printable text: a byte that is not part of valid UTF-8 becomes \xHH, a backslash
// \\, and LF, TAB, CR become \n, \t, \r. Both formats show keys and names this way, so that
// a reader undoes it the same way in both.
std::string Escaped(std::string_view bytes);

// A cell: text (escaped when it is written), a whole number, or a share.
using Cell = std::variant<std::string_view, std::uint64_t, double>;

// Writes rows to stdout through a buffer of its own. TSV has no heading; JSON names the cells.
class Rows {
 public:
  Rows(Format format, std::vector<std::string> columns);

  // REQUIRES: as many cells as columns. Throws Failure if stdout cannot be written.
  void Add(const std::vector<Cell>& cells);
  // Must be called at the end; throws like Add().
  void Finish();

 private:
  void Flush();

  Format format_;
  std::vector<std::string> columns_;
  std::string buffer_;
};

}  // namespace shardcache::cli

#endif  // SHARDCACHE_BINDINGS_CLI_OUTPUT_H_
