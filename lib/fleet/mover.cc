#include "lib/fleet/mover.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <thread>
#include <utility>

namespace shardcache::inline v0::internal {
namespace {

using Stage = MovingKey::Stage;

constexpr int kAttempts = 3;
constexpr std::chrono::milliseconds kBetweenAttempts(100);
// Of looking at the old place again.
constexpr int kRounds = 10;

constexpr std::int64_t kLongestRelative = 60 * 60 * 24 * 30;
constexpr std::int64_t kSameTime = 2;  // seconds

bool IsSame(const Answer& a, const Answer& b) {
  return a.status == Status::kHit && b.status == Status::kHit && a.flags == b.flags &&
         a.data == b.data;
}

// Whether what the new place has, `there`, is a copy that was made of the key before.
bool IsCopyOf(const MovingKey& key, const Answer& there) {
  if (there.status != Status::kHit) return false;
  if (!key.doubtful) return IsSame(there, key.value);
  const std::uint64_t fingerprint = Spool::Fingerprint(there.data, there.flags);
  return std::find(key.copies.begin(), key.copies.end(), fingerprint) != key.copies.end();
}

}  // namespace

template <typename Make>
void Mover::Ask(const Keys& keys, Make make) {
  requests_.resize(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    auto [server, request, answer] = make(keys[i]);
    request.keys = {&keys[i]->listed.key, 1};
    request.answers = {answer, 1};
    requests_[i] = request;
    links_.Queue(server, &requests_[i]);
  }
  if (!keys.empty()) links_.Run();
}

std::string Mover::WhyPending(std::size_t server) const {
  const std::string& why = links_.failure(server);
  return links_.server(server).address() + ": " + (why.empty() ? "the connection was lost" : why);
}

bool Mover::Noted(const Keys& keys, Answer MovingKey::*copy) {
  if (!plan_.note || plan_.note(keys, copy)) return true;
  for (MovingKey* key : keys) {
    key->stage = Stage::kFailed;
    key->failure = "the journal could not be written";
  }
  return false;
}

bool Mover::Usable(MovingKey* key, const Answer& answer, std::size_t server, const char* what) {
  if (answer.status == Status::kPending) {
    key->failure = WhyPending(server);
    return false;
  }
  if (answer.status < Status::kError) return true;
  key->failure = RefusalOf(links_.server(server), what, answer, {}).message;
  key->stage = Stage::kFailed;
  return false;
}

Mover::Keys Mover::At(std::span<MovingKey> keys, Stage stage) {
  Keys found;
  for (MovingKey& key : keys) {
    if (key.stage == stage) found.push_back(&key);
  }
  return found;
}

void Mover::Move(std::span<MovingKey> keys) {
  // Neither read nor noted where that is known to be in vain.
  for (MovingKey& key : keys) {
    for (const std::size_t server : {key.source, key.target}) {
      if (!links_.given_up(server)) continue;
      key.stage = Stage::kFailed;
      key.failure = WhyPending(server);
    }
  }
  const auto is_worth_it = [&](const MovingKey& key) {
    return !key.is_over() && !links_.given_up(key.source) && !links_.given_up(key.target);
  };
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (attempt > 0) {
      if (std::none_of(keys.begin(), keys.end(), is_worth_it)) break;
      std::this_thread::sleep_for(attempt * kBetweenAttempts);
    }
    Read(At(keys, Stage::kRead));
    Add(At(keys, Stage::kAdd), attempt > 0);
    Settle(At(keys, Stage::kSettle));
  }
  for (MovingKey& key : keys) {
    if (!key.is_over()) key.stage = Stage::kFailed;
  }
}

void Mover::Read(const Keys& keys) {
  const TimePoint asked = Clock::now();
  Ask(keys, [&](MovingKey* key) {
    const Verb verb = facts_[key->source].has_meta ? Verb::kMetaGet : Verb::kGets;
    return Asked{key->source, {.verb = verb}, &key->value};
  });
  const TimePoint now = Clock::now();
  for (MovingKey* key : keys) {
    if (!Usable(key, key->value, key->source, "a read")) continue;
    if (key->value.status == Status::kMiss) {
      key->stage = Stage::kGone;
    } else {
      TakeValue(key, asked, now);
    }
  }
}

// Whether the listing may tell the end of the life that the server's answer tells, which it does to
// the second, however long the answer was under way. Else there was a touch in between.
bool Mover::FitsListing(const MovingKey& key, TimePoint asked, TimePoint now) const {
  const ServerFacts& source = facts_[key.source];
  if (!key.value.remaining || key.listed.expires < 0) return false;
  const std::int64_t life = std::clamp<std::int64_t>(*key.value.remaining, 0, kLatestTime);
  // A second less, for the steps of its clock may be late.
  return key.listed.expires >= ServerTime(source, asked) + life - 1 &&
         key.listed.expires <= LatestServerTime(source, now) + life;
}

// Finds out how long it has to live.
void Mover::TakeValue(MovingKey* key, TimePoint asked, TimePoint now) {
  key->read_at = now;
  key->stage = Stage::kAdd;
  const ServerFacts& source = facts_[key->source];
  const std::int64_t expires = key->listed.expires;
  const bool is_listed = expires != SpooledKey::kUnknown && key->value.number == key->listed.cas;
  if (source.has_meta) {
    if (is_listed && FitsListing(*key, asked, now)) {
      key->value.remaining = expires - ServerTime(source, now);
    }
  } else if (is_listed) {
    if (expires == SpooledKey::kNever) return;
    key->value.remaining = expires - ServerTime(source, now);
    if (*key->value.remaining <= 0) key->stage = Stage::kGone;
  } else if (plan_.unknown_expiration) {
    const Expiration& life = *plan_.unknown_expiration;
    if (life) key->value.remaining = life->count();
  } else {
    key->stage = Stage::kFailed;
    key->failure = links_.server(key->source).address() +
                   ": a value changed since its server listed it, so nobody can tell how long it "
                   "lives (no meta commands); run it again, or give --unknown-ttl";
  }
}

// As memcached wants it: 0 for ever, -1 for a life that is over. Where both servers have the same
// time, the date at which it ends in the old place, for a duration would grow with the time that
// the value is on its way.
std::int64_t Mover::WireExpire(const MovingKey& key, const Answer& value, TimePoint read_at) const {
  if (!value.remaining) return 0;
  const ServerFacts& source = facts_[key.source];
  const std::int64_t apart = facts_[key.target].time - source.time;
  const auto passed = std::chrono::round<std::chrono::seconds>(Clock::now() - read_at).count();
  const std::int64_t life = std::clamp<std::int64_t>(*value.remaining, 0, kLatestTime);
  const std::int64_t left = life - passed;
  if (left <= 0) return -1;
  std::int64_t moment = ServerTime(source, read_at) + life;
  if (std::abs(apart) > kSameTime) {
    if (left <= kLongestRelative) return left;
    moment += apart;
  }
  return moment > std::numeric_limits<std::int32_t>::max() ? 0 : moment;
}

// In a second attempt what is there already may be our own copy, whose answer was lost.
void Mover::Add(const Keys& keys, bool again) {
  if (!Noted(keys, &MovingKey::value)) return;
  Ask(keys, [&](MovingKey* key) {
    return Asked{key->target,
                 {.verb = Verb::kAdd,
                  .value = key->value.data,
                  .flags = key->value.flags,
                  .expire = WireExpire(*key, key->value, key->read_at)},
                 &key->answer};
  });
  for (MovingKey* key : keys) {
    if (!Usable(key, key->answer, key->target, "add")) continue;
    key->doubtful = key->answer.status == Status::kNotStored && !key->copies.empty();
    key->ours = key->answer.status == Status::kStored || again || key->doubtful;
    key->stage = key->ours || plan_.remove ? Stage::kSettle : Stage::kThere;
  }
}

void Mover::Settle(Keys keys) {
  const auto doubtful = std::stable_partition(keys.begin(), keys.end(),
                                              [](MovingKey* key) { return !key->doubtful; });
  const Keys renewed = Renew(Keys(doubtful, keys.end()));
  keys.erase(doubtful, keys.end());
  keys.insert(keys.end(), renewed.begin(), renewed.end());
  for (int round = 0; round < kRounds && !keys.empty(); ++round) {
    Keys changed;
    if (plan_.remove) {
      RemoveVerified(keys, &changed);
    } else {
      Look(keys, &changed);
    }
    keys = Renew(changed);
  }
  for (MovingKey* key : keys) {
    key->stage = Stage::kFailed;
    key->failure = links_.server(key->source).address() +
                   ": a value changed again each time that it had been copied";
  }
}

void Mover::Look(const Keys& keys, Keys* changed) {
  Ask(keys, [&](MovingKey* key) {
    const Verb verb = facts_[key->source].has_meta ? Verb::kMetaLook : Verb::kGets;
    return Asked{key->source, {.verb = verb}, &key->answer};
  });
  for (MovingKey* key : keys) {
    if (!Usable(key, key->answer, key->source, "a read")) continue;
    const bool same = key->answer.status == Status::kHit && key->answer.number == key->value.number;
    if (same) {
      key->stage = Stage::kCopied;
    } else {
      changed->push_back(key);
    }
  }
}

// Where our copy is read back as it was written, or something newer is there, the old one goes.
void Mover::RemoveVerified(const Keys& keys, Keys* changed) {
  Ask(keys, [&](MovingKey* key) { return Asked{key->target, {.verb = Verb::kGet}, &key->other}; });
  Keys verified;
  for (MovingKey* key : keys) {
    if (!Usable(key, key->other, key->target, "a read")) continue;
    if (key->other.status == Status::kHit) {
      if (!IsSame(key->other, key->value)) key->ours = false;
      verified.push_back(key);
    } else {
      // Deleted or evicted already. The old one may be the only one there is.
      key->stage = key->ours ? Stage::kCopied : Stage::kThere;
    }
  }
  Remove(verified, changed);
}

Request Mover::Removal(std::size_t server, std::uint64_t cas) const {
  if (facts_[server].has_meta) return {.verb = Verb::kMetaDelete, .number = cas};
  // Replaced by nothing that has expired already.
  return {.verb = Verb::kCas, .expire = -1, .number = cas};
}

void Mover::Remove(const Keys& keys, Keys* changed) {
  Ask(keys, [&](MovingKey* key) {
    return Asked{key->source, Removal(key->source, key->value.number), &key->answer};
  });
  for (MovingKey* key : keys) {
    if (!Usable(key, key->answer, key->source, "a removal")) {
      if (!key->is_over()) key->maybe_removed = true;
      continue;
    }
    const Status status = key->answer.status;
    key->removed = status == Status::kDeleted || status == Status::kStored ||
                   (status == Status::kMiss && key->maybe_removed);
    if (key->removed || !key->ours) {
      key->stage = key->ours ? Stage::kCopied : Stage::kThere;
    } else {
      changed->push_back(key);
    }
  }
}

Mover::Keys Mover::Renew(const Keys& changed) {
  Ask(changed, [&](MovingKey* key) {
    const Verb verb = facts_[key->source].has_meta ? Verb::kMetaGet : Verb::kGets;
    return Asked{key->source, {.verb = verb}, &key->answer};
  });
  const TimePoint now = Clock::now();
  Keys read;
  for (MovingKey* key : changed) {
    if (Usable(key, key->answer, key->source, "a read")) read.push_back(key);
  }
  Ask(read, [&](MovingKey* key) { return Asked{key->target, {.verb = Verb::kGets}, &key->other}; });
  Keys again;
  Keys replaced;
  Keys taken_back;
  for (MovingKey* key : read) {
    if (!Usable(key, key->other, key->target, "a read")) continue;
    if (IsSame(key->other, key->answer)) {
      key->value = std::move(key->answer);  // it has been replaced already
      key->doubtful = false;
      again.push_back(key);
    } else if (IsCopyOf(*key, key->other)) {
      (key->answer.status == Status::kHit ? replaced : taken_back).push_back(key);
    } else if (plan_.remove && key->other.status == Status::kHit &&
               key->answer.status == Status::kHit) {
      key->value = std::move(key->answer);  // something newer is there, so that this may go
      key->ours = key->doubtful = false;
      again.push_back(key);
    } else {
      key->stage = Stage::kThere;  // something newer; or it was deleted, which is newer too
    }
  }
  TakeBack(taken_back);
  Replace(replaced, now, &again);
  return again;
}

// The old place has no such key any more.
void Mover::TakeBack(const Keys& keys) {
  Ask(keys, [&](MovingKey* key) {
    return Asked{key->target, Removal(key->target, key->other.number), &key->answer};
  });
  for (MovingKey* key : keys) {
    if (Usable(key, key->answer, key->target, "a removal")) key->stage = Stage::kGone;
  }
}

// By what was read of the old place into MovingKey::answer.
void Mover::Replace(const Keys& keys, TimePoint read_at, Keys* again) {
  for (MovingKey* key : keys) {
    // What was told of the value that was listed is the best guess for this one.
    if (!facts_[key->source].has_meta) key->answer.remaining = key->value.remaining;
  }
  if (!Noted(keys, &MovingKey::answer)) return;
  Ask(keys, [&](MovingKey* key) {
    return Asked{key->target,
                 {.verb = Verb::kCas,
                  .value = key->answer.data,
                  .flags = key->answer.flags,
                  .expire = WireExpire(*key, key->answer, read_at),
                  .number = key->other.number},
                 &key->other};
  });
  for (MovingKey* key : keys) {
    if (!Usable(key, key->other, key->target, "cas")) continue;
    if (key->other.status == Status::kStored) {
      key->value = std::move(key->answer);
      key->renewed = true;
      key->doubtful = false;
      again->push_back(key);
    } else {
      key->stage = Stage::kThere;
    }
  }
}

}  // namespace shardcache::inline v0::internal
