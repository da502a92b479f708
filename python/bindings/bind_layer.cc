// Activations, _core.Dense and _core.Dropout; the classes that users see are in weft/layers.
#include "convert_gradient.h"
#include "convert_layer.h"

namespace weft::python {
namespace {

Dense make_dense(nb::dict given) {
  const Fields fields(std::move(given));
  return Dense(fields.integer("units"), fields.options<DenseOptions>());
}

nb::object call_dense(const Dense& layer, nb::handle inputs) {
  const Blocks x = blocks_from_python(inputs, layer.dtype());
  return tensor_to_python(without_gil([&] { return layer(x); }));
}

// (result, pullback), which takes the gradient of the result and gives (that of the inputs, those
// of the weights).
nb::tuple vjp_dense(const Dense& layer, nb::handle inputs) {
  const Blocks x = blocks_from_python(inputs, layer.dtype());
  DenseVjp made = without_gil([&] { return layer.vjp(x); });
  const auto pullback = [dtype = layer.dtype(), back = std::move(made.pullback)](nb::handle grad) {
    const Tensor given = tensor_of_dtype(grad, dtype, "grad_outputs");
    const DenseGradients gradients = without_gil([&] { return back(given); });
    return nb::make_tuple(tensor_to_python(gradients.inputs),
                          gradients_to_python(gradients.parameters));
  };
  return nb::make_tuple(tensor_to_python(made.result), nb::cpp_function(pullback));
}

// `noise_shape`: None, or a list of sizes.
Dropout make_dropout(double rate, nb::handle noise_shape, std::string name, int64_t seed) {
  DropoutOptions options{.name = std::move(name), .seed = seed};
  if (!noise_shape.is_none()) {
    options.noise_shape.emplace();
    for (nb::handle size : noise_shape)
      options.noise_shape->push_back(int_from_python(size, "noise_shape"));
  }
  return Dropout(rate, std::move(options));
}

// Without a step the result is `inputs`.
nb::object call_dropout(const Dropout& layer, nb::handle inputs, nb::handle dtype,
                        nb::handle step) {
  const Tensor x = tensor_of_dtype(inputs, dtype_from_python(dtype, "dtype"), "inputs");
  const auto given = step_from_python(step);
  return tensor_to_python(without_gil([&] { return given ? layer(x, *given) : x; }));
}

}  // namespace

void bind_layer(nb::module_& m) {
  m.def(
      "activate",
      [](const std::string& name, nb::handle x) {
        const Activation activation = activation_from_name(name);
        const Tensor tensor = tensor_from_python(x, "x");
        return tensor_to_python(without_gil([&] { return activate(activation, tensor); }));
      },
      nb::arg("name"), nb::arg("x").none());
  m.def("check_activation", [](nb::handle name) {
    return activation_name(activation_from_name(text_from_python(name, "activation")));
  });
  nb::class_<Dense>(m, "Dense")
      .def("build",
           [](Dense& self, nb::handle input_size) {
             const int64_t size = int_from_python(input_size, "input_size");
             without_gil([&] { self.build(size); });
           })
      .def_prop_ro("built", &Dense::built)
      .def_prop_ro("input_size", &Dense::input_size)
      .def_prop_ro("parameters", &parameters_of<Dense>)
      .def("set_weights", &set_weights<Dense>, nb::arg("weights").none())
      .def("over", &layer_over<Dense>, nb::arg("weights"))
      .def("__call__", &call_dense, nb::arg("inputs").none())
      .def("vjp", &vjp_dense, nb::arg("inputs").none());
  m.def("make_dense", &make_dense, nb::arg("fields"));
  nb::class_<Dropout>(m, "Dropout")
      .def("__call__", &call_dropout, nb::arg("inputs").none(), nb::arg("dtype"),
           nb::arg("step").none());
  m.def("make_dropout", &make_dropout, nb::arg("rate"), nb::arg("noise_shape").none(),
        nb::arg("name"), nb::arg("seed"));
}

}  // namespace weft::python
