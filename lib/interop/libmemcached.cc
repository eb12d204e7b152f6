#include "lib/interop/libmemcached.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "lib/hash/foreign.h"
#include "lib/hash/reference.h"
#include "lib/ketama.h"

namespace shardcache::inline v0::internal {
namespace {

constexpr std::uint32_t kDefaultPort = 11211;
constexpr std::uint32_t kPoints = 100;  // of a server of the unweighted ring
constexpr std::size_t kMaxPrefix = 127;
constexpr std::size_t kMaxHashed = 250;  // prefix and key together

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

std::optional<KeyHash> LibmemcachedHash(std::uint64_t number) {
  switch (number) {
    case 0:
      return KeyHashOf(HashFunction::kOneAtATime);
    case 1:
      return KeyHashOf(HashFunction::kMd5);
    case 2:
      return KeyHashOf(HashFunction::kCrc32);
    case 3:
      return KeyHashOf(HashFunction::kFnv1_64);
    case 4:
      return KeyHashOf(HashFunction::kFnv1a_64);
    case 5:
      return KeyHashOf(HashFunction::kFnv1_32);
    case 6:
      return KeyHashOf(HashFunction::kFnv1a_32);
    case 8:
      return KeyHashOf(HashFunction::kMurmur);
    case 9:
      return KeyHashOf(HashFunction::kJenkins);
    case 10:
      return KeyHash{.name = "murmur3", .function = [](std::string_view bytes, CharSign) {
                       return Murmur3_32(bytes,
                                         0xdeadbeefU * static_cast<std::uint32_t>(bytes.size()));
                     }};
    default:
      return std::nullopt;
  }
}

bool Libmemcached::IsConsistent() const {
  return distribution_ == kConsistent || distribution_ == kConsistentKetama ||
         distribution_ == kConsistentKetamaSpy || distribution_ == kConsistentWeighted;
}

bool Libmemcached::SetHash(std::uint64_t value) {
  if (LibmemcachedHash(value)) {
    hash_ = value;
    return true;
  }
  // One past the last is refused, but only after the default was set; numbers beyond it pass
  // and change nothing.
  if (value == 12) hash_ = kDefault;
  return value > 12;
}

bool Libmemcached::SetDistribution(std::uint64_t value) {
  if (value > kVirtualBucket) return false;
  if (value == kConsistent || value == kConsistentKetama) weighted_ = false;
  if (value == kConsistentWeighted) weighted_ = true;
  distribution_ = value;
  RunDistribution();
  return true;
}

bool Libmemcached::SetBehavior(std::uint64_t behavior, std::uint64_t value) {
  switch (behavior) {
    case kHash:
      return SetHash(value);
    case kKetama:
      return SetDistribution(value != 0 ? kConsistentKetama : kModula);
    case kKetamaWeighted:
      if (value == 0) return SetDistribution(kConsistentKetama);
      SetHash(kMd5);
      return SetDistribution(kConsistentWeighted);
    case kDistribution:
      return SetDistribution(value);
    case kSortHosts:
      sort_ = value != 0;
      RunDistribution();
      return true;
    case kHashWithPrefixKey:
      hash_with_prefix_ = value != 0;
      return true;
    case kBinaryProtocol:
      binary_ = value != 0;
      return true;
    case kVerifyKey:
      return !binary_;
    default:  // kKetamaHash is stored, but nothing ever reads it
      return behavior < kBehaviors;
  }
}

std::uint64_t Libmemcached::GetBehavior(std::uint64_t behavior) const {
  switch (behavior) {
    case kHash:
      return hash_;
    case kKetama:
      return IsConsistent() ? 1 : 0;
    case kKetamaWeighted:
      return IsConsistent() && weighted_ ? 1 : 0;
    case kDistribution:
      return distribution_;
    case kSortHosts:
      return sort_ ? 1 : 0;
    case kHashWithPrefixKey:
      return hash_with_prefix_ ? 1 : 0;
    case kBinaryProtocol:
      return binary_ ? 1 : 0;
    default:
      return 0;
  }
}

bool Libmemcached::SetPrefix(std::string_view prefix) {
  if (prefix.size() > kMaxPrefix || (!binary_ && !IsPrintable(prefix))) return false;
  prefix_ = prefix;
  return true;
}

void Libmemcached::SetBuckets(std::vector<std::uint32_t> buckets) {
  SetDistribution(kVirtualBucket);
  buckets_ = std::move(buckets);
}

void Libmemcached::Append(const Server& server, std::uint32_t unix_port) {
  const std::uint32_t port = server.is_unix() ? unix_port : server.port;
  const auto index = static_cast<ServerIndex>(servers_.size());
  servers_.push_back(server);
  hosts_.push_back({index, server.host, port, std::max(server.weight, 1U)});
}

void Libmemcached::AddServer(const Server& server) {
  Append(server, kDefaultPort);
  if (server.weight > 1 && IsConsistent()) weighted_ = true;
  RunDistribution();
}

void Libmemcached::AddServerOrSocket(const Server& server) {
  Append(server, 0);
  if (server.weight > 1 && IsConsistent()) weighted_ = true;
  RunDistribution();
}

void Libmemcached::PushServers(std::span<const Server> servers) {
  for (const Server& server : servers) {
    Append(server, 0);
    if (server.weight > 1) weighted_ = true;
  }
  RunDistribution();
}

void Libmemcached::RunDistribution() {
  if (sort_) {
    std::stable_sort(hosts_.begin(), hosts_.end(), [](const Host& a, const Host& b) {
      return a.name != b.name ? a.name < b.name : a.port < b.port;
    });
  }
  if (IsConsistent() && !hosts_.empty()) BuildRing();
}

void Libmemcached::BuildRing() {
  ring_.clear();
  ring_names_.clear();
  if (weighted_) ring_names_.resize(hosts_.size());
  const bool spy = distribution_ == kConsistentKetamaSpy;
  const KeyHash hash = *LibmemcachedHash(hash_);
  std::uint32_t total = 0;
  for (const Host& host : hosts_) total += host.weight;
  const auto live = static_cast<std::uint32_t>(hosts_.size());
  // Points carry the place among the hosts first, by which ties are decided.
  for (ServerIndex place = 0; place < hosts_.size(); ++place) {
    const Host& host = hosts_[place];
    std::string name = spy ? "/" + host.name : host.name;
    if (spy || host.port != kDefaultPort) name.append(":").append(std::to_string(host.port));
    if (weighted_) {
      ring_names_[host.index] = name;
      AppendKetamaPoints(name, place, KetamaGroups(host.weight, total, live), ring_);
      continue;
    }
    for (std::uint32_t i = 0; i < kPoints; ++i) {
      ring_.push_back({hash.function(name + "-" + std::to_string(i), sign_), place});
    }
  }
  std::sort(ring_.begin(), ring_.end(), [](const Point& a, const Point& b) {
    return a.value != b.value ? a.value < b.value : a.owner < b.owner;
  });
  for (Point& point : ring_) point.owner = hosts_[point.owner].index;
}

std::string Libmemcached::Describe() const {
  if (distribution_ == kModula) return "libmemcached modula";
  if (distribution_ == kVirtualBucket) return "libmemcached virtual bucket";
  std::string name = "libmemcached ketama";
  if (distribution_ == kConsistentKetamaSpy) name += " spy";
  return name + (weighted_ ? ", weighted" : ", unweighted");
}

Result<Placement> Libmemcached::Place() const {
  const auto invalid = [](std::string message) {
    return Error{ErrorCode::kInvalidArgument, std::move(message)};
  };
  if (hosts_.empty()) return invalid("the client has no servers");
  if (distribution_ == kRandom) {
    return invalid("the client's distribution is random: a key has no server of its own");
  }
  Scheme scheme;
  scheme.name = Describe();
  scheme.sign = sign_;
  scheme.hash = *LibmemcachedHash(hash_);
  scheme.rule.prefix = prefix_;
  scheme.rule.prefix_hashed = hash_with_prefix_;
  if (hash_with_prefix_) scheme.rule.longest = kMaxHashed;
  if (IsConsistent()) {
    scheme.ring = ring_;
    scheme.ring_names = ring_names_;
    if (ring_.empty()) return invalid("no server of the client has a point on its ring");
  } else if (distribution_ == kModula) {
    for (const Host& host : hosts_) scheme.table.push_back(host.index);
  } else {
    // hash & (size - 1), whether or not the size is a power of two.
    const std::size_t size = buckets_ ? buckets_->size() : hosts_.size();
    const std::size_t low_bits = size - 1;
    for (std::size_t i = 0; i < std::bit_ceil(size); ++i) {
      const std::size_t bucket = i & low_bits;
      const std::size_t place = buckets_ ? (*buckets_)[bucket] : bucket;
      if (place >= hosts_.size()) {
        return invalid("bucket " + std::to_string(bucket) + " names server " +
                       std::to_string(place) + ", but the client has " +
                       std::to_string(hosts_.size()));
      }
      scheme.table.push_back(hosts_[place].index);
    }
  }
  return PlacementAccess::Make(servers_, std::move(scheme));
}

}  // namespace shardcache::inline v0::internal
