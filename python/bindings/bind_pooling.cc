// Pooling and _core.AttentionPooling; the classes that users see are in weft/layers/pooling.py and
// weft/layers/attention.py.
#include "convert_rnn.h"
#include "weft/pooling.h"

namespace weft::python {
namespace {

PoolingArguments steps_from_python(nb::handle mask, nb::handle lengths) {
  PoolingArguments arguments;
  take_steps(arguments, mask, lengths);
  return arguments;
}

nb::object run_pooling(const std::string& name, nb::handle inputs, nb::handle mask,
                       nb::handle lengths) {
  const Pooling pooling = pooling_from_name(name);
  const Tensor x = tensor_from_python(inputs, "inputs");
  const PoolingArguments arguments = steps_from_python(mask, lengths);
  return tensor_to_python(without_gil([&] { return pool(pooling, x, arguments); }));
}

// (result, pullback), which takes the gradient of the result to that of the inputs.
nb::tuple vjp_pooling(const std::string& name, nb::handle inputs, nb::handle mask,
                      nb::handle lengths) {
  const Pooling pooling = pooling_from_name(name);
  const Tensor x = tensor_from_python(inputs, "inputs");
  const PoolingArguments arguments = steps_from_python(mask, lengths);
  PoolingVjp made = without_gil([&] { return pool_vjp(pooling, x, arguments); });
  const auto pullback = [dtype = x.dtype(), back = std::move(made.pullback)](nb::handle grad) {
    const Tensor given = tensor_of_dtype(grad, dtype, "grad_outputs");
    return tensor_to_python(without_gil([&] { return back(given); }));
  };
  return nb::make_tuple(tensor_to_python(made.result), nb::cpp_function(pullback));
}

AttentionPooling make_attention_pooling(nb::dict given) {
  const Fields fields(std::move(given));
  return AttentionPooling({.learned_query = fields.flag("learned_query"),
                           .use_scale = fields.flag("use_scale"),
                           .divide_by_root = fields.flag("divide_by_root"),
                           .query_initializer = fields.initializer("query_initializer"),
                           .name = fields.text("name"),
                           .dtype = fields.dtype("dtype"),
                           .seed = fields.integer("seed")});
}

AttentionArguments attention_arguments(DType dtype, nb::handle query, nb::handle keys,
                                       nb::handle mask, nb::handle lengths) {
  AttentionArguments arguments;
  take_steps(arguments, mask, lengths);
  if (!query.is_none()) arguments.query = tensor_of_dtype(query, dtype, "query", 2);
  if (!keys.is_none()) arguments.keys = tensor_of_dtype(keys, dtype, "keys", 3);
  return arguments;
}

nb::object call_attention(const AttentionPooling& layer, nb::handle inputs, nb::handle query,
                          nb::handle keys, nb::handle mask, nb::handle lengths) {
  const Tensor x = tensor_of_dtype(inputs, layer.dtype(), "inputs", 3);
  const auto arguments = attention_arguments(layer.dtype(), query, keys, mask, lengths);
  return tensor_to_python(without_gil([&] { return layer(x, arguments); }));
}

// (result, pullback), which takes the gradient of the result and gives (those of inputs, query and
// keys as far as they were given, those of the weights).
nb::tuple vjp_attention(const AttentionPooling& layer, nb::handle inputs, nb::handle query,
                        nb::handle keys, nb::handle mask, nb::handle lengths) {
  const Tensor x = tensor_of_dtype(inputs, layer.dtype(), "inputs", 3);
  const auto arguments = attention_arguments(layer.dtype(), query, keys, mask, lengths);
  AttentionVjp made = without_gil([&] { return layer.vjp(x, arguments); });
  const auto pullback = [dtype = x.dtype(), back = std::move(made.pullback)](nb::handle grad) {
    const Tensor given = tensor_of_dtype(grad, dtype, "grad_outputs");
    const AttentionGradients gradients = without_gil([&] { return back(given); });
    nb::list inputs_made;
    inputs_made.append(tensor_to_python(gradients.inputs));
    if (gradients.query) inputs_made.append(tensor_to_python(*gradients.query));
    if (gradients.keys) inputs_made.append(tensor_to_python(*gradients.keys));
    return nb::make_tuple(nb::tuple(inputs_made), gradients_to_python(gradients.parameters));
  };
  return nb::make_tuple(tensor_to_python(made.result), nb::cpp_function(pullback));
}

}  // namespace

void bind_pooling(nb::module_& m) {
  m.def("check_pooling",
        [](nb::handle name) { (void)pooling_from_name(text_from_python(name, "pooling")); });
  m.def("run_pooling", &run_pooling, nb::arg("pooling"), nb::arg("inputs").none(),
        nb::arg("mask").none(), nb::arg("lengths").none());
  m.def("vjp_pooling", &vjp_pooling, nb::arg("pooling"), nb::arg("inputs").none(),
        nb::arg("mask").none(), nb::arg("lengths").none());
  nb::class_<AttentionPooling>(m, "AttentionPooling")
      .def("build",
           [](AttentionPooling& self, nb::handle key_size) {
             const int64_t size = int_from_python(key_size, "key_size");
             without_gil([&] { self.build(size); });
           })
      .def_prop_ro("built", &AttentionPooling::built)
      .def_prop_ro("input_size", &AttentionPooling::input_size)
      .def_prop_ro("parameters", &parameters_of<AttentionPooling>)
      .def("set_weights", &set_weights<AttentionPooling>, nb::arg("weights").none())
      .def("over", &layer_over<AttentionPooling>, nb::arg("weights"))
      .def("__call__", &call_attention, nb::arg("inputs").none(), nb::arg("query").none(),
           nb::arg("keys").none(), nb::arg("mask").none(), nb::arg("lengths").none())
      .def("vjp", &vjp_attention, nb::arg("inputs").none(), nb::arg("query").none(),
           nb::arg("keys").none(), nb::arg("mask").none(), nb::arg("lengths").none());
  m.def("make_attention_pooling", &make_attention_pooling, nb::arg("fields"));
}

}  // namespace weft::python
