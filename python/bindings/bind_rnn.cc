// _core.Cell and run_rnn; the classes that users see are in weft/layers.
#include "convert_rnn.h"

namespace weft::python {
namespace {

Cell make_cell(const std::string& kind, nb::dict fields) {
  const Fields all(std::move(fields));
  const int64_t units = all.integer("units");
  if (kind == "gru") return GRUCell(units, all.options<GRUCellOptions>());
  if (kind == "lstm") return LSTMCell(units, all.options<LSTMCellOptions>());
  return SimpleRNNCell(units, all.options<SimpleRNNCellOptions>());
}

// `options` as rnn_from_python takes them.
nb::tuple run_rnn(const Cell& cell, const nb::dict& options, nb::handle inputs, nb::handle mask,
                  nb::handle lengths, nb::handle initial_state, nb::handle step) {
  const RNN rnn = rnn_from_python(cell, options);
  const RNNCall call(cell.dtype(), inputs, mask, lengths, initial_state, step);
  const States states = without_gil([&] { return rnn(call.inputs, call.arguments); });
  return nb::make_tuple(tensor_to_python(states.outputs), tensors_to_python(states.state));
}

// (outputs, states, pullback), which takes the gradients of outputs and states and gives (that of
// the inputs, those of the initial states, those of the weights).
nb::tuple vjp_rnn(const Cell& cell, const nb::dict& options, nb::handle inputs, nb::handle mask,
                  nb::handle lengths, nb::handle initial_state, nb::handle step) {
  const RNN rnn = rnn_from_python(cell, options);
  const RNNCall call(cell.dtype(), inputs, mask, lengths, initial_state, step);
  RNNVjp made = without_gil([&] { return rnn.vjp(call.inputs, call.arguments); });
  const auto pullback = [dtype = cell.dtype(), back = std::move(made.pullback)](
                            nb::handle grad_outputs, nb::list grad_states) {
    StatesGradient given{grad_from_python(grad_outputs, dtype, "grad_outputs"), {}};
    for (nb::handle state : grad_states)
      given.state.push_back(grad_from_python(state, dtype, "grad_state"));
    const RNNGradients gradients = without_gil([&] { return back(given); });
    return gradients_to_python(gradients);
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
