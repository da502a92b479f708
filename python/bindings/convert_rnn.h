// What calls of recurrent layers and of poolings are made of.
#pragma once

#include <optional>
#include <vector>

#include "convert_gradient.h"
#include "convert_layer.h"
#include "weft/rnn.h"

namespace weft::python {

// bool [B, T], integers [B], or neither.
template <class Arguments>
void take_steps(Arguments& arguments, nb::handle mask, nb::handle lengths) {
  if (!mask.is_none()) arguments.mask = tensor_of_dtype(mask, DType::kBool, "mask", 2);
  if (!lengths.is_none()) arguments.lengths = tensor_from_python(lengths, "lengths", DType::kInt64);
}

// `options`: return_sequences, return_state, go_backwards, zero_output_for_mask, time_major.
inline RNN rnn_from_python(const Cell& cell, const nb::dict& options) {
  const auto flag = [&](const char* name) { return nb::cast<bool>(options[name]); };
  return RNN(cell, {.return_sequences = flag("return_sequences"),
                    .return_state = flag("return_state"),
                    .go_backwards = flag("go_backwards"),
                    .zero_output_for_mask = flag("zero_output_for_mask"),
                    .time_major = flag("time_major")});
}

// Inputs and arguments of a call; `step` is that of dropout, None without training.
struct RNNCall {
  Blocks inputs;
  RNNArguments arguments;

  RNNCall(DType dtype, nb::handle given, nb::handle mask, nb::handle lengths,
          nb::handle initial_state, nb::handle step)
      : inputs(blocks_from_python(given, dtype, 3)) {
    take_steps(arguments, mask, lengths);
    for (nb::handle state : initial_state)
      arguments.initial_state.push_back(tensor_of_dtype(state, dtype, "initial_state", 2));
    const std::optional<uint64_t> given_step = step_from_python(step);
    arguments.training = given_step.has_value();
    arguments.step = given_step.value_or(0);
  }
};

inline nb::list tensors_to_python(const std::vector<Tensor>& tensors) {
  nb::list made;
  for (const Tensor& tensor : tensors) made.append(tensor_to_python(tensor));
  return made;
}

// (that of the inputs, those of the initial states, those of the weights).
inline nb::tuple gradients_to_python(const RNNGradients& gradients) {
  return nb::make_tuple(tensor_to_python(gradients.inputs),
                        tensors_to_python(gradients.initial_state),
                        gradients_to_python(gradients.parameters));
}

}  // namespace weft::python
