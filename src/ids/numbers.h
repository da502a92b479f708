// What the columns of numbers share.
#pragma once

#include <functional>

#include "weft/ids.h"

namespace weft {

// `present` as a 1-D tensor of `dtype` (float32 or float64), after the normalizer if there is one;
// what needs no change is shared. Throws WrongType for strings, and as Normalizer does.
Tensor numbers_of(const Tensor& present, const std::optional<Normalizer>& normalizer, DType dtype,
                  const std::string& key);

// The sequence feature `key` with numbers(its values) in the places of its values. Throws WrongType
// naming the function `column` for a dense array.
Feature sequence_numbers(const Feature& feature, const std::string& column, const std::string& key,
                         const std::function<Tensor(const Tensor&)>& numbers);

}  // namespace weft
