// Gradients of weights: a tensor, or the rows of a table that a batch touched.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>

#include "weft/export.h"
#include "weft/tensor.h"

namespace weft {

// A gradient whose other rows are zeros, as tf.IndexedSlices; but each id stands once, and they
// rise.
struct WEFT_API IndexedSlices {
  Tensor ids;         // int64 [n], in [0, V)
  Tensor values;      // [n, D], float32 or float64; [n] of a weight [V]
  Shape dense_shape;  // [V, D] or [V]

  int64_t width() const { return dense_shape.size() == 1 ? 1 : dense_shape[1]; }  // D, or 1
  Tensor to_dense() const;  // throws OutOfRange for an id outside [0, V)
};

using Gradient = std::variant<Tensor, IndexedSlices>;

// The gradient of a table [V, D] that is several tables, one below the other. A Tensor if all are.
// Throws InvalidArgument without parts or for different D, WrongType for different dtypes.
WEFT_API Gradient stack_rows(std::span<const Gradient> parts);
// The gradient of a weight that is used twice. A Tensor if either is; IndexedSlices have the rows
// of both. Throws InvalidArgument for different shapes, WrongType for different dtypes, OutOfRange
// for an id outside [0, V).
WEFT_API Gradient add(const Gradient& a, const Gradient& b);

// Whether a gradient holds neither NaN nor infinity. Throws WrongType unless it is of floats.
WEFT_API bool all_finite(const Gradient& gradient);

// The numbers that a gradient has: all, or those of its rows.
WEFT_LOCAL const Tensor& values_of(const Gradient& gradient);

// Throws unless `grad` can be the gradient of `what`, which has this dtype and shape: WrongType,
// InvalidArgument.
WEFT_LOCAL void check_gradient(const Tensor& grad, DType dtype, const Shape& shape,
                               const std::string& what);

}  // namespace weft
