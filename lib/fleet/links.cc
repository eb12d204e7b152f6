#include "lib/fleet/links.h"

namespace shardcache::inline v0::internal {

Links::Links(const std::vector<Server>& servers, std::chrono::milliseconds timeout)
    : timeout_(timeout) {
  links_.reserve(servers.size());
  for (const Server& server : servers) links_.emplace_back(server);
  for (Link& link : links_) link.lane.connection = &link.connection;
}

void Links::Queue(std::size_t server, Request* request) {
  for (Answer& answer : request->answers) answer = {};
  request->sent = false;
  links_[server].lane.requests.push_back(request);
}

void Links::Run() {
  lanes_.clear();
  for (std::size_t i = 0; i < links_.size(); ++i) {
    Link& link = links_[i];
    if (link.lane.requests.empty()) continue;
    if (given_up(i)) {
      link.lane.requests.clear();
      continue;
    }
    link.failure.clear();
    lanes_.push_back(&link.lane);
  }
  if (lanes_.empty()) return;
  const TimePoint now = Clock::now();
  internal::Run(lanes_, now, DeadlineAfter(now, timeout_));
  for (Link& link : links_) {
    Lane& lane = link.lane;
    if (lane.requests.empty()) continue;
    if (lane.failure) link.failure = lane.failure->what;
    link.failures_in_row = lane.failure && lane.is_failure ? link.failures_in_row + 1 : 0;
    lane.requests.clear();
    lane.queued = 0;
    lane.failure.reset();
    lane.is_failure = false;
  }
}

}  // namespace shardcache::inline v0::internal
