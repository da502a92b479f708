// Size-classed blocks of memory that outlive the call that made them and are used again: fresh
// pages from the system cost more than most kernels that fill them.
#pragma once

#include <cstdint>
#include <memory>

namespace weft::base {

inline constexpr int64_t kAlignment = 64;
inline constexpr int64_t kTailPadding = 64;  // readable (not meaningful) bytes after each block

// A block of at least `size` bytes, 64-byte aligned, contents unspecified; it returns to the pool
// when the last owner drops it, on any thread. Throws std::bad_alloc.
std::shared_ptr<uint8_t> allocate_block(int64_t size);

struct PoolStats {
  int64_t pooled_bytes = 0;  // free blocks held
  int64_t used_bytes = 0;    // blocks with an owner
};
PoolStats pool_stats();

// Frees every block that has no owner; returns their bytes.
int64_t trim_pool();

}  // namespace weft::base
