#pragma once

#include <cstdint>

#include "base/kernel.h"

namespace weft {

// Over n int64 ids of which those in [0, limit) are good; 0 < limit.
struct IdsKernel {
  // The position of the first id outside, or n.
  int64_t (*first_outside)(const int64_t* ids, int64_t n, int64_t limit) noexcept;
  // Copies ids to `out`, with `replacement` in the place of those outside; returns how many. Each
  // id is read once.
  int64_t (*replace_outside)(const int64_t* ids, int64_t n, int64_t limit, int64_t replacement,
                             int64_t* out) noexcept;
};

WEFT_DECLARE_KERNEL(IdsKernel, ids_kernel)

}  // namespace weft
