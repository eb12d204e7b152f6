#include "lib/client/invalidation.h"

namespace shardcache::inline v0::internal {

void Invalidation::Finish(End end) {
  end_ = end;
  step_ = Step::kDone;
}

void Invalidation::FeedTime(const ServerTime& time, std::int64_t out) {
  if (!first_now_) {
    first_now_ = time.now;
    out_ = out;
  }
  if (time.now == *first_now_) {
    step_ = Step::kWait;
    return;
  }
  now_ = time.now;
  begun_ = time.now + 1 - out_;
  if (time.uptime + 1 <= out_) return Finish(End::kRestarted);
  step_ = Step::kReadMarker;
}

void Invalidation::FeedMarker(std::optional<std::int64_t> marker) {
  if (marker && *marker >= begun_) return Finish(End::kAlreadyInvalidated);
  step_ = Step::kLock;
}

void Invalidation::FeedLock(bool locked) {
  step_ = locked ? Step::kFlush : Step::kWait;
  if (!locked) first_now_.reset();
}

void Invalidation::FeedFlush(bool flushed) {
  if (flushed) return Finish(End::kInvalidated);
  step_ = Step::kFailed;
}

void Invalidation::FeedWaited() { step_ = Step::kAskTime; }

}  // namespace shardcache::inline v0::internal
