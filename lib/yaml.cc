#include "lib/yaml.h"

#include <new>

namespace shardcache::inline v0::internal {

YamlInput::YamlInput(std::string_view text) {
  if (yaml_parser_initialize(&parser_) == 0) throw std::bad_alloc();
  yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                               text.size());
}

std::string YamlInput::Problem() const {
  if (parser_.error == YAML_MEMORY_ERROR) throw std::bad_alloc();
  std::string problem = parser_.problem != nullptr ? parser_.problem : "not YAML";
  if (parser_.context != nullptr) problem += std::string(" ") + parser_.context;
  return problem;
}

}  // namespace shardcache::inline v0::internal
