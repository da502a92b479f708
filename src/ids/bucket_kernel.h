// Numbers to buckets: how many of the boundaries, in order, a number is not below.
#pragma once

#include <cstdint>

#include "base/kernel.h"

namespace weft {

inline constexpr int kNodeKeys = 16;
inline constexpr int kMaxNodeLevels = 8;

// Boundaries as a tree of nodes of 16 keys and 17 children: the lowest level is the boundaries in
// order; key i of a node above is the first of its child i + 1. What is not there is NaN, which no
// number reaches. All of a level is there that a walk can come to.
struct BoundaryTree {
  int64_t count;                       // of the boundaries
  int64_t levels;                      // at most kMaxNodeLevels
  const float* nodes[kMaxNodeLevels];  // the root first
};

struct BucketKernel {
  // NaN is above all boundaries.
  void (*buckets)(const BoundaryTree& tree, const float* values, int64_t n, int64_t* out) noexcept;
};

WEFT_DECLARE_KERNEL(BucketKernel, bucket_kernel)

}  // namespace weft
