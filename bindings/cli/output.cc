#include "bindings/cli/output.h"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "bindings/cli/command.h"

namespace shardcache::cli {
namespace {

constexpr std::size_t kFlushAt = 1 << 16;

// The length of the UTF-8 sequence that starts `text`, or 0 if none does. Overlong forms,
// surrogates and values above U+10FFFF are not UTF-8.
std::size_t Utf8Length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xc0) == 0x80; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return continues(1) ? 2 : 0;
  if (lead >= 0xe0 && lead < 0xf0) {
    if (!continues(1) || !continues(2)) return 0;
    if (lead == 0xe0 && byte(1) < 0xa0) return 0;
    if (lead == 0xed && byte(1) >= 0xa0) return 0;
    return 3;
  }
  if (lead >= 0xf0 && lead < 0xf5) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    if (lead == 0xf0 && byte(1) < 0x90) return 0;
    if (lead == 0xf4 && byte(1) >= 0x90) return 0;
    return 4;
  }
  return 0;
}

std::string ShareText(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6f", share);
  return text;
}

std::string TsvCell(const Cell& cell) {
  if (const auto* text = std::get_if<std::string_view>(&cell)) return Escaped(*text);
  if (const auto* number = std::get_if<std::uint64_t>(&cell)) return std::to_string(*number);
  return ShareText(std::get<double>(cell));
}

nlohmann::ordered_json JsonCell(const Cell& cell) {
  if (const auto* text = std::get_if<std::string_view>(&cell)) return Escaped(*text);
  if (const auto* number = std::get_if<std::uint64_t>(&cell)) return *number;
  return std::get<double>(cell);
}

}  // namespace

void AddFormatOption(CLI::App& command, Format& format) {
  command
      .add_option("--format", format,
                  "tsv: columns divided by tabs; json: one object a line (default tsv)")
      ->type_name("tsv|json")
      ->transform(OneOf({"tsv", "json"}));
}

std::string Escaped(std::string_view bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const char c = bytes.front();
    const std::size_t length = Utf8Length(bytes);
    if (length == 0) {
      text += {'\\', 'x', kHex[static_cast<unsigned char>(c) >> 4], kHex[c & 0xf]};
    } else if (c == '\\') {
      text += "\\\\";
    } else if (c == '\n') {
      text += "\\n";
    } else if (c == '\t') {
      text += "\\t";
    } else if (c == '\r') {
      text += "\\r";
    } else {
      text += bytes.substr(0, length);
    }
    bytes.remove_prefix(length == 0 ? 1 : length);
  }
  return text;
}

Rows::Rows(Format format, std::vector<std::string> columns)
    : format_(format), columns_(std::move(columns)) {}

void Rows::Add(const std::vector<Cell>& cells) {
  if (format_ == Format::kTsv) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) buffer_ += '\t';
      buffer_ += TsvCell(cells[i]);
    }
  } else {
    nlohmann::ordered_json row;
    for (std::size_t i = 0; i < cells.size(); ++i) row[columns_[i]] = JsonCell(cells[i]);
    buffer_ += row.dump();
  }
  buffer_ += '\n';
  if (buffer_.size() >= kFlushAt) Flush();
}

void Rows::Finish() { Flush(); }

void Rows::Flush() {
  const bool written = std::fwrite(buffer_.data(), 1, buffer_.size(), stdout) == buffer_.size() &&
                       std::fflush(stdout) == 0;
  if (!written) {
    throw Failure(kTrouble, std::string("cannot write to stdout: ") + std::strerror(errno));
  }
  buffer_.clear();
}

}  // namespace shardcache::cli
