// Sums of rows that are picked one by one, with weights.
#pragma once

#include <cstdint>

#include "base/kernel.h"

namespace weft {

// out[s][j] = sum of weights[i] * rows[sources[i] + j], splits[s] <= i < splits[s + 1], in the
// order of i, for j < width.
template <class T>
struct RowSum {
  const T* rows;
  const int64_t* sources;
  const T* weights;  // null: all 1
  const int64_t* splits;
  int64_t sums;
  int64_t width;
  T* out;  // [sums][width]
};

struct RowSumKernel {
  void (*f32)(const RowSum<float>&) noexcept;
  void (*f64)(const RowSum<double>&) noexcept;
};

WEFT_DECLARE_KERNEL(RowSumKernel, row_sum_kernel)

}  // namespace weft
