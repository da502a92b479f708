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
nb::class_<Metric> bind_counted(nb::module_& m, const char* name) {
  return nb::class_<Metric>(m, name)
      .def("merge", &Metric::merge)
      .def("result", [](const Metric& self) { return without_gil([&] { return self.result(); }); })
      .def("state", [](const Metric& self) { return tensor_to_python(self.state()); })
      .def("load_state", [](Metric& self, nb::handle state) {
        self.load_state(tensor_of_dtype(state, DType::kFloat64, "state"));
      });
}

// Those that compare labels and predictions.
template <class Metric>
nb::class_<Metric> bind_metric_of(nb::module_& m, const char* name) {
  return bind_counted<Metric>(m, name).def(
      "update",
      [](Metric& self, nb::handle labels, nb::handle predictions, nb::handle sample_weight) {
        const Tensor y = tensor_from_python(labels, "y_true");
        const Tensor x = tensor_from_python(predictions, "y_pred");
        const std::optional<Tensor> weight = weight_from_python(sample_weight);
        without_gil([&] { self.update(y, x, weight ? &*weight : nullptr); });
      },
      nb::arg("y_true").none(), nb::arg("y_pred").none(), nb::arg("sample_weight").none());
}

}  // namespace

void bind_metric(nb::module_& m) {
  bind_counted<Mean>(m, "Mean")
      .def(nb::init<>())
      .def(
          "update",
          [](Mean& self, nb::handle values, nb::handle sample_weight) {
            const Tensor x = tensor_from_python(values, "values");
            const std::optional<Tensor> weight = weight_from_python(sample_weight);
            without_gil([&] { self.update(x, weight ? &*weight : nullptr); });
          },
          nb::arg("values").none(), nb::arg("sample_weight").none());
  bind_metric_of<Accuracy>(m, "Accuracy").def(nb::init<double>());
  bind_metric_of<AUC>(m, "AUC").def(nb::init<>());
  bind_metric_of<RecallAtK>(m, "RecallAtK").def(nb::init<int64_t>());
  bind_metric_of<NDCGAtK>(m, "NDCGAtK").def(nb::init<int64_t>());
}

}  // namespace weft::python
