#include "convert.h"
#include "weft/layer.h"

namespace weft::python {

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
}

}  // namespace weft::python
