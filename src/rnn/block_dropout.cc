// A block's masks: each row has its own, which hold for all its steps.
#include "rnn/block.h"

namespace weft {

template <class T>
void Block<T>::draw_masks() {
  for (size_t layer = 0; layer < memory_.size(); ++layer) {
    const CellPlan<T>& plan = *job_.layers[layer].plan;
    const LayerDropout& dropout = job_.layers[layer].dropout;
    const int64_t sets = dropout.inputs ? dropout.input_masks : 0;
    const auto& parts = inputs_[layer][0];
    int64_t width = 0;
    for (const base::Operand<T>& part : parts) width += part.depth;
    T* to = memory_[layer].x_mask;
    for (int64_t set = 0; set < sets; ++set) {
      for (int64_t i = 0; i < rows_; ++i, to += memory_[layer].ld_x) {
        uint64_t element = dropout.element(row(i), sets, set, width);
        T* at = to;
        for (const base::Operand<T>& part : parts) {
          if (!part.sparse()) dropout.inputs.fill(element, part.depth, at);
          if (!part.sparse()) at += part.depth;
          element += static_cast<uint64_t>(part.depth);
        }
      }
    }
    if (!dropout.recurrent) continue;
    const int64_t units = plan.units(), ld = plan.ld(), gates = plan.ld_p() / ld;
    for (int64_t i = 0; i < rows_; ++i) {
      for (int64_t gate = 0; gate < gates; ++gate) {
        T* const mask = memory_[layer].h_mask + (i * gates + gate) * ld;
        dropout.recurrent.fill(dropout.element(row(i), gates, gate, units), units, mask);
      }
    }
  }
}

// The dense inputs of a chunk, times each of their masks. The first layer's stand where its first
// set goes, which is therefore the last one made.
template <class T>
void Block<T>::drop_inputs(size_t layer) const {
  const Memory& memory = memory_[layer];
  const int64_t ld = memory.ld_x;
  const T* const from = layer == 0 ? memory.x : memory_[layer - 1].h + rows_ * ld;
  const int64_t inputs = dense_inputs(layer);
  for (int64_t set = job_.layers[layer].dropout.input_masks; set-- > 0;) {
    T* const to = memory.x + set * capacity_ * ld;
    const T* const masks = memory.x_mask + set * rows_ * ld;
    each_place([&](int64_t token, int64_t i) {
      const T *const x = from + token * ld, *const mask = masks + i * ld;
      for (int64_t j = 0; j < inputs; ++j) to[token * ld + j] = x[j] * mask[j];
    });
  }
}

template void Block<float>::draw_masks();
template void Block<double>::draw_masks();
template void Block<float>::drop_inputs(size_t) const;
template void Block<double>::drop_inputs(size_t) const;

}  // namespace weft
