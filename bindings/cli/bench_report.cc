#include "bindings/cli/bench_report.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "bindings/cli/command.h"
#include "bindings/cli/output.h"

namespace shardcache::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::pair<const char*, double>, 6> kPercentiles = {
    {{"p25", 0.25}, {"p50", 0.5}, {"p75", 0.75}, {"p95", 0.95}, {"p99", 0.99}, {"p999", 0.999}}};

double Milliseconds(Histogram::Duration duration) {
  return 1e-6 * static_cast<double>(duration.count());
}

double Microseconds(Histogram::Duration duration) {
  return 1e-3 * static_cast<double>(duration.count());
}

[[gnu::format(printf, 1, 2)]] std::string Print(const char* format, ...) {
  std::array<char, 512> text;
  va_list arguments;
  va_start(arguments, format);
  const int size = std::vsnprintf(text.data(), text.size(), format, arguments);
  va_end(arguments);
  return {text.data(), std::min(static_cast<std::size_t>(size), text.size() - 1)};
}

unsigned long long Number(std::uint64_t n) { return n; }

std::string TimeLine(const char* what, const Histogram& times) {
  return Print("%s [ms]: avg %.3f min %.3f max %.3f stddev %.3f\n", what, times.Average() * 1e-6,
               Milliseconds(times.Min()), Milliseconds(times.Max()), times.Deviation() * 1e-6);
}

std::string PercentileLine(const Histogram& times, std::size_t first) {
  std::string line = "Response time [ms]:";
  for (std::size_t i = first; i < first + 3; ++i) {
    const auto& [name, share] = kPercentiles[i];
    line += Print(" %s %.3f", name, Milliseconds(times.Percentile(share)));
  }
  return line + '\n';
}

std::string EndingLine(const char* what, const Tally& tally, Ending first, Ending last) {
  std::string line = what;
  for (auto i = static_cast<std::uint8_t>(first); i <= static_cast<std::uint8_t>(last); ++i) {
    const auto ending = static_cast<Ending>(i);
    line += Print(" %s %llu", std::string(EndingName(ending)).c_str(), Number(tally.Count(ending)));
  }
  return line + '\n';
}

// The lines that mcperf prints, as far as they are of interest here.
std::string Block(const Measurement& measured, const Phase& phase) {
  const Tally& all = measured.all;
  const double rate = measured.rate;
  const double bytes = static_cast<double>(all.bytes_sent + all.bytes_received);
  const auto per_second = [&](double amount) {
    return all.seconds > 0 ? amount / all.seconds : 0.0;
  };
  std::string text = measured.target->text + "\n\n";
  text += Print("Total: connections %llu requests %llu responses %llu test-duration %.3f s\n",
                Number(all.connect.count()), Number(all.requests()),
                Number(all.requests() - all.errors()), all.seconds);
  if (measured.target->kind != Target::Kind::kClient) {
    text += Print("Connection rate: %.1f conn/s (<= %u concurrent connections)\n",
                  per_second(static_cast<double>(all.connect.count())), phase.at_once);
    text += TimeLine("Connect time", all.connect);
  }
  text += Print("Request rate: %.1f req/s (%.4f ms/req)\n", rate, rate > 0 ? 1e3 / rate : 0.0);
  text += TimeLine("Response time", all.response);
  text += PercentileLine(all.response, 0) + PercentileLine(all.response, 3);
  text += EndingLine("Response type:", all, Ending::kStored, Ending::kMiss);
  text += Print("Errors: total %llu", Number(all.errors()));
  text += EndingLine("", all, Ending::kTimeout, Ending::kOther);
  if (!all.first_error.empty()) text += "First error: " + Escaped(all.first_error) + '\n';
  text += Print("CPU time [s]: %.2f (%.0f%% of one processor, by the load generator)\n",
                all.cpu_seconds, 100 * per_second(all.cpu_seconds));
  text += Print("Net I/O: bytes %.1f KB rate %.1f KB/s (%.1f*10^6 bps)\n\n", bytes / 1024,
                per_second(bytes) / 1024, 8e-6 * per_second(bytes));
  return text;
}

std::string SideBySide(const std::vector<Measurement>& measurements) {
  std::size_t width = 6;
  for (const Measurement& measured : measurements) {
    width = std::max(width, measured.target->text.size());
  }
  const int columns = static_cast<int>(width);
  std::string text = Print("%-*s %10s %7s %9s %9s %9s %9s %8s\n", columns, "target", "req/s",
                           "ratio", "p50 ms", "p95 ms", "p99 ms", "p999 ms", "errors");
  for (const Measurement& measured : measurements) {
    const Histogram& times = measured.all.response;
    text += measured.target->text + std::string(width - measured.target->text.size(), ' ');
    text += Print(" %10.0f %7.2f %9.3f %9.3f %9.3f %9.3f %8llu\n", measured.rate, measured.ratio,
                  Milliseconds(times.Percentile(0.5)), Milliseconds(times.Percentile(0.95)),
                  Milliseconds(times.Percentile(0.99)), Milliseconds(times.Percentile(0.999)),
                  Number(measured.all.errors()));
  }
  return text;
}

Json Times(const Histogram& times) {
  Json json = {{"avg", times.Average() * 1e-3},
               {"min", Microseconds(times.Min())},
               {"max", Microseconds(times.Max())},
               {"stddev", times.Deviation() * 1e-3}};
  for (const auto& [name, share] : kPercentiles) {
    json[name] = Microseconds(times.Percentile(share));
  }
  return json;
}

Json Endings(const Tally& tally, Ending first, Ending last) {
  Json json = Json::object();
  for (auto i = static_cast<std::uint8_t>(first); i <= static_cast<std::uint8_t>(last); ++i) {
    json[std::string(EndingName(static_cast<Ending>(i)))] = tally.Count(static_cast<Ending>(i));
  }
  return json;
}

Json Errors(const Tally& tally) {
  Json json = {{"total", tally.errors()}};
  json.update(Endings(tally, Ending::kTimeout, Ending::kOther));
  return json;
}

std::string JsonLine(const Measurement& measured, const WorkloadOptions& workload,
                     const Phase& phase) {
  const Tally& all = measured.all;
  static constexpr std::array<const char*, 3> kKinds = {"direct", "proxy", "client"};
  Json json;
  json["target"] = Escaped(measured.target->text);
  json["kind"] = kKinds[static_cast<std::size_t>(measured.target->kind)];
  json["servers"] = Json::array();
  for (const Server& server : measured.target->servers)
    json["servers"].push_back(Escaped(server.address()));
  json["calls"] = phase.calls;
  json["at_once"] = phase.at_once;
  json["blocking"] = phase.blocking;
  json["rate"] = phase.rate ? Json(*phase.rate) : Json();
  json["sizes"] = workload.sizes;
  json["get_ratio"] = workload.get_ratio;
  json["keys"] = workload.keys;
  json["seed"] = workload.seed;
  json["rounds"] = measured.rates.size();
  json["requests"] = all.requests();
  json["seconds"] = all.seconds;
  json["cpu_seconds"] = all.cpu_seconds;
  json["requests_per_second"] = measured.rate;
  json["round_requests_per_second"] = measured.rates;
  json["ratio"] = measured.ratio;
  json["response_us"] = Times(all.response);
  json["connections"] = all.connect.count();
  json["connect_us"] = Times(all.connect);
  json["responses"] = Endings(all, Ending::kStored, Ending::kMiss);
  json["errors"] = Errors(all);
  json["first_error"] = Escaped(all.first_error);
  json["bytes_sent"] = all.bytes_sent;
  json["bytes_received"] = all.bytes_received;
  json["unmeasured"] = Endings(measured.unmeasured, Ending::kStored, Ending::kMiss);
  json["unmeasured"]["errors"] = Errors(measured.unmeasured);
  return json.dump() + '\n';
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace

void SetRates(std::vector<Measurement>* measurements) {
  for (Measurement& measured : *measurements) {
    measured.rate = Median(measured.rates);
    const double first = measurements->front().rate;
    measured.ratio = first > 0 ? measured.rate / first : 0;
  }
}

void Report(const std::vector<Measurement>& measurements, const WorkloadOptions& workload,
            const Phase& phase, BenchFormat format) {
  if (format == BenchFormat::kTsv) {
    Rows rows(Format::kTsv, {"target", "requests", "errors", "seconds", "rate", "ratio", "avg",
                             "p50", "p95", "p99", "p999", "max"});
    for (const Measurement& measured : measurements) {
      const Tally& all = measured.all;
      const auto at = [&](double share) { return Microseconds(all.response.Percentile(share)); };
      rows.Add({measured.target->text, all.requests(), all.errors(), all.seconds, measured.rate,
                measured.ratio, all.response.Average() * 1e-3, at(0.5), at(0.95), at(0.99),
                at(0.999), Microseconds(all.response.Max())});
    }
    return rows.Finish();
  }
  std::string text;
  for (const Measurement& measured : measurements) {
    text +=
        format == BenchFormat::kJson ? JsonLine(measured, workload, phase) : Block(measured, phase);
  }
  if (format == BenchFormat::kText) text += SideBySide(measurements);
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw Failure(kTrouble, std::string("cannot write to stdout: ") + std::strerror(errno));
  }
}

}  // namespace shardcache::cli
