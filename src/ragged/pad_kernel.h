#pragma once

#include <cstdint>

#include "base/kernel.h"

namespace weft {

// Rows of elements of `each` bytes, to be laid into rows of `width` bytes.
struct PadRows {
  const uint8_t* values;
  const int64_t* splits;  // in elements
  int64_t each;
  const uint8_t* padding;  // [width]: what is taken of it lies behind a row's elements
  int64_t width;
  bool stream;  // write past the caches, for outputs much larger than they are
};

struct PadKernel {
  // Rows [begin, end) to out + begin * width and on.
  void (*pad)(const PadRows& rows, int64_t begin, int64_t end, uint8_t* out) noexcept;
};

WEFT_DECLARE_KERNEL(PadKernel, pad_kernel)

}  // namespace weft
