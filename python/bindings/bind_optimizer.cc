// _core.Optimizer; the classes that users see are in weft/optimizers.
#include <optional>

#include "convert_gradient.h"
#include "weft/optimizer.h"

namespace weft::python {
namespace {

double number(nb::dict fields, const char* name) { return nb::cast<double>(fields[name]); }
bool flag(nb::dict fields, const char* name) { return nb::cast<bool>(fields[name]); }

std::optional<double> optional_number(nb::dict fields, const char* name) {
  if (fields[name].is_none()) return {};
  return number(fields, name);
}

OptimizerRule rule_of(std::string_view kind, nb::dict f) {
  using namespace optimizers;  // NOLINT(google-build-using-namespace)
  if (kind == "sgd") return SGD{number(f, "momentum"), flag(f, "nesterov")};
  if (kind == "rmsprop") {
    return RMSprop{number(f, "rho"), number(f, "momentum"), number(f, "epsilon"),
                   flag(f, "centered")};
  }
  if (kind == "adagrad")
    return Adagrad{number(f, "initial_accumulator_value"), number(f, "epsilon")};
  if (kind == "adam")
    return Adam{number(f, "beta_1"), number(f, "beta_2"), number(f, "epsilon"), flag(f, "amsgrad")};
  if (kind == "ftrl") {
    return Ftrl{number(f, "learning_rate_power"),
                number(f, "initial_accumulator_value"),
                number(f, "l1_regularization_strength"),
                number(f, "l2_regularization_strength"),
                number(f, "l2_shrinkage_regularization_strength"),
                number(f, "beta")};
  }
  throw InvalidArgument("unknown optimizer '" + escape_bytes(kind) + "'");
}

using Self = Shared<Optimizer>;

void make_optimizer(Self* self, const std::string& kind, nb::dict fields) {
  new (self) Self(rule_of(kind, fields),
                  OptimizerOptions{.weight_decay = optional_number(fields, "weight_decay"),
                                   .clipnorm = optional_number(fields, "clipnorm"),
                                   .global_clipnorm = optional_number(fields, "global_clipnorm"),
                                   .clipvalue = optional_number(fields, "clipvalue"),
                                   .lazy = flag(fields, "lazy")});
}

// `updates`: (name, weight, gradient) each.
void apply(Self& self, nb::list updates, double learning_rate) {
  std::vector<Gradient> gradients;
  gradients.reserve(updates.size());
  std::vector<WeightUpdate> taken;
  for (nb::handle update : updates) {
    std::string name(text_from_python(update[0], "name"));
    gradients.push_back(gradient_from_python(update[2], "a gradient"));
    Tensor value = writable_tensor_from_python(update[1], name.c_str());
    taken.push_back({std::move(name), std::move(value), &gradients.back()});
  }
  self.with([&](Optimizer& optimizer) { optimizer.apply(taken, learning_rate); });
}

nb::list state_of(Self& self) {
  nb::list made;
  const auto state = self.with([](const Optimizer& optimizer) { return optimizer.state(); });
  for (const auto& [name, value] : state)
    made.append(nb::make_tuple(text_to_python(name), tensor_to_python(value)));
  return made;
}

void load_state(Self& self, nb::list state) {
  std::vector<std::pair<std::string, Tensor>> taken;
  for (nb::handle entry : state) {
    std::string name(text_from_python(entry[0], "name"));
    Tensor value = tensor_from_python(entry[1], name.c_str());
    taken.emplace_back(std::move(name), std::move(value));
  }
  self.with([&](Optimizer& optimizer) { optimizer.load_state(taken); });
}

}  // namespace

void bind_optimizer(nb::module_& m) {
  nb::class_<Self>(m, "Optimizer")
      .def("__init__", &make_optimizer)
      .def_prop_ro(
          "iterations",
          [](Self& self) {
            return self.with([](const Optimizer& optimizer) { return optimizer.iterations(); });
          })
      .def("apply", &apply)
      .def("state", &state_of)
      .def("load_state", &load_state);
}

}  // namespace weft::python
