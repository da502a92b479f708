// One function for all losses; the classes that users see are in weft/losses.py.
#include <optional>

#include "convert.h"
#include "weft/loss.h"

namespace weft::python {
namespace {

using LossFunction = Loss (*)(const Tensor&, const Tensor&, const LossOptions&);

LossFunction loss_named(std::string_view name) {
  if (name == "binary_crossentropy") return &binary_crossentropy;
  if (name == "categorical_crossentropy") return &categorical_crossentropy;
  if (name == "sparse_categorical_crossentropy") return &sparse_categorical_crossentropy;
  if (name == "mean_squared_error") return &mean_squared_error;
  throw InvalidArgument("unknown loss '" + escape_bytes(name) + "'");
}

// (value, samples, gradient). `options`: sum, from_logits, label_smoothing.
nb::tuple loss_of(const std::string& name, nb::handle labels, nb::handle predictions,
                  nb::handle sample_weight, nb::dict given) {
  LossOptions options;
  if (!sample_weight.is_none())
    options.sample_weight = tensor_from_python(sample_weight, "sample_weight");
  options.reduction = nb::cast<bool>(given["sum"]) ? Reduction::kSum : Reduction::kMean;
  options.from_logits = nb::cast<bool>(given["from_logits"]);
  options.label_smoothing = nb::cast<double>(given["label_smoothing"]);
  const LossFunction function = loss_named(name);
  const Tensor y = tensor_from_python(labels, "y_true"),
               x = tensor_from_python(predictions, "y_pred");
  const Loss loss = without_gil([&] { return function(y, x, options); });
  return nb::make_tuple(loss.value, tensor_to_python(loss.samples),
                        tensor_to_python(loss.gradient));
}

}  // namespace

void bind_loss(nb::module_& m) {
  m.def("loss", &loss_of, nb::arg("name"), nb::arg("y_true").none(), nb::arg("y_pred").none(),
        nb::arg("sample_weight").none(), nb::arg("options"));
}

}  // namespace weft::python
