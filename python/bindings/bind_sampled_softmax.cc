// The sampled softmax; what users see is in weft/losses.py and weft/layers/sampled_softmax.py.
#include <optional>

#include "convert_gradient.h"
#include "weft/sampled_softmax.h"

namespace weft::python {
namespace {

ClassDistribution distribution_of(const std::string& name, nb::handle num_classes,
                                  nb::handle counts) {
  if (!counts.is_none()) return ClassDistribution::of_counts(tensor_from_python(counts, "counts"));
  const int64_t classes = int_from_python(num_classes, "num_classes");
  return name == "log_uniform" ? ClassDistribution::log_uniform(classes)
                               : ClassDistribution::uniform(classes);
}

// Any array-like of numbers, flat, in float64.
Tensor doubles_from_python(nb::handle value, const char* argument) {
  const Tensor given = tensor_from_python(value, argument);
  return as_floating(given.reshaped({given.size()}), DType::kFloat64, argument);
}

// (classes, expected counts of labels, of classes), in TensorFlow's order.
nb::tuple sampled_to_python(const SampledClasses& sampled) {
  return nb::make_tuple(tensor_to_python(sampled.classes), tensor_to_python(sampled.true_expected),
                        tensor_to_python(sampled.expected));
}

SampledClasses sampled_from_python(nb::handle value) {
  if (PyTuple_Check(value.ptr()) == 0 || nb::len(value) != 3) {
    throw WrongType(
        "'sampled_values' are (sampled_candidates, true_expected_count, sampled_expected_count), "
        "got " +
        describe(value));
  }
  const Tensor classes = tensor_from_python(value[0], "sampled_candidates", DType::kInt64);
  return {as_int64(classes.reshaped({classes.size()}), "sampled_candidates"),
          doubles_from_python(value[2], "sampled_expected_count"),
          doubles_from_python(value[1], "true_expected_count")};
}

// The weights [V, D], the biases [V] or none, and the inputs [B, D].
struct Scored {
  Tensor weights;
  std::optional<Tensor> biases;
  Tensor inputs;

  Scored(nb::handle of_weights, nb::handle of_biases, nb::handle of_inputs)
      : weights(tensor_from_python(of_weights, "weights")),
        inputs(tensor_from_python(of_inputs, "inputs")) {
    if (!of_biases.is_none()) biases = tensor_from_python(of_biases, "biases");
  }
  const Tensor* bias() const { return biases ? &*biases : nullptr; }
};

// (value, samples, gradient of inputs, of weights, of biases or None)
nb::tuple loss_of(nb::handle weights, nb::handle biases, nb::handle labels, nb::handle inputs,
                  nb::handle sampled, nb::handle sample_weight, bool remove_hits, bool sum) {
  const Scored scored(weights, biases, inputs);
  const Feature rows = feature_from_python(labels, "labels");
  const SampledClasses classes = sampled_from_python(sampled);
  SampledSoftmaxOptions options{.remove_accidental_hits = remove_hits,
                                .reduction = sum ? Reduction::kSum : Reduction::kMean};
  if (!sample_weight.is_none())
    options.sample_weight = tensor_from_python(sample_weight, "sample_weight");
  const SampledSoftmaxLoss loss = without_gil([&] {
    return sampled_softmax(scored.weights, scored.bias(), rows, scored.inputs, classes, options);
  });
  const nb::object of_biases = loss.biases ? nb::cast(*loss.biases) : nb::none();
  return nb::make_tuple(loss.value, tensor_to_python(loss.samples), tensor_to_python(loss.inputs),
                        nb::cast(loss.weights), of_biases);
}

}  // namespace

void bind_sampled_softmax(nb::module_& m) {
  nb::class_<ClassDistribution>(m, "ClassDistribution", "How likely each class is to be drawn.")
      .def(
          "__init__",
          [](ClassDistribution* self, const std::string& name, nb::handle num_classes,
             nb::handle counts) {
            new (self) ClassDistribution(distribution_of(name, num_classes, counts));
          },
          nb::arg("name"), nb::arg("num_classes"), nb::arg("counts").none())
      .def_prop_ro("num_classes", &ClassDistribution::num_classes)
      .def("sample",
           [](const ClassDistribution& self, nb::handle labels, nb::handle num_sampled,
              nb::handle seed, const std::string& name, nb::handle step) {
             const Feature rows = feature_from_python(labels, "labels");
             const SampleOptions options{
                 .num_sampled = int_from_python(num_sampled, "num_sampled"),
                 .seed = int_from_python(seed, "seed"),
                 .name = name,
                 .step = static_cast<uint64_t>(int_from_python(step, "step"))};
             return sampled_to_python(
                 without_gil([&] { return sample_classes(self, rows, options); }));
           })
      .def("of_batch", [](const ClassDistribution& self, nb::handle labels) {
        const Feature rows = feature_from_python(labels, "labels");
        return sampled_to_python(without_gil([&] { return batch_classes(self, rows); }));
      });
  m.def("sampled_softmax", &loss_of, nb::arg("weights").none(), nb::arg("biases").none(),
        nb::arg("labels").none(), nb::arg("inputs").none(), nb::arg("sampled_values").none(),
        nb::arg("sample_weight").none(), nb::arg("remove_accidental_hits"), nb::arg("sum"));
  m.def(
      "class_scores",
      [](nb::handle weights, nb::handle biases, nb::handle inputs) {
        const Scored scored(weights, biases, inputs);
        return tensor_to_python(without_gil(
            [&] { return class_scores(scored.weights, scored.bias(), scored.inputs); }));
      },
      nb::arg("weights").none(), nb::arg("biases").none(), nb::arg("inputs").none());
  m.def(
      "top_classes",
      [](nb::handle weights, nb::handle biases, nb::handle inputs, nb::handle k) {
        const Scored scored(weights, biases, inputs);
        const int64_t count = int_from_python(k, "k");
        const TopClasses top = without_gil(
            [&] { return top_classes(scored.weights, scored.bias(), scored.inputs, count); });
        return nb::make_tuple(tensor_to_python(top.ids), tensor_to_python(top.scores));
      },
      nb::arg("weights").none(), nb::arg("biases").none(), nb::arg("inputs").none(),
      nb::arg("k").none());
}

}  // namespace weft::python
