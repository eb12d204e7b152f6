#include "bindings/cli/bench_workload.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "bindings/cli/command.h"
#include "lib/wire/request.h"

namespace shardcache::cli {
namespace {

// Values begin at one of this many places of the same bytes, so that they differ.
constexpr std::size_t kPlaces = 4096;

// SplitMix64's mixing: 64 random bits for each number.
std::uint64_t Mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// 0 to less than 1.
double Fraction(std::uint64_t random) { return static_cast<double>(random >> 11) * 0x1p-53; }

// Takes a number off the front of `text`.
double TakeNumber(std::string_view* text, const std::string& whole) {
  double number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || !(number >= 0) || number > SizeDistribution::kMost) {
    throw Failure(kTrouble, "--sizes: \"" + whole +
                                "\" is not dSIZE, uMIN,MAX or eMEAN with "
                                "sizes of 0 to 1000000 bytes");
  }
  text->remove_prefix(static_cast<std::size_t>(end - text->data()));
  return number;
}

}  // namespace

SizeDistribution SizeDistribution::Parse(const std::string& text) {
  SizeDistribution sizes;
  std::string_view rest = text;
  if (rest.starts_with('u')) sizes.kind_ = Kind::kUniform;
  if (rest.starts_with('e')) sizes.kind_ = Kind::kExponential;
  if (rest.starts_with('d') || sizes.kind_ != Kind::kFixed) rest.remove_prefix(1);
  sizes.first_ = TakeNumber(&rest, text);
  if (sizes.kind_ == Kind::kUniform) {
    if (!rest.starts_with(',')) throw Failure(kTrouble, "--sizes: \"" + text + "\" has no maximum");
    rest.remove_prefix(1);
    sizes.second_ = TakeNumber(&rest, text);
    if (sizes.second_ <= sizes.first_) {
      throw Failure(kTrouble, "--sizes: the maximum of \"" + text + "\" is not above its minimum");
    }
  }
  if (!rest.empty()) {
    throw Failure(kTrouble,
                  "--sizes: \"" + std::string(rest) + "\" in \"" + text + "\" is not understood");
  }
  return sizes;
}

std::size_t SizeDistribution::Of(std::uint64_t random) const {
  double size = first_;
  if (kind_ == Kind::kUniform) size += (second_ - first_) * Fraction(random);
  if (kind_ == Kind::kExponential) size = -first_ * std::log1p(-Fraction(random));
  return std::min(static_cast<std::size_t>(size), Bound());
}

std::size_t SizeDistribution::Bound() const {
  switch (kind_) {
    case Kind::kFixed:
      return static_cast<std::size_t>(first_);
    case Kind::kUniform:
      return static_cast<std::size_t>(std::ceil(second_)) - 1;
    case Kind::kExponential:
      break;
  }
  return kMost;
}

Workload::Workload(const WorkloadOptions& options)
    : options_(options), sizes_(SizeDistribution::Parse(options.sizes)) {
  std::uint64_t mark = Mix(options.seed);
  for (const char c : options.sizes) mark = Mix(mark ^ static_cast<unsigned char>(c));
  char text[16];
  std::snprintf(text, sizeof text, "%06x:", static_cast<unsigned>(mark & 0xffffff));
  start_ = options.prefix + text;
  const std::size_t digits = std::to_string(options.keys - 1).size();
  if (options.key_size != 0 && options.key_size < start_.size() + digits) {
    throw Failure(kTrouble, "--key-size: keys need " + std::to_string(start_.size() + digits) +
                                " bytes, with --prefix \"" + options.prefix + "\"");
  }
  if (options.key_size != 0) width_ = options.key_size - start_.size();
  std::string longest = start_ + std::string(std::max(width_, digits), '0');
  if (!internal::IsValidKey(longest)) {
    throw Failure(kTrouble, "--prefix: memcached takes no key \"" + longest +
                                "\": at most 250 bytes, without blanks and control characters");
  }
  bytes_.resize(sizes_.Bound() + kPlaces);
  for (std::size_t i = 0; i < bytes_.size(); ++i) {
    bytes_[i] = static_cast<char>('!' + Mix(i) % ('~' - '!' + 1));
  }
}

Workload::Choice Workload::Request(std::uint64_t n) const {
  const std::uint64_t random = Mix(Mix(options_.seed) ^ n);
  return {.get = Fraction(Mix(random)) < options_.get_ratio, .key = random % options_.keys};
}

void Workload::MakeKey(std::uint64_t n, std::string* key) const {
  char digits[20];
  char* const end = std::to_chars(digits, digits + sizeof digits, n).ptr;
  const auto size = static_cast<std::size_t>(end - digits);
  *key = start_;
  if (size < width_) key->append(width_ - size, '0');
  key->append(digits, size);
}

std::string_view Workload::ValueOf(std::uint64_t n) const {
  const std::uint64_t random = Mix(Mix(~options_.seed) ^ n);
  return std::string_view(bytes_).substr(Mix(random) % kPlaces, sizes_.Of(random));
}

double Workload::Volume() const {
  std::string key;
  MakeKey(options_.keys - 1, &key);
  // The mean of some, for an exponential distribution has a bound that says nothing.
  const std::uint64_t some = std::min<std::uint64_t>(options_.keys, 10'000);
  double size = 0;
  for (std::uint64_t n = 0; n < some; ++n) size += static_cast<double>(ValueOf(n).size());
  return static_cast<double>(options_.keys) *
         (size / static_cast<double>(some) + static_cast<double>(key.size()));
}

}  // namespace shardcache::cli
