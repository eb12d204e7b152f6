// One published value that many threads read and few replace.
#ifndef SHARDCACHE_LIB_SNAPSHOT_CELL_H_
#define SHARDCACHE_LIB_SNAPSHOT_CELL_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>

namespace shardcache::inline v0::internal {

// Holds a shared_ptr that Load() copies without ever waiting, which std::atomic<shared_ptr>
// of libstdc++ 12 does not promise (it spins on a lock bit).
//
// Why no reader touches freed memory: a reader adds its pin before it reads `current_`, and
// all these operations are sequentially consistent. So if it read the old node, its pin came
// before the exchange in Store(), and Store() sees it until the copy is made. The writer may
// wait for readers, for the time of a copy; readers never wait.
template <typename T>
class SnapshotCell {
 public:
  explicit SnapshotCell(std::shared_ptr<const T> value) : current_(new Node{std::move(value)}) {}
  ~SnapshotCell() { delete current_.load(); }
  SnapshotCell(const SnapshotCell&) = delete;
  SnapshotCell& operator=(const SnapshotCell&) = delete;

  std::shared_ptr<const T> Load() const {
    pins_.fetch_add(1);
    std::shared_ptr<const T> copy = current_.load()->value;
    pins_.fetch_sub(1);
    return copy;
  }

  // Writers must exclude each other.
  void Store(std::shared_ptr<const T> value) {
    const Node* old = current_.exchange(new Node{std::move(value)});
    while (pins_.load() != 0) std::this_thread::yield();
    delete old;
  }

 private:
  struct Node {
    std::shared_ptr<const T> value;
  };

  std::atomic<const Node*> current_;
  mutable std::atomic<std::uint32_t> pins_{0};
};

}  // namespace shardcache::inline v0::internal

#endif  // SHARDCACHE_LIB_SNAPSHOT_CELL_H_
