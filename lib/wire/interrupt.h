// How a program ends the waits of its own thread, such as when the user presses Ctrl-C.
#ifndef SHARDCACHE_LIB_WIRE_INTERRUPT_H_
#define SHARDCACHE_LIB_WIRE_INTERRUPT_H_

#include <functional>

namespace shardcache::inline v0::internal {

// While it lives, `ask` (which may be empty, and must outlive it) decides for this thread. Once it
// has said true, every wait ends at once. May be nested: the innermost counts.
class InterruptScope {
 public:
  explicit InterruptScope(const std::function<bool()>& ask) : ask_(ask), outer_(current_) {
    current_ = this;
  }
  ~InterruptScope() { current_ = outer_; }
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

  // To be called when a signal has ended a wait: whether the program wants it to end.
  static bool Ask() {
    if (current_ == nullptr || !current_->ask_) return false;
    current_->fired_ = current_->fired_ || current_->ask_();
    return current_->fired_;
  }
  static bool fired() { return current_ != nullptr && current_->fired_; }

 private:
  inline static thread_local InterruptScope* current_ = nullptr;

  const std::function<bool()>& ask_;
  InterruptScope* const outer_;
  bool fired_ = false;
};

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_WIRE_INTERRUPT_H_
