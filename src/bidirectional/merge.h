// The outputs of two directions as one, and back.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "weft/bidirectional.h"

namespace weft {

// How the outputs of two layers with these options stand to each other.
struct Directions {
  Merge merge;
  bool sequences;   // the backward layer's outputs are in the order of processing: last step first
  bool time_major;  // [T, B, H]
};

std::vector<Tensor> merge_outputs(const Directions& directions, const Tensor& forward,
                                  const Tensor& backward);

// The gradients of both layers' outputs, given those of what they were merged into: all set.
std::pair<Tensor, Tensor> split_gradient(const Directions& directions, const Tensor& forward,
                                         const Tensor& backward, const std::vector<Tensor>& grads);

}  // namespace weft
