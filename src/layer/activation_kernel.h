// Elementwise activations of float32, in place.
#pragma once

#include <cstdint>

#include "base/kernel.h"

namespace weft {

struct ActivationKernel {
  void (*tanh)(float* x, int64_t n) noexcept;
  void (*sigmoid)(float* x, int64_t n) noexcept;
  void (*relu)(float* x, int64_t n) noexcept;
  void (*elu)(float* x, int64_t n) noexcept;
  void (*selu)(float* x, int64_t n) noexcept;
  void (*softsign)(float* x, int64_t n) noexcept;
  void (*swish)(float* x, int64_t n) noexcept;
  void (*hard_sigmoid)(float* x, int64_t n) noexcept;
  void (*exponential)(float* x, int64_t n) noexcept;
  void (*softmax)(float* x, int64_t n) noexcept;  // one row
};

WEFT_DECLARE_KERNEL(ActivationKernel, activation_kernel)

}  // namespace weft
