// Bytes beside which there is nothing.
#ifndef SHARDCACHE_TESTS_UNIT_GUARDED_BYTES_H_
#define SHARDCACHE_TESTS_UNIT_GUARDED_BYTES_H_

#include <cstddef>
#include <span>

namespace shardcache::testing {

// Writable pages with an inaccessible page right before and right after: a read of one byte
// too many ends the test.
class GuardedBytes {
 public:
  explicit GuardedBytes(std::size_t pages);
  ~GuardedBytes();
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;

  std::span<char> bytes() const { return bytes_; }

 private:
  std::span<char> mapping_;
  std::span<char> bytes_;
};

}  // namespace shardcache::testing

#endif  // SHARDCACHE_TESTS_UNIT_GUARDED_BYTES_H_
