// weft.IndexedSlices.
#include <algorithm>

#include "convert_gradient.h"

namespace weft::python {
namespace {

IndexedSlices slices_of(nb::handle ids, nb::handle values, nb::handle dense_shape) {
  const Tensor given = tensor_of_dtype(ids, DType::kInt64, "ids", 1);
  // A copy: what is checked here must stay so.
  IndexedSlices made{Tensor::of<int64_t>(given.shape(), given.values<int64_t>()),
                     tensor_from_python(values, "values"),
                     shape_from_python(dense_shape, "dense_shape")};
  if (made.values.dtype() != DType::kFloat32 && made.values.dtype() != DType::kFloat64)
    throw WrongType("'values' must be float32 or float64, got " + describe(values));
  Shape rows = made.dense_shape;
  if (!rows.empty()) rows[0] = made.ids.size();
  if (rows.empty() || rows.size() > 2 || made.values.shape() != rows) {
    throw InvalidArgument("'values' are one row for each id, [" + std::to_string(made.ids.size()) +
                          ", D], and 'dense_shape' is (V, D), or [" +
                          std::to_string(made.ids.size()) + "] and (V,), got shapes " +
                          shape_string(made.values.shape()) + " and " +
                          shape_string(made.dense_shape));
  }
  int64_t least = 0;
  for (int64_t id : made.ids.values<int64_t>()) {
    if (id < least || id >= made.dense_shape[0]) {
      throw InvalidArgument("'ids' must rise from 0 to less than " +
                            std::to_string(made.dense_shape[0]) + ", each once, but " +
                            std::to_string(id) + " does not");
    }
    least = id + 1;
  }
  return made;
}

}  // namespace

nb::object gradient_to_python(const Gradient& gradient) {
  if (const auto* slices = std::get_if<IndexedSlices>(&gradient)) return nb::cast(*slices);
  return tensor_to_python(std::get<Tensor>(gradient));
}

nb::list gradients_to_python(std::span<const Gradient> gradients) {
  nb::list made;
  for (const Gradient& gradient : gradients) made.append(gradient_to_python(gradient));
  return made;
}

Gradient gradient_from_python(nb::handle value, const char* argument) {
  if (nb::isinstance<IndexedSlices>(value)) return nb::cast<IndexedSlices>(value);
  return tensor_from_python(value, argument);
}

std::optional<Tensor> grad_from_python(nb::handle value, DType dtype, const char* argument) {
  if (value.is_none()) return {};
  return tensor_of_dtype(value, dtype, argument);
}

void bind_gradient(nb::module_& m) {
  nb::class_<IndexedSlices>(
      m, "IndexedSlices",
      "The gradient of a table [V, D], or of a bias [V], whose other rows are zeros, as "
      "tf.IndexedSlices; but each id stands once, and they rise.\n\n"
      "Raises ValueError for ids that do not, or shapes that do not fit, TypeError for another "
      "dtype.")
      .def(
          "__init__",
          [](IndexedSlices* self, nb::handle ids, nb::handle values, nb::handle dense_shape) {
            new (self) IndexedSlices(slices_of(ids, values, dense_shape));
          },
          nb::arg("ids").none(), nb::arg("values").none(), nb::arg("dense_shape").none())
      .def_prop_ro(
          "ids", [](const IndexedSlices& self) { return tensor_to_python(self.ids); }, "int64 [n].")
      .def_prop_ro(
          "values", [](const IndexedSlices& self) { return tensor_to_python(self.values); },
          "float32 or float64 [n, D] or [n].")
      .def_prop_ro(
          "dense_shape",
          [](const IndexedSlices& self) { return shape_to_python(self.dense_shape); },
          "(V, D) or (V,).")
      .def(
          "to_dense", [](const IndexedSlices& self) { return tensor_to_python(self.to_dense()); },
          "The whole array.")
      .def("__reduce__",
           [](nb::handle self) {
             return nb::make_tuple(
                 self.type(),
                 nb::make_tuple(self.attr("ids"), self.attr("values"), self.attr("dense_shape")));
           })
      .def("__repr__", [](const IndexedSlices& self) {
        return "<IndexedSlices " + std::to_string(self.ids.size()) + " rows of " +
               shape_string(self.dense_shape) + ", " + dtype_name(self.values.dtype()) + ">";
      });
  m.def(
      "all_finite",
      [](nb::list gradients) {
        std::vector<Gradient> given;
        for (nb::handle gradient : gradients)
          given.push_back(gradient_from_python(gradient, "gradients"));
        return without_gil([&] {
          return std::ranges::all_of(given, [](const Gradient& one) { return all_finite(one); });
        });
      },
      nb::arg("gradients"), "Whether no gradient of the list has NaN or infinity.");
  m.def("add_gradients", [](nb::handle a, nb::handle b) {
    const Gradient one = gradient_from_python(a, "a"), other = gradient_from_python(b, "b");
    return gradient_to_python(without_gil([&] { return add(one, other); }));
  });
}

}  // namespace weft::python
