// What the bindings of layers share: fields, weights, inputs.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "convert_initializer.h"
#include "weft/layer.h"
#include "weft/sequence.h"

namespace weft::python {

// The fields of a layer, as weft/layers/declared.py hands them over.
class Fields {
 public:
  explicit Fields(nb::dict fields) : fields_(std::move(fields)) {}

  bool flag(const char* name) const { return nb::cast<bool>(fields_[name]); }
  std::string text(const char* name) const { return nb::cast<std::string>(fields_[name]); }
  int64_t integer(const char* name) const { return int_from_python(fields_[name], name); }
  DType dtype(const char* name) const { return dtype_from_python(fields_[name], name); }
  Activation activation(const char* name) const { return activation_from_name(text(name)); }
  Initializer initializer(const char* name) const {
    return initializer_from_python(fields_[name], name);
  }

  template <class Options>
  Options options() const {
    Options options;
    options.activation = activation("activation");
    options.use_bias = flag("use_bias");
    options.kernel_initializer = initializer("kernel_initializer");
    options.bias_initializer = initializer("bias_initializer");
    options.name = text("name");
    options.dtype = dtype("dtype");
    options.seed = integer("seed");
    if constexpr (requires { options.recurrent_initializer; }) {
      options.recurrent_initializer = initializer("recurrent_initializer");
    }
    if constexpr (requires { options.recurrent_activation; }) {
      options.recurrent_activation = activation("recurrent_activation");
    }
    if constexpr (requires { options.dropout; }) {
      options.dropout = nb::cast<double>(fields_["dropout"]);
      options.recurrent_dropout = nb::cast<double>(fields_["recurrent_dropout"]);
    }
    if constexpr (requires { options.implementation; }) {
      options.implementation = fields_["implementation"].equal(nb::int_(1)) ? 1 : 2;
    }
    if constexpr (requires { options.reset_after; }) options.reset_after = flag("reset_after");
    if constexpr (requires { options.unit_forget_bias; }) {
      options.unit_forget_bias = flag("unit_forget_bias");
    }
    return options;
  }

 private:
  nb::dict fields_;
};

// (name, array) of each weight; the arrays are the weights.
template <class Layer>
nb::list parameters_of(const Layer& layer) {
  nb::list found;
  for (const Parameter& parameter : layer.parameters()) {
    found.append(nb::make_tuple(parameter.name.c_str(), tensor_to_python(parameter.value)));
  }
  return found;
}

// Arrays for a layer's weights, which are not copied.
template <class Layer>
std::vector<Tensor> weights_from_python(const Layer& layer, nb::handle weights) {
  std::vector<Tensor> tensors;
  const auto parameters = layer.parameters();
  for (nb::handle weight : weights) {
    const bool known = tensors.size() < parameters.size();
    const std::string name = known ? "weight '" + parameters[tensors.size()].name + "'" : "weights";
    tensors.push_back(tensor_of_dtype(weight, layer.dtype(), name.c_str()));
  }
  return tensors;
}

template <class Layer>
void set_weights(Layer& layer, nb::handle weights) {
  layer.set_weights(weights_from_python(layer, weights));
}

template <class Layer>
Layer layer_over(const Layer& layer, nb::handle weights) {
  return layer.over(weights_from_python(layer, weights));
}

// That of dropout: None without training.
inline std::optional<uint64_t> step_from_python(nb::handle step) {
  if (step.is_none()) return {};
  return static_cast<uint64_t>(int_from_python(step, "step"));
}

// _core.Blocks, or an array of this dtype and rank.
inline Blocks blocks_from_python(nb::handle value, DType dtype, int64_t rank = kAnyRank) {
  if (nb::isinstance<Blocks>(value)) return nb::cast<Blocks>(value);
  return tensor_of_dtype(value, dtype, "inputs", rank);
}

}  // namespace weft::python
