// run_bidirectional and vjp_bidirectional; the class that users see is in
// weft/layers/bidirectional.py.
#include "convert_rnn.h"
#include "weft/bidirectional.h"

namespace weft::python {
namespace {

// `directions`: the cells and the options of both layers, and how they are merged.
Bidirectional bidirectional_from_python(const nb::tuple& directions) {
  const auto layer = [&](size_t at) {
    return rnn_from_python(nb::cast<Cell>(directions[at]), nb::cast<nb::dict>(directions[at + 1]));
  };
  return Bidirectional(layer(0), layer(2), merge_from_name(nb::cast<std::string>(directions[4])));
}

nb::tuple run_bidirectional(const nb::tuple& directions, nb::handle inputs, nb::handle mask,
                            nb::handle lengths, nb::handle initial_state, nb::handle step) {
  const Bidirectional layer = bidirectional_from_python(directions);
  const RNNCall call(layer.forward().cell().dtype(), inputs, mask, lengths, initial_state, step);
  const BidirectionalStates made = without_gil([&] { return layer(call.inputs, call.arguments); });
  return nb::make_tuple(tensors_to_python(made.outputs), tensors_to_python(made.state));
}

// (outputs, states, pullback), which takes the gradients of outputs and states and gives (that of
// the inputs, those of the initial states, those of the weights).
nb::tuple vjp_bidirectional(const nb::tuple& directions, nb::handle inputs, nb::handle mask,
                            nb::handle lengths, nb::handle initial_state, nb::handle step) {
  const Bidirectional layer = bidirectional_from_python(directions);
  const DType dtype = layer.forward().cell().dtype();
  const RNNCall call(dtype, inputs, mask, lengths, initial_state, step);
  BidirectionalVjp made = without_gil([&] { return layer.vjp(call.inputs, call.arguments); });
  const auto pullback = [dtype, back = std::move(made.pullback)](nb::list grad_outputs,
                                                                 nb::list grad_states) {
    BidirectionalGradient given;
    for (nb::handle grad : grad_outputs)
      given.outputs.push_back(grad_from_python(grad, dtype, "grad_outputs"));
    for (nb::handle grad : grad_states)
      given.state.push_back(grad_from_python(grad, dtype, "grad_state"));
    const RNNGradients gradients = without_gil([&] { return back(given); });
    return gradients_to_python(gradients);
  };
  return nb::make_tuple(tensors_to_python(made.result.outputs),
                        tensors_to_python(made.result.state), nb::cpp_function(pullback));
}

}  // namespace

void bind_bidirectional(nb::module_& m) {
  m.def("check_bidirectional",
        [](const nb::tuple& directions) { (void)bidirectional_from_python(directions); });
  m.def("run_bidirectional", &run_bidirectional, nb::arg("directions"), nb::arg("inputs").none(),
        nb::arg("mask").none(), nb::arg("lengths").none(), nb::arg("initial_state"),
        nb::arg("step").none());
  m.def("vjp_bidirectional", &vjp_bidirectional, nb::arg("directions"), nb::arg("inputs").none(),
        nb::arg("mask").none(), nb::arg("lengths").none(), nb::arg("initial_state"),
        nb::arg("step").none());
}

}  // namespace weft::python
