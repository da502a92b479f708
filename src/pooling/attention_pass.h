// One call of an AttentionPooling, and its way back.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "pooling/real_steps.h"
#include "weft/pooling.h"

namespace weft {

class AttentionPass {
 public:
  // Of checked arguments; the layer's weights are `parameters`.
  static std::shared_ptr<const AttentionPass> make(const AttentionPoolingOptions& options,
                                                   std::span<const Parameter> parameters,
                                                   const Tensor& inputs,
                                                   const AttentionArguments& arguments);
  virtual ~AttentionPass() = default;

  virtual const Tensor& result() const = 0;
  virtual AttentionGradients backward(const Tensor& grad) const = 0;
};

}  // namespace weft
