// The kernels of this room for a type.
#pragma once

#include "base/cpu.h"
#include "base/row_sum_kernel.h"
#include "pooling/pooling_kernel.h"

namespace weft {

template <class T>
const PoolingFunctions<T>& pooling_functions() {
  if constexpr (sizeof(T) == sizeof(float)) {
    return WEFT_KERNEL(pooling_kernel).f32;
  } else {
    return WEFT_KERNEL(pooling_kernel).f64;
  }
}

template <class T>
void row_sum(const RowSum<T>& job) {
  if constexpr (sizeof(T) == sizeof(float)) {
    WEFT_KERNEL(row_sum_kernel).f32(job);
  } else {
    WEFT_KERNEL(row_sum_kernel).f64(job);
  }
}

}  // namespace weft
