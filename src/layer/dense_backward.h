// The way back of a Dense.
#pragma once

#include <functional>
#include <optional>

#include "weft/layer.h"

namespace weft {

// Of activation(inputs * kernel + bias) = `out`; `sums` is what the activation was given, unset for
// a linear one.
std::function<DenseGradients(const Tensor&)> dense_pullback(const Tensor& kernel,
                                                            const DenseOptions& options,
                                                            const Blocks& inputs, const Tensor& out,
                                                            std::optional<Tensor> sums);

}  // namespace weft
