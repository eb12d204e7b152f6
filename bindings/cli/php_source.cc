#include "bindings/cli/php_source.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

namespace shardcache::cli {
namespace {

enum class Kind { kName, kVariable, kString, kNumber, kSymbol, kOther, kEnd };

struct Token {
  Kind kind = Kind::kEnd;
  std::string text;  // of a string: its value
  int line = 1;
};

// Cuts PHP source into tokens. Comments go; a string with variables in it is kOther.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::vector<Token> Run() {
    std::vector<Token> tokens;
    while (true) {
      SkipBlanks();
      if (at_ >= text_.size()) break;
      tokens.push_back(Next());
    }
    tokens.push_back({Kind::kEnd, "", line_});
    return tokens;
  }

 private:
  static bool IsWord(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '\\';
  }
  char Peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  char Take() {
    if (text_[at_] == '\n') ++line_;
    return text_[at_++];
  }

  void SkipBlanks() {
    while (at_ < text_.size()) {
      if (std::isspace(static_cast<unsigned char>(Peek())) != 0) {
        Take();
      } else if ((Peek() == '#' && Peek(1) != '[') || (Peek() == '/' && Peek(1) == '/')) {
        while (at_ < text_.size() && Peek() != '\n') Take();
      } else if (Peek() == '/' && Peek(1) == '*') {
        const std::size_t end = text_.find("*/", at_ + 2);
        const std::size_t stop = end == std::string_view::npos ? text_.size() : end + 2;
        while (at_ < stop) Take();
      } else {
        return;
      }
    }
  }

  Token Next() {
    Token token{Kind::kSymbol, "", line_};
    const char c = Peek();
    if (c == '\'' || c == '"') return String(token);
    if (c == '$' || IsWord(c)) {
      token.kind = c == '$' ? Kind::kVariable
                            : (std::isdigit(static_cast<unsigned char>(c)) != 0 ? Kind::kNumber
                                                                                : Kind::kName);
      token.text += Take();
      while (at_ < text_.size() && IsWord(Peek())) token.text += Take();
      return token;
    }
    token.text += Take();
    for (std::string_view pair : {"->", "=>", "::"}) {
      if (token.text[0] == pair[0] && Peek() == pair[1]) token.text += Take();
    }
    return token;
  }

  Token String(Token token) {
    token.kind = Kind::kString;
    const char quote = Take();
    while (at_ < text_.size() && Peek() != quote) {
      char c = Take();
      if (quote == '"' && (c == '$' || c == '{')) token.kind = Kind::kOther;
      if (c == '\\' && at_ < text_.size()) {
        const char next = Peek();
        if (next == '\\' || next == quote) {
          c = Take();
        } else if (quote == '"') {
          token.kind = Kind::kOther;  // an escape that is not worth its reading
        }
      }
      token.text += c;
    }
    if (at_ < text_.size()) Take();
    return token;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
};

// A literal: a scalar's text, or the items of an array (keys in `key`).
struct Value {
  bool is_array = false;
  std::string text;
  std::optional<std::string> key;
  std::vector<Value> items;
};

bool SameName(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

std::string_view ClassName(std::string_view name) {
  return name.starts_with('\\') ? name.substr(1) : name;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : tokens_(Lexer(text).Run()) {}

  PhpSource Run() {
    FindObject();
    for (at_ = 0; tokens_[at_].kind != Kind::kEnd; ++at_) ReadCall();
    return std::move(source_);
  }

 private:
  const Token& At(std::size_t ahead) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  bool IsSymbol(std::size_t ahead, std::string_view text) const {
    return At(ahead).kind == Kind::kSymbol && At(ahead).text == text;
  }
  void Unread(int line, const std::string& what) {
    source_.unread.push_back("line " + std::to_string(line) + ": " + what);
  }

  // `$m = new Memcached`; for `$this->m = new ...`, the variable is m.
  void FindObject() {
    for (at_ = 0; tokens_[at_].kind != Kind::kEnd; ++at_) {
      if (!SameName(At(0).text, "new") || At(0).kind != Kind::kName) continue;
      const bool memcached = SameName(ClassName(At(1).text), "Memcached");
      const bool memcache = SameName(ClassName(At(1).text), "Memcache") ||
                            SameName(ClassName(At(1).text), "MemcachePool");
      if (!memcached && !memcache) continue;
      std::string variable;
      if (at_ >= 2 && tokens_[at_ - 1].text == "=") variable = Bare(tokens_[at_ - 2].text);
      if (source_.setup.client.empty()) {
        source_.setup.client = memcached ? "php-memcached" : "pecl-memcache";
        variable_ = variable;
      } else if (variable != variable_) {
        Unread(At(0).line, "a second client object, $" + variable + ": only the first, $" +
                               variable_ + ", is read");
      }
    }
  }
  static std::string Bare(std::string_view variable) {
    return std::string(variable.starts_with('$') ? variable.substr(1) : variable);
  }

  // Whether a method is called on the client: the name before the arrow is the object's.
  bool IsMethod() const {
    if (At(0).kind != Kind::kName || !IsSymbol(1, "(") || at_ < 2) return false;
    return tokens_[at_ - 1].text == "->" &&
           (variable_.empty() || Bare(tokens_[at_ - 2].text) == variable_);
  }

  void ReadCall() {
    const Token name = At(0);
    const bool ini =
        name.kind == Kind::kName && SameName(ClassName(name.text), "ini_set") && IsSymbol(1, "(");
    if (!ini && !IsMethod()) return;
    static constexpr std::string_view kMethods[] = {
        "addServer", "addServers", "setOption", "setOptions", "setBucket", "connect", "pconnect"};
    if (!ini && std::none_of(std::begin(kMethods), std::end(kMethods),
                             [&](std::string_view known) { return SameName(name.text, known); })) {
      return;
    }
    const std::size_t start = at_;
    at_ += 2;
    const std::optional<std::vector<Value>> arguments = Arguments();
    at_ = start + 1;
    if (!arguments) return Unread(name.line, name.text + ": its arguments are no literals");
    Apply(name, *arguments);
  }

  // Literals up to the closing bracket.
  std::optional<std::vector<Value>> Arguments() {
    std::vector<Value> values;
    while (!IsSymbol(0, ")")) {
      std::optional<Value> value = ReadValue();
      if (!value) return std::nullopt;
      values.push_back(*std::move(value));
      if (IsSymbol(0, ",")) ++at_;
    }
    return values;
  }

  std::optional<Value> ReadValue() {
    Value value;
    const bool old_array = SameName(At(0).text, "array") && IsSymbol(1, "(");
    if (old_array) ++at_;
    if (old_array || IsSymbol(0, "[")) {
      ++at_;
      value.is_array = true;
      return ReadItems(std::move(value), old_array ? ")" : "]");
    }
    if (IsSymbol(0, "-") && At(1).kind == Kind::kNumber) {
      value.text = "-" + At(1).text;
      at_ += 2;
      return AfterValue(std::move(value));
    }
    if (At(0).kind == Kind::kName && IsSymbol(1, "::") && At(2).kind == Kind::kName) {
      value.text = std::string(ClassName(At(0).text)) + "::" + At(2).text;
      at_ += 3;
      return AfterValue(std::move(value));
    }
    if (At(0).kind != Kind::kString && At(0).kind != Kind::kNumber && At(0).kind != Kind::kName) {
      return std::nullopt;
    }
    value.text = At(0).text;
    ++at_;
    return AfterValue(std::move(value));
  }
  // What goes on after a literal is part of an expression.
  std::optional<Value> AfterValue(Value value) const {
    for (std::string_view end : {",", ")", "]", "=>"}) {
      if (IsSymbol(0, end)) return value;
    }
    return std::nullopt;
  }
  std::optional<Value> ReadItems(Value array, std::string_view close) {
    while (!IsSymbol(0, close)) {
      std::optional<Value> item = ReadValue();
      if (!item) return std::nullopt;
      if (IsSymbol(0, "=>")) {
        ++at_;
        std::optional<Value> keyed = ReadValue();
        if (!keyed) return std::nullopt;
        keyed->key = item->text;
        item = std::move(keyed);
      }
      array.items.push_back(*std::move(item));
      if (IsSymbol(0, ",")) ++at_;
    }
    ++at_;
    return array;
  }

  void Apply(const Token& call, const std::vector<Value>& arguments) {
    std::vector<ClientOption>& options = source_.setup.options;
    const auto bad = [&] { Unread(call.line, call.text + ": not of the form that is read"); };
    if (SameName(call.text, "ini_set") || SameName(call.text, "setOption")) {
      if (arguments.size() != 2 || arguments[1].is_array) return bad();
      const char* prefix = source_.setup.client == "pecl-memcache" ? "memcache." : "memcached.";
      if (SameName(call.text, "ini_set") && !arguments[0].text.starts_with(prefix)) return;
      options.push_back({arguments[0].text, arguments[1].text});
    } else if (SameName(call.text, "setOptions")) {
      if (arguments.empty()) return bad();
      for (const Value& item : arguments[0].items) {
        if (item.key) options.push_back({*item.key, item.text});
      }
    } else if (SameName(call.text, "setBucket")) {
      if (arguments.empty() || !arguments[0].is_array) return bad();
      std::string map;
      for (const Value& item : arguments[0].items) map += (map.empty() ? "" : ",") + item.text;
      options.push_back({"setBucket", map});
    } else if (SameName(call.text, "addServers")) {
      if (arguments.empty()) return bad();
      Mark("addServers");
      for (const Value& item : arguments[0].items) {
        if (!AddServer(item.items, 2)) bad();
      }
    } else {  // addServer, connect, pconnect
      Mark("addServer");
      // pecl memcache: host, port, persistent, weight; php-memcached: host, port, weight.
      if (!AddServer(arguments, source_.setup.client == "pecl-memcache" ? 3 : 2)) bad();
    }
  }

  void Mark(const char* how) {
    for (const ClientOption& option : source_.setup.options) {
      if (option.name == "addServers" || option.name == "addServer") return;
    }
    source_.setup.options.push_back({how, ""});
  }

  bool AddServer(const std::vector<Value>& fields, std::size_t weight_at) {
    if (fields.empty() || fields[0].is_array) return false;
    Server server;
    server.host = fields[0].text;
    if (server.host.starts_with("unix://")) server.host.erase(0, 7);
    std::uint32_t port = 11211;
    if (fields.size() > 1 && !Number(fields[1].text, port)) return false;
    if (fields.size() > weight_at && !Number(fields[weight_at].text, server.weight)) return false;
    if (port > 65535) return false;
    if (server.weight == 0) server.weight = 1;
    if (port == 0) port = 11211;
    server.port = server.host.starts_with('/') ? 0 : static_cast<std::uint16_t>(port);
    server.name = server.address();
    source_.setup.servers.push_back(server);
    return true;
  }
  static bool Number(std::string_view text, std::uint32_t& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() &&
           value <= static_cast<std::uint32_t>(std::numeric_limits<std::int32_t>::max());
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::string variable_;
  PhpSource source_;
};

}  // namespace

PhpSource ReadPhp(std::string_view text) { return Reader(text).Run(); }

}  // namespace shardcache::cli
