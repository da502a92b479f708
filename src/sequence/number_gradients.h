// The gradients of features whose numbers a layer shows.
#pragma once

#include <functional>

#include "weft/sequence.h"

namespace weft {

class NumberGradients {
 public:
  // Of what a layer made of `features`; `grad`, float32 or float64, is that of its output.
  NumberGradients(const Features& features, const Tensor& grad)
      : features_(features), grad_(grad) {}

  // `column`'s, which begins at column `begin` of the output, if it is one of numbers whose slopes
  // are known. `shown` is given its feature with the place of each value in the place of the value,
  // and returns what a layer makes of that, float64: a place, or -1, for each number of each cell.
  void add(const DenseColumn& column, int64_t begin,
           const std::function<Tensor(const NumberColumn&, const Feature&)>& shown);

  // By key: each of its feature's structure and the dtype of `grad`.
  Features take() { return std::move(gradients_); }

 private:
  const Features& features_;
  const Tensor& grad_;
  Features gradients_;
};

}  // namespace weft
