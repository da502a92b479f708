// The dropout of one layer in one call.
#pragma once

#include <cstdint>

#include "base/dropout.h"
#include "rnn/cell.h"

namespace weft {

struct LayerDropout {
  base::DropoutMask inputs, recurrent;
  int64_t input_masks = 1;  // one for all gates, or one for each

  // The first element of one of a row's `masks` masks, each of `width` elements.
  static uint64_t element(int64_t row, int64_t masks, int64_t mask, int64_t width) {
    return static_cast<uint64_t>(row * masks + mask) * static_cast<uint64_t>(width);
  }
};

// Of a layer of the cell. Throws InvalidArgument for a rate of 1 in training.
LayerDropout make_dropout(const CellData& cell, size_t layer, const RNNArguments& arguments);

}  // namespace weft
