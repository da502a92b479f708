// Activations.
#pragma once

#include <cstdint>
#include <string_view>

#include "weft/initializer.h"
#include "weft/tensor.h"

namespace weft {

// Keras's activations. float32 errors are against the exact value of the float32 input, absolute
// unless they are called relative; float64 uses the C library.
enum class Activation : uint8_t {
  kLinear,       // x
  kTanh,         // relative 4e-7
  kSigmoid,      // 1 / (1 + exp(-x)): relative 1e-6, absolute 2e-7
  kRelu,         // max(x, 0)
  kElu,          // x > 0 ? x : exp(x) - 1
  kSelu,         // 1.0507 * (x > 0 ? x : 1.6733 (exp(x) - 1))
  kSoftplus,     // log(exp(x) + 1)
  kSoftsign,     // x / (|x| + 1)
  kSwish,        // x * sigmoid(x)
  kGelu,         // x * (1 + erf(x / sqrt(2))) / 2, the exact form
  kHardSigmoid,  // clip(0.2 x + 0.5, 0, 1), as in Keras 2
  kExponential,  // exp(x): relative 4e-7
  kSoftmax,      // exp(x) / sum(exp(x)) over the last dimension
};

// Keras's name ("tanh", "hard_sigmoid"); "silu" is swish, "" is linear.
// Throws InvalidArgument for an unknown name, listing the known ones.
WEFT_API Activation activation_from_name(std::string_view name);
WEFT_API const char* activation_name(Activation activation);

// Element by element, or over the last dimension for softmax; float32 or float64, else WrongType.
// NaN gives NaN. Every element (softmax: every row) has the same bits wherever it stands.
// Throws InvalidArgument for the softmax of a scalar.
WEFT_API Tensor activate(Activation activation, const Tensor& x);
// In place, on `rows` rows of `width` elements, `stride` elements apart.
WEFT_API void activate(Activation activation, float* x, int64_t rows, int64_t width,
                       int64_t stride);
WEFT_API void activate(Activation activation, double* x, int64_t rows, int64_t width,
                       int64_t stride);

}  // namespace weft
