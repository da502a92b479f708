// The rules of optimizers, element by element.
#pragma once

#include <cstdint>

#include "base/kernel.h"

namespace weft {

// n elements of a weight in one piece. What a rule needs of the numbers:
//   SGD       a lr, b momentum                      states m
//   RMSprop   a lr, b rho, c epsilon, d momentum    states velocity, momentum, average_gradient
//   Adagrad   a lr, c epsilon                       states accumulator
//   Adam      a lr with both corrections, b 1 - beta_1, d 1 - beta_2, c epsilon   states m, v, vhat
//   Ftrl      a lr, b l2 + beta / (2 lr), c l1, d 2 l2_shrinkage   states accumulator, linear
// A state that the rule does without is null.
template <class T>
struct OptimizerStep {
  T* weight;
  T* states[3];
  const T* grad;   // null: all 0
  T scale, limit;  // the gradient is grad * scale, cut to [-limit, limit]
  T keep;          // the weight is first multiplied by this
  T a, b, c, d;
  bool nesterov;
  int64_t n;
};

template <class T>
struct OptimizerFunctions {
  void (*sgd)(const OptimizerStep<T>&) noexcept;
  void (*rmsprop)(const OptimizerStep<T>&) noexcept;
  void (*adagrad)(const OptimizerStep<T>&) noexcept;
  void (*adam)(const OptimizerStep<T>&) noexcept;
  void (*ftrl)(const OptimizerStep<T>&) noexcept;  // learning_rate_power -0.5
};

struct OptimizerKernel {
  OptimizerFunctions<float> f32;
  OptimizerFunctions<double> f64;
};

WEFT_DECLARE_KERNEL(OptimizerKernel, optimizer_kernel)

}  // namespace weft
