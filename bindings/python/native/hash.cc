#include "shardcache/hash.h"

#include <string>

#include "bindings/python/native/convert.h"
#include "bindings/python/native/keys.h"
#include "bindings/python/native/module.h"

namespace shardcache::python {

void DefineHash(py::module_& module) {
  py::tuple names(kHashFunctions.size());
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = HashName(kHashFunctions[i]);
  module.attr("hashes") = names;

  module.def("depends_on_char_sign",
             [](std::string_view function) { return DependsOnCharSign(ToHashFunction(function)); });
  module.def("hash", [](std::string_view function, py::handle key, std::string_view char_sign) {
    return Hash(ToHashFunction(function), KeyBytes(key), ToCharSign(char_sign));
  });
  module.def("hash_many",
             [](std::string_view function, const py::object& keys, std::string_view char_sign) {
               const HashFunction hash = ToHashFunction(function);
               const CharSign sign = ToCharSign(char_sign);
               return MapKeys(keys, [&](KeySpan some, std::span<std::uint32_t> hashes) {
                 Hash(hash, some, hashes, sign);
               });
             });
}

}  // namespace shardcache::python
