// Metrics; the classes that users see are in weft/metrics.py.
#include <optional>

#include "convert.h"
#include "weft/metric.h"

namespace weft::python {
namespace {

std::optional<Tensor> weight_from_python(nb::handle value) {
  if (value.is_none()) return {};
  return tensor_from_python(value, "sample_weight");
}

// What all metrics have.
template <class Metric>
nb::class_<Shared<Metric>> bind_counted(nb::module_& m, const char* name) {
  using Self = Shared<Metric>;
  return nb::class_<Self>(m, name)
      .def("merge",
           [](Self& self, Self& other) {
             const Metric taken = other.with([](const Metric& metric) { return metric; });
             self.with([&](Metric& metric) { metric.merge(taken); });
           })
      .def("result",
           [](Self& self) {
             return self.with([](const Metric& metric) { return metric.result(); });
           })
      .def(
          "state",
          [](Self& self) {
            return tensor_to_python(self.with([](const Metric& metric) { return metric.state(); }));
          })
      .def("load_state", [](Self& self, nb::handle state) {
        const Tensor given = tensor_of_dtype(state, DType::kFloat64, "state");
        self.with([&](Metric& metric) { metric.load_state(given); });
      });
}

// Those that compare labels and predictions.
template <class Metric>
nb::class_<Shared<Metric>> bind_metric_of(nb::module_& m, const char* name) {
  return bind_counted<Metric>(m, name).def(
      "update",
      [](Shared<Metric>& self, nb::handle labels, nb::handle predictions,
         nb::handle sample_weight) {
        const Tensor y = tensor_from_python(labels, "y_true");
        const Tensor x = tensor_from_python(predictions, "y_pred");
        const std::optional<Tensor> weight = weight_from_python(sample_weight);
        self.with([&](Metric& metric) { metric.update(y, x, weight ? &*weight : nullptr); });
      },
      nb::arg("y_true").none(), nb::arg("y_pred").none(), nb::arg("sample_weight").none());
}

}  // namespace

void bind_metric(nb::module_& m) {
  bind_counted<Mean>(m, "Mean")
      .def(nb::init<>())
      .def(
          "update",
          [](Shared<Mean>& self, nb::handle values, nb::handle sample_weight) {
            const Tensor x = tensor_from_python(values, "values");
            const std::optional<Tensor> weight = weight_from_python(sample_weight);
            self.with([&](Mean& mean) { mean.update(x, weight ? &*weight : nullptr); });
          },
          nb::arg("values").none(), nb::arg("sample_weight").none());
  bind_metric_of<Accuracy>(m, "Accuracy").def(nb::init<double>());
  bind_metric_of<AUC>(m, "AUC").def(nb::init<>());
  bind_metric_of<RecallAtK>(m, "RecallAtK").def(nb::init<int64_t>());
  bind_metric_of<NDCGAtK>(m, "NDCGAtK").def(nb::init<int64_t>());
}

}  // namespace weft::python
