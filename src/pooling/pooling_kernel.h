// Sums, maxima and products over steps that are picked one by one: step i of a history is the
// `width` elements from data + sources[i] on.
#pragma once

#include <cstdint>

#include "base/kernel.h"

namespace weft {

template <class T>
struct PoolingFunctions {
  // out[j] = the largest of steps 0 to n - 1, NaN if one is; n >= 1.
  void (*max)(const T* data, const int64_t* sources, int64_t n, int64_t width, T* out) noexcept;
  // Into the steps of `grad_data` where `data` is `out`: grad[j] / their number; else zeros.
  void (*max_backward)(const T* data, const int64_t* sources, int64_t n, int64_t width,
                       const T* out, const T* grad, T* grad_data) noexcept;
  // out[i] = x . step i
  void (*dots)(const T* x, const T* data, const int64_t* sources, int64_t n, int64_t width,
               T* out) noexcept;
  // step i = a[i] * x + b[i] * y; without the latter if y is null
  void (*outer)(const T* a, const T* x, const T* b, const T* y, const int64_t* sources, int64_t n,
                int64_t width, T* data) noexcept;
};

struct PoolingKernel {
  PoolingFunctions<float> f32;
  PoolingFunctions<double> f64;
};

WEFT_DECLARE_KERNEL(PoolingKernel, pooling_kernel)

}  // namespace weft
