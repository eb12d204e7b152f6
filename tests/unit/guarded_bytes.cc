#include "tests/unit/guarded_bytes.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace shardcache::testing {

GuardedBytes::GuardedBytes(std::size_t pages) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t size = (pages + 2) * page;
  void* memory = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("mmap");
    std::abort();
  }
  mapping_ = {static_cast<char*>(memory), size};
  bytes_ = mapping_.subspan(page, pages * page);
  if (mprotect(bytes_.data(), bytes_.size(), PROT_READ | PROT_WRITE) != 0) {
    std::perror("mprotect");
    std::abort();
  }
}

GuardedBytes::~GuardedBytes() { munmap(mapping_.data(), mapping_.size()); }

}  // namespace shardcache::testing
