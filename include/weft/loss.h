// Losses: how wrong a batch of predictions is, and the gradient of that.
#pragma once

#include <cstdint>
#include <optional>

#include "weft/export.h"
#include "weft/tensor.h"

namespace weft {

// Keras's "sum_over_batch_size" and "sum". A mean is over the number of samples, whatever their
// weights.
enum class Reduction : uint8_t { kMean, kSum };

struct LossOptions {
  // Of the shape of the predictions without the last dimension, or [B]: each sample's loss is
  // multiplied by its weight.
  std::optional<Tensor> sample_weight = {};
  Reduction reduction = Reduction::kMean;
  bool from_logits = true;     // of crossentropies; false: predictions are probabilities
  double label_smoothing = 0;  // of crossentropies with float labels: towards 1/2, or 1/C
};

struct Loss {
  double value = 0;  // reduced
  Tensor samples;    // every sample's, weighted: predictions' shape without the last dimension
  Tensor gradient;   // of `value`, with regard to the predictions
};

// As tf.keras.losses, over predictions [B, ..., C] of float32 or float64; C is the last dimension.
// Labels have the predictions' shape, or lack the last dimension if it is 1; any number dtype.
// NaN in, NaN out.
// Throw InvalidArgument for shapes that do not fit, WrongType for another dtype.

// BinaryCrossentropy: the mean over C of -y log p - (1 - y) log(1 - p), p = sigmoid(x) for logits.
// Probabilities are cut to [1e-7, 1 - 1e-7], as Keras does.
WEFT_API Loss binary_crossentropy(const Tensor& labels, const Tensor& predictions,
                                  const LossOptions& options = {});
// CategoricalCrossentropy: -sum over C of y log p, p = softmax(x) for logits; probabilities are
// divided by their sum and cut as above. The gradient is that of this sum even where labels do not
// add up to 1; TensorFlow's of logits takes it that they do.
WEFT_API Loss categorical_crossentropy(const Tensor& labels, const Tensor& predictions,
                                       const LossOptions& options = {});
// SparseCategoricalCrossentropy: labels are integers in [0, C), [B, ...]. Throws OutOfRange for
// another one, naming its place. Probabilities are cut, and then divided by their sum.
WEFT_API Loss sparse_categorical_crossentropy(const Tensor& labels, const Tensor& predictions,
                                              const LossOptions& options = {});
// MeanSquaredError: the mean over C of (y - x)^2.
WEFT_API Loss mean_squared_error(const Tensor& labels, const Tensor& predictions,
                                 const LossOptions& options = {});

}  // namespace weft
