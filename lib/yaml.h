// libyaml's scanner and parser as values that clean up after themselves.
#ifndef SHARDCACHE_LIB_YAML_H_
#define SHARDCACHE_LIB_YAML_H_

#include <yaml.h>

#include <string>
#include <string_view>

namespace shardcache::inline v0::internal {

// One pass of libyaml over a text that outlives it.
class YamlInput {
 public:
  explicit YamlInput(std::string_view text);
  ~YamlInput() { yaml_parser_delete(&parser_); }
  YamlInput(const YamlInput&) = delete;
  YamlInput& operator=(const YamlInput&) = delete;

  yaml_parser_t* get() { return &parser_; }

  // What libyaml objects to, after it failed.
  std::string Problem() const;
  int ProblemLine() const { return static_cast<int>(parser_.problem_mark.line) + 1; }

 private:
  yaml_parser_t parser_;
};

// The next event of `input`; `ok` is false where libyaml failed.
class YamlEvent {
 public:
  explicit YamlEvent(YamlInput& input) : ok_(yaml_parser_parse(input.get(), &event_) != 0) {}
  ~YamlEvent() {
    if (ok_) yaml_event_delete(&event_);
  }
  YamlEvent(const YamlEvent&) = delete;
  YamlEvent& operator=(const YamlEvent&) = delete;

  bool ok() const { return ok_; }
  yaml_event_type_t type() const { return event_.type; }
  int line() const { return static_cast<int>(event_.start_mark.line) + 1; }
  // REQUIRES: type() == YAML_SCALAR_EVENT.
  std::string_view scalar() const {
    return {reinterpret_cast<const char*>(event_.data.scalar.value), event_.data.scalar.length};
  }

 private:
  yaml_event_t event_{};
  bool ok_;
};

// The next token of `input`.
class YamlToken {
 public:
  explicit YamlToken(YamlInput& input) : ok_(yaml_parser_scan(input.get(), &token_) != 0) {}
  ~YamlToken() {
    if (ok_) yaml_token_delete(&token_);
  }
  YamlToken(const YamlToken&) = delete;
  YamlToken& operator=(const YamlToken&) = delete;

  bool ok() const { return ok_; }
  yaml_token_type_t type() const { return token_.type; }
  int line() const { return static_cast<int>(token_.start_mark.line) + 1; }

 private:
  yaml_token_t token_{};
  bool ok_;
};

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_YAML_H_
