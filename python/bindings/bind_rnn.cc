// _core.Cell and run_rnn; the classes that users see are in weft/layers.
#include "convert_gradient.h"
#include "convert_layer.h"
#include "weft/rnn.h"

namespace weft::python {
namespace {

Cell make_cell(const std::string& kind, nb::dict fields) {
  const Fields all(std::move(fields));
  const int64_t units = all.integer("units");
  if (kind == "gru") return GRUCell(units, all.options<GRUCellOptions>());
  if (kind == "lstm") return LSTMCell(units, all.options<LSTMCellOptions>());
  return SimpleRNNCell(units, all.options<SimpleRNNCellOptions>());
}

// A call of an RNN. `options`: return_sequences, return_state, go_backwards, zero_output_for_mask,
// time_major; `step` is that of dropout, None without training.
struct Call {
  RNN rnn;
  Blocks inputs;
  RNNArguments arguments;

  Call(const Cell& cell, nb::dict options, nb::handle given, nb::handle mask, nb::handle lengths,
       nb::handle initial_state, nb::handle step)
      : rnn(cell, {.return_sequences = nb::cast<bool>(options["return_sequences"]),
                   .return_state = nb::cast<bool>(options["return_state"]),
                   .go_backwards = nb::cast<bool>(options["go_backwards"]),
                   .zero_output_for_mask = nb::cast<bool>(options["zero_output_for_mask"]),
                   .time_major = nb::cast<bool>(options["time_major"])}),
        inputs(blocks_from_python(given, cell.dtype(), 3)) {
    if (!mask.is_none()) arguments.mask = tensor_of_dtype(mask, DType::kBool, "mask", 2);
    if (!lengths.is_none())
      arguments.lengths = tensor_from_python(lengths, "lengths", DType::kInt64);
    for (nb::handle state : initial_state) {
      arguments.initial_state.push_back(tensor_of_dtype(state, cell.dtype(), "initial_state", 2));
    }
    const auto given_step = step_from_python(step);
    arguments.training = given_step.has_value();
    arguments.step = given_step.value_or(0);
  }
};

nb::list tensors_to_python(const std::vector<Tensor>& tensors) {
  nb::list made;
  for (const Tensor& tensor : tensors) made.append(tensor_to_python(tensor));
  return made;
}

nb::tuple run_rnn(const Cell& cell, nb::dict options, nb::handle inputs, nb::handle mask,
                  nb::handle lengths, nb::handle initial_state, nb::handle step) {
  const Call call(cell, std::move(options), inputs, mask, lengths, initial_state, step);
  const States states = without_gil([&] { return call.rnn(call.inputs, call.arguments); });
  return nb::make_tuple(tensor_to_python(states.outputs), tensors_to_python(states.state));
}

// (outputs, states, pullback), which takes the gradients of outputs and states and gives (that of
// the inputs, those of the initial states, those of the weights).
nb::tuple vjp_rnn(const Cell& cell, nb::dict options, nb::handle inputs, nb::handle mask,
                  nb::handle lengths, nb::handle initial_state, nb::handle step) {
  const Call call(cell, std::move(options), inputs, mask, lengths, initial_state, step);
  RNNVjp made = without_gil([&] { return call.rnn.vjp(call.inputs, call.arguments); });
  const auto pullback = [dtype = cell.dtype(), back = std::move(made.pullback)](
                            nb::handle grad_outputs, nb::list grad_states) {
    StatesGradient given{grad_from_python(grad_outputs, dtype, "grad_outputs"), {}};
    for (nb::handle state : grad_states)
      given.state.push_back(grad_from_python(state, dtype, "grad_state"));
    const RNNGradients gradients = without_gil([&] { return back(given); });
    return nb::make_tuple(tensor_to_python(gradients.inputs),
                          tensors_to_python(gradients.initial_state),
                          gradients_to_python(gradients.parameters));
  };
  return nb::make_tuple(
      tensor_to_python(made.result.outputs), tensors_to_python(made.result.state),
      nb::cpp_function(pullback, nb::arg("grad_outputs").none(), nb::arg("grad_states")));
}

}  // namespace

void bind_rnn(nb::module_& m) {
  nb::class_<Cell>(m, "Cell", "A recurrent cell or a stack of them.")
      .def("build",
           [](Cell& self, nb::handle input_size) {
             const int64_t size = int_from_python(input_size, "input_size");
             without_gil([&] { self.build(size); });
           })
      .def_prop_ro("built", &Cell::built)
      .def_prop_ro("input_size", &Cell::input_size)
      .def_prop_ro("parameters", &parameters_of<Cell>,
                   "(name, array) of each weight; the arrays are the weights.")
      .def("set_weights", &set_weights<Cell>, nb::arg("weights").none())
      .def("over", &layer_over<Cell>, nb::arg("weights"));
  m.def("make_cell", &make_cell, nb::arg("kind"), nb::arg("fields"));
  m.def("stack_cells", [](nb::list cells) {
    std::vector<Cell> all;
    for (nb::handle cell : cells) all.push_back(nb::cast<Cell>(cell));
    return Cell(StackedRNNCells(std::move(all)));
  });
  m.def("run_rnn", &run_rnn, nb::arg("cell"), nb::arg("options"), nb::arg("inputs").none(),
        nb::arg("mask").none(), nb::arg("lengths").none(), nb::arg("initial_state"),
        nb::arg("step") = nb::none());
  m.def("vjp_rnn", &vjp_rnn, nb::arg("cell"), nb::arg("options"), nb::arg("inputs").none(),
        nb::arg("mask").none(), nb::arg("lengths").none(), nb::arg("initial_state"),
        nb::arg("step") = nb::none());
}

}  // namespace weft::python
