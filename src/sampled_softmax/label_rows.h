// What the functions of sampled_softmax.h are given: checks.
#pragma once

#include <span>

#include "weft/sampled_softmax.h"

namespace weft {

// One level of int64, checked to be in [0, num_classes).
Ragged label_rows(const Feature& labels, int64_t num_classes);

// The dtype of the weights [V, D], biases [V] and inputs [B, D], which are checked.
DType check_scored(const Tensor& weights, const Tensor* biases, const Tensor& inputs);

}  // namespace weft
