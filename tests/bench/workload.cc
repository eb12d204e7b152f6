#include "workload.h"

#include <algorithm>
#include <random>
#include <utility>

Keys::Keys(Kind kind, std::size_t count) {
  std::mt19937 random(20261123);
  const auto letter = [&] { return static_cast<char>('a' + random() % 26); };
  std::vector<std::size_t> ends;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t begin = text_.size();
    const std::size_t length =
        kind == Kind::kFixed ? 21 : 8 + std::min(random() % 57, random() % 57);
    text_ += std::to_string(i) + ':';  // so that all differ
    if (kind == Kind::kTagged) text_ += '{';
    while (text_.size() - begin < length) {
      if (kind == Kind::kUtf8 && random() % 4 > 0 && text_.size() - begin + 2 <= length) {
        text_ += {'\xd0', static_cast<char>('\x90' + random() % 32)};
      } else {
        text_ += letter();
      }
    }
    if (kind == Kind::kTagged) text_ += "}:tail";
    ends.push_back(text_.size());
  }
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t begin = i == 0 ? 0 : ends[i - 1];
    views_.push_back(std::string_view(text_).substr(begin, ends[i] - begin));
  }
  if (kind == Kind::kSorted) Sort();
}

void Keys::Sort() {
  std::stable_sort(views_.begin(), views_.end(),
                   [](std::string_view a, std::string_view b) { return a.size() < b.size(); });
  std::string sorted;
  sorted.reserve(text_.size());
  for (std::string_view& view : views_) {
    sorted.append(view);
    view = std::string_view(sorted).substr(sorted.size() - view.size());
  }
  text_ = std::move(sorted);
}

const std::vector<std::string_view>& BenchmarkKeys(Keys::Kind kind) {
  constexpr std::size_t kCount = 65536;
  switch (kind) {
    case Keys::Kind::kFixed: {
      static const Keys fixed(kind, kCount);
      return fixed.views();
    }
    case Keys::Kind::kSorted: {
      static const Keys sorted(kind, kCount);
      return sorted.views();
    }
    case Keys::Kind::kTagged: {
      static const Keys tagged(kind, kCount);
      return tagged.views();
    }
    case Keys::Kind::kUtf8: {
      static const Keys utf8(kind, kCount);
      return utf8.views();
    }
    default: {
      static const Keys mixed(kind, kCount);
      return mixed.views();
    }
  }
}

shardcache::PoolConfig MakePool(std::size_t count) {
  shardcache::PoolConfig pool;
  pool.name = "bench";
  for (std::size_t i = 0; i < count; ++i) {
    shardcache::Server server;
    server.host = "10.0." + std::to_string(i / 250) + '.' + std::to_string(i % 250 + 1);
    server.port = 11311;
    server.name = server.host + ":11311";
    pool.servers.push_back(server);
  }
  return pool;
}
