// The outputs of two directions as one, and back.
#pragma once

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

// The outputs of both layers, or gradients of them.
struct Outputs {
  Tensor forward, backward;
};

// Writes the gradients of both layers' outputs into `to`, given those of what they were merged
// into: all set. `outputs` are read for Merge::kMul alone.
void split_gradient(const Directions& directions, const Outputs& outputs,
                    const std::vector<Tensor>& grads, Outputs& to);

}  // namespace weft
