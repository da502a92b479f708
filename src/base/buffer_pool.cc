#include "base/buffer_pool.h"

#include <pthread.h>
#include <sys/mman.h>

#include <array>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>
#include <vector>

namespace weft::base {
namespace {

// Four classes per power of two, from 256 B up: at most 25% of a block is slack.
constexpr int kFirstShift = 8;
constexpr int kClasses = 4 * (48 - kFirstShift);
constexpr int64_t kHugePage = int64_t{2} << 20;
constexpr int64_t kMaxPooled = int64_t{1} << 30;  // free blocks beyond this go back to the system

int class_of(int64_t size) {
  const uint64_t least = uint64_t{1} << kFirstShift;
  const uint64_t wanted = static_cast<uint64_t>(size) < least ? least : static_cast<uint64_t>(size);
  const int shift = 63 - std::countl_zero(wanted - 1);  // wanted in (2^shift, 2^(shift+1)]
  if (wanted == least) return 0;
  const uint64_t quarter = uint64_t{1} << (shift - 2);
  const int step = static_cast<int>((wanted - (uint64_t{1} << shift) + quarter - 1) / quarter);
  return 4 * (shift - kFirstShift) + step;
}

int64_t class_size(int index) {
  const int shift = kFirstShift + index / 4;
  return (int64_t{1} << shift) + (index % 4) * (int64_t{1} << (shift - 2));
}

void* system_allocate(int64_t bytes) {
  const int64_t alignment = bytes >= kHugePage ? kHugePage : kAlignment;
  const int64_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void* block = std::aligned_alloc(static_cast<size_t>(alignment), static_cast<size_t>(rounded));
  if (block == nullptr) throw std::bad_alloc();
  if (bytes >= kHugePage) madvise(block, static_cast<size_t>(rounded), MADV_HUGEPAGE);
  return block;
}

class Pool {
 public:
  uint8_t* take(int index) {
    {
      std::lock_guard lock(mutex_);
      stats_.used_bytes += class_size(index);
      auto& blocks = free_[static_cast<size_t>(index)];
      if (!blocks.empty()) {
        void* block = blocks.back();
        blocks.pop_back();
        stats_.pooled_bytes -= class_size(index);
        return static_cast<uint8_t*>(block);
      }
    }
    try {
      return static_cast<uint8_t*>(system_allocate(class_size(index) + kTailPadding));
    } catch (...) {
      std::lock_guard lock(mutex_);
      stats_.used_bytes -= class_size(index);
      throw;
    }
  }

  void give(uint8_t* block, int index) noexcept {
    {
      std::lock_guard lock(mutex_);
      stats_.used_bytes -= class_size(index);
      if (stats_.pooled_bytes + class_size(index) <= kMaxPooled) {
        try {
          free_[static_cast<size_t>(index)].push_back(block);
          stats_.pooled_bytes += class_size(index);
          return;
        } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch)
          // No room to remember the block: it is freed below.
        }
      }
    }
    std::free(block);
  }

  int64_t trim() {
    std::array<std::vector<void*>, kClasses> blocks;
    int64_t bytes = 0;
    {
      std::lock_guard lock(mutex_);
      blocks.swap(free_);
      bytes = stats_.pooled_bytes;
      stats_.pooled_bytes = 0;
    }
    for (auto& list : blocks) {
      for (void* block : list) std::free(block);
    }
    return bytes;
  }

  PoolStats stats() {
    std::lock_guard lock(mutex_);
    return stats_;
  }

  std::mutex& mutex() { return mutex_; }

 private:
  std::mutex mutex_;
  std::array<std::vector<void*>, kClasses> free_;
  PoolStats stats_;
};

// Never destroyed: blocks may outlive static destructors. Locked over a fork, so that a child never
// inherits a lock that one of its parent's threads held.
Pool& pool() {
  static Pool* const instance = [] {
    pthread_atfork([] { pool().mutex().lock(); }, [] { pool().mutex().unlock(); },
                   [] { pool().mutex().unlock(); });
    return new Pool;
  }();
  return *instance;
}

}  // namespace

std::shared_ptr<uint8_t> allocate_block(int64_t size) {
  if (size > class_size(kClasses - 1)) throw std::bad_alloc();
  const int index = class_of(size);
  uint8_t* block = pool().take(index);
  return std::shared_ptr<uint8_t>(block, [index](uint8_t* p) { pool().give(p, index); });
}

PoolStats pool_stats() { return pool().stats(); }

int64_t trim_pool() { return pool().trim(); }

}  // namespace weft::base
