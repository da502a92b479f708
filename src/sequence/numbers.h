// The values of a numeric feature as the layer's floating point.
#pragma once

#include "weft/column.h"

namespace weft {

// Applies the normalizer, if there is one, to `present` [N] and converts to `dtype` (float32 or
// float64); what needs no conversion is shared. Throws WrongType for strings, InvalidArgument if
// the normalizer returns another shape.
Tensor numbers_of(const Tensor& present, const std::optional<Normalizer>& normalizer, DType dtype,
                  const std::string& key);

// Throws InvalidArgument at the feature `key`.
[[noreturn]] void refuse(const std::string& key, const std::string& text, int64_t row = -1);

}  // namespace weft
