#include "rnn/dropout.h"

namespace weft {
namespace {

base::DropoutMask make_mask(const CellData& cell, size_t layer, double rate, const char* what,
                            uint64_t step) {
  if (rate == 0) return {};
  const CellData& own = cell.layer(layer);
  if (rate == 1) {
    throw InvalidArgument(std::string("`") + what + "` of '" + own.name +
                          "' is 1: to train it must be less");
  }
  return {rate, base::Philox(own.seed, cell.scope(layer) + what, step)};
}

}  // namespace

LayerDropout make_dropout(const CellData& cell, size_t layer, const RNNArguments& arguments) {
  if (!arguments.training) return {};
  const CellData& own = cell.layer(layer);
  const auto mask = [&](double rate, const char* what) {
    return make_mask(cell, layer, rate, what, arguments.step);
  };
  LayerDropout made = {.inputs = mask(own.dropout, "dropout"),
                       .recurrent = mask(own.recurrent_dropout, "recurrent_dropout")};
  const bool by_gate = own.implementation == 1 || made.recurrent;
  if (made.inputs && by_gate) made.input_masks = own.gates();
  return made;
}

}  // namespace weft
