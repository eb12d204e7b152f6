// Any bytes as the answers to any requests, cut at any places: what is read does not depend on
// where they are cut, and no more is kept than has arrived.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/wire/meta.h"
#include "lib/wire/parser.h"

namespace {

using shardcache::internal::Answer;
using shardcache::internal::Parser;
using shardcache::internal::Progress;
using shardcache::internal::Request;
using shardcache::internal::Status;
using shardcache::internal::Verb;

// Of a value whose length is declared but not there yet.
constexpr std::size_t kMostReserved = (1 << 20) + 64;

constexpr std::array<std::string_view, 3> kKeys = {"k", "key:2", "k"};

void Require(bool condition) {
  if (!condition) std::abort();
}

// What one connection is asked: some requests, each of any verb.
struct Question {
  Verb verb;
  std::size_t keys;
  std::uint32_t serial;  // 0: answers are not numbered
};

// What came of it.
struct Reading {
  std::vector<std::vector<Answer>> answers;
  std::string lines;
  std::size_t answered = 0;
  std::size_t used = 0;  // bytes of the answers
  Progress end = Progress::kMore;
};

bool Same(const Answer& a, const Answer& b) {
  return a.status == b.status && a.flags == b.flags && a.number == b.number &&
         a.remaining == b.remaining && a.data == b.data;
}

bool Same(const Reading& a, const Reading& b) {
  if (a.lines != b.lines || a.answered != b.answered || a.end != b.end) return false;
  for (std::size_t i = 0; i < a.answers.size(); ++i) {
    for (std::size_t j = 0; j < a.answers[i].size(); ++j) {
      if (!Same(a.answers[i][j], b.answers[i][j])) return false;
    }
  }
  return true;
}

// As much of `data` as a Connection would hold is in memory of its very size, so that a byte read
// beyond it is found. Each element of `cuts` is how many bytes arrive next; then all the rest.
class Reader {
 public:
  Reader(const std::vector<Question>& questions, std::string_view data) : data_(data) {
    for (const Question& question : questions) {
      reading_.answers.emplace_back(std::max<std::size_t>(question.keys, 1));
    }
    lines_ = [this](std::string_view line) { reading_.lines.append(line).append("\n"); };
    for (std::size_t i = 0; i < questions.size(); ++i) {
      requests_.push_back({.verb = questions[i].verb,
                           .keys = std::span(kKeys).first(questions[i].keys),
                           .answers = reading_.answers[i],
                           .lines = &lines_,
                           .serial = questions[i].serial});
    }
  }

  Reading Read(const std::vector<std::size_t>& cuts) {
    for (std::size_t i = 0; i <= cuts.size() && Goes(); ++i) {
      arrived_ = i == cuts.size() ? data_.size() : std::min(arrived_ + cuts[i], data_.size());
      Take();
    }
    return reading_;
  }

 private:
  bool Goes() const {
    return reading_.answered < requests_.size() && reading_.end != Progress::kProtocol &&
           reading_.end != Progress::kLast;
  }

  void Take() {
    const std::vector<char> held(data_.begin() + static_cast<std::ptrdiff_t>(reading_.used),
                                 data_.begin() + static_cast<std::ptrdiff_t>(arrived_));
    std::string_view bytes(held.data(), held.size());
    while (Goes()) {
      const std::size_t before = bytes.size();
      reading_.end = parser_.Read(&requests_[reading_.answered], &bytes);
      Require(bytes.size() <= before);
      if (reading_.end == Progress::kMore) break;
      if (reading_.end != Progress::kProtocol) ++reading_.answered;
    }
    reading_.used = arrived_ - bytes.size();
    // What a connection has to hold on to, and what is kept of it.
    if (reading_.end == Progress::kMore) Require(bytes.size() < Parser::kMaxLine);
    std::size_t kept = reading_.lines.size();
    for (const auto& answers : reading_.answers) {
      for (const Answer& answer : answers) {
        kept += answer.data.size();
        Require(answer.data.capacity() <= 2 * arrived_ + kMostReserved);
      }
    }
    // An error's line is given to each key of its request.
    Require(kept <= kKeys.size() * arrived_);
  }

  std::string_view data_;
  std::size_t arrived_ = 0;
  Parser parser_;
  Reading reading_;
  std::vector<Request> requests_;
  std::function<void(std::string_view)> lines_;
};

void CheckAnswers(const std::vector<Question>& questions, const Reading& reading) {
  for (std::size_t i = 0; i < questions.size(); ++i) {
    for (const Answer& answer : reading.answers[i]) {
      if (i < reading.answered) Require(answer.status != Status::kPending);
      if (i > reading.answered) Require(answer.status == Status::kPending);
      if (answer.status >= Status::kError) {
        Require(answer.data.find('\n') == std::string::npos && !answer.data.empty());
      }
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  std::vector<Question> questions;
  const int count = input.ConsumeIntegralInRange(1, 4);
  for (int i = 0; i < count; ++i) {
    const auto verb = static_cast<Verb>(
        input.ConsumeIntegralInRange<int>(0, static_cast<int>(Verb::kMetaDelete)));
    const bool many = verb == Verb::kGet || verb == Verb::kGets;
    const bool none = verb == Verb::kFlushAll || verb == Verb::kVersion || verb == Verb::kStats ||
                      verb == Verb::kMetadump || verb == Verb::kMetaNoop;
    questions.push_back({verb,
                         none   ? 0
                         : many ? input.ConsumeIntegralInRange<std::size_t>(1, 3)
                                : std::size_t{1},
                         0});
    const bool numbered = shardcache::internal::CanBeNumbered(verb) && input.ConsumeBool();
    if (numbered) questions.back().serial = static_cast<std::uint32_t>(i + 1);
  }
  std::vector<std::size_t> cuts;
  for (int i = input.ConsumeIntegralInRange(0, 8); i > 0; --i) {
    cuts.push_back(input.ConsumeIntegralInRange<std::size_t>(0, 64));
  }
  const std::string answers = input.ConsumeRemainingBytesAsString();

  const Reading whole = Reader(questions, answers).Read({});
  CheckAnswers(questions, whole);
  Require(Same(whole, Reader(questions, answers).Read(cuts)));
  Require(
      Same(whole, Reader(questions, answers).Read(std::vector<std::size_t>(answers.size(), 1))));
  return 0;
}
