#include "bindings/python/native/convert.h"

#include <cmath>

#include "bindings/python/native/error.h"

namespace shardcache::python {
namespace {

namespace py = pybind11;

constexpr std::array<std::string_view, 2> kCharSigns = {"signed", "unsigned"};

[[noreturn]] void RefuseName(std::string_view what, std::string_view name,
                             const std::vector<std::string_view>& known) {
  std::string message = "there is no " + std::string(what) + " '" + std::string(name) + "'; use";
  for (std::size_t i = 0; i < known.size(); ++i) {
    message += i == 0 ? " " : i + 1 < known.size() ? ", " : " or ";
    message += known[i];
  }
  throw Failure({ErrorCode::kInvalidArgument, message});
}

}  // namespace

HashFunction ToHashFunction(std::string_view name) {
  if (const auto hash = ParseHashName(name)) return *hash;
  std::vector<std::string_view> names;
  for (HashFunction function : kHashFunctions) names.push_back(HashName(function));
  RefuseName("hash", name, names);
}

Distribution ToDistribution(std::string_view name) {
  if (const auto distribution = ParseDistributionName(name)) return *distribution;
  RefuseName("distribution", name, {"ketama", "modula", "random"});
}

CharSign ToCharSign(std::string_view name) {
  for (std::size_t i = 0; i < kCharSigns.size(); ++i) {
    if (name == kCharSigns[i]) return static_cast<CharSign>(i);
  }
  RefuseName("char_sign", name, {kCharSigns.begin(), kCharSigns.end()});
}

FailureKind ToFailureKind(std::string_view name) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < kFailureKinds; ++i) {
    const auto kind = static_cast<FailureKind>(i);
    if (name == FailureKindName(kind)) return kind;
    names.push_back(FailureKindName(kind));
  }
  RefuseName("kind of failure", name, names);
}

std::string_view CharSignName(CharSign sign) { return kCharSigns[static_cast<std::size_t>(sign)]; }

py::tuple FromServer(const Server& server) {
  return py::make_tuple(server.name, server.host, server.port, server.weight, server.named);
}

Server ToServer(const py::tuple& server) {
  try {
    return {.name = server[0].cast<std::string>(),
            .host = server[1].cast<std::string>(),
            .port = server[2].cast<std::uint16_t>(),
            .weight = server[3].cast<std::uint32_t>(),
            .named = server[4].cast<bool>()};
  } catch (const py::cast_error&) {
    const auto text = py::repr(server).cast<std::string>();
    throw Failure({ErrorCode::kInvalidArgument,
                   "not a server (name, host, port, weight, whether named): " + text});
  }
}

py::tuple FromServers(std::span<const Server> servers) {
  py::tuple result(servers.size());
  for (std::size_t i = 0; i < servers.size(); ++i) result[i] = FromServer(servers[i]);
  return result;
}

TimePoint ToTime(double seconds) {
  if (!(std::abs(seconds) < 9e9)) {  // also false for NaN; int64 nanoseconds hold 292 years
    throw Failure({ErrorCode::kInvalidArgument,
                   "a clock that says " + std::to_string(seconds) + " s is of no use"});
  }
  return TimePoint(std::chrono::nanoseconds(std::llround(seconds * 1e9)));
}

double FromTime(TimePoint time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

std::optional<double> FromTime(std::optional<TimePoint> time) {
  if (!time) return std::nullopt;
  return FromTime(*time);
}

}  // namespace shardcache::python
