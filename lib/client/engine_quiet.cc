// Sets that are answered only if they are refused.
#include <utility>

#include "lib/client/engine.h"
#include "lib/wire/meta.h"

namespace shardcache::inline v0::internal {
namespace {

// Sets to one server are quiet if there are so many, so many in a row; larger values are not, for
// most refusals are of large values, and what a quiet request was refused has to be found out.
constexpr std::size_t kFewestQuiet = 8;
constexpr std::size_t kQuietInARow = 255;
constexpr std::size_t kLargestQuietValue = 512;
constexpr std::string_view kMark = kMarkKey;

}  // namespace

// Has small sets answered only if they are not stored, which spares the server more than half of
// its work for each. Behind each row of them stands the deletion of a key that nobody has: that is
// answered, whatever becomes of the sets.
void ClientEngine::MakeQuiet(Link* link) {
  if (link->items.size() < kFewestQuiet || !link->connection.is_numbered()) return;
  link->marks.clear();
  const std::vector<Request*> plain = std::exchange(link->lane.requests, {});
  std::size_t row = 0;
  for (Request* request : plain) {
    request->quiet = request->verb == Verb::kSet && request->value.size() <= kLargestQuietValue;
    if (row > 0 && (!request->quiet || row == kQuietInARow)) {
      link->lane.requests.push_back(Mark(link));
      row = 0;
    }
    link->lane.requests.push_back(request);
    row += request->quiet;
  }
  if (row > 0) link->lane.requests.push_back(Mark(link));
}

Request* ClientEngine::Mark(Link* link) {
  return &link->marks.emplace_back(Request{.verb = Verb::kMetaDelete,
                                           .keys = {&kMark, 1},
                                           .number = 1,
                                           .answers = {&link->mark_answer, 1}});
}

// Of quiet sets of which some were refused and it is not known which, those are stored that can be
// read. The others were refused, or somebody has changed the key since.
void ClientEngine::ReadUnclear(const RouterSnapshot& snapshot, Deadline deadline) {
  struct Reading {
    Item* item = nullptr;
    Request request = {};
    Answer answer = {};
  };
  std::deque<Reading> readings;
  std::vector<Lane> lanes(used_.size());
  std::vector<Lane*> asked;
  for (std::size_t i = 0; i < used_.size(); ++i) {
    const ServerIndex server = used_[i];
    Lane& lane = lanes[i];
    lane.connection = &links_[server]->connection;
    for (Item* item : links_[server]->items) {
      if (item->answer.status != Status::kUnclear) continue;
      Reading& reading = readings.emplace_back(Reading{.item = item});
      reading.request = {
          .verb = Verb::kGet, .keys = {&item->sent_key, 1}, .answers = {&reading.answer, 1}};
      lane.requests.push_back(&reading.request);
    }
    if (!lane.requests.empty()) asked.push_back(&lane);
  }
  if (asked.empty()) return;
  Run(asked, Clock::now(), deadline);
  for (std::size_t i = 0; i < used_.size(); ++i) {
    if (!lanes[i].is_failure) continue;
    ReportFailure(links_[used_[i]].get(), snapshot, used_[i], lanes[i].failure->kind);
  }
  for (const Reading& reading : readings) {
    Item& item = *reading.item;
    const bool stored = reading.answer.status == Status::kHit &&
                        reading.answer.data == item.request.value &&
                        reading.answer.flags == item.request.flags;
    item.answer.status = stored ? Status::kStored : Status::kServerError;
    item.doubtful |= !stored && reading.answer.status != Status::kMiss;
  }
}

}  // namespace shardcache::inline v0::internal
