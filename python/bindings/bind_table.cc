#include "convert_gradient.h"
#include "weft/table.h"

namespace weft::python {
namespace {

double number_from_python(nb::handle value, const char* argument) {
  if (PyFloat_Check(value.ptr()) == 0 && PyIndex_Check(value.ptr()) != 0)
    return static_cast<double>(int_from_python(value, argument));
  if (!nb::hasattr(value, "__float__"))
    throw WrongType(std::string("'") + argument + "' must be a number, got " + describe(value));
  return nb::cast<double>(nb::float_(value));
}

EmbeddingTable table_from_python(nb::handle table, nb::handle combiner, nb::handle max_norm) {
  LookupOptions options;
  options.combiner = combiner_from(text_from_python(combiner, "combiner"));
  if (!max_norm.is_none()) options.max_norm = number_from_python(max_norm, "max_norm");
  return EmbeddingTable(tensor_from_python(table, "table"), options);
}

// One per id of a Ragged, or none.
std::optional<Tensor> weights_from_python(nb::handle weights) {
  if (weights.is_none()) return {};
  return tensor_of_dtype(weights, DType::kFloat32, "weights", 1);
}

nb::object lookup_any(nb::handle table, nb::handle ids, nb::handle weights, nb::handle combiner,
                      nb::handle max_norm) {
  const EmbeddingTable rows = table_from_python(table, combiner, max_norm);
  const Ragged* ragged = nullptr;
  if (nb::try_cast(ids, ragged) && ragged != nullptr) {
    const std::optional<Tensor> given = weights_from_python(weights);
    return tensor_to_python(
        without_gil([&] { return lookup(rows, *ragged, given ? &*given : nullptr); }));
  }
  if (!weights.is_none()) throw InvalidArgument("'weights' belong to ragged 'ids'");
  const Tensor one_each = tensor_of_dtype(ids, DType::kInt64, "ids");
  return tensor_to_python(without_gil([&] { return lookup(rows, one_each); }));
}

nb::object lookup_backward_any(nb::handle table, nb::handle ids, nb::handle grad,
                               nb::handle weights, nb::handle combiner, nb::handle max_norm) {
  const EmbeddingTable rows = table_from_python(table, combiner, max_norm);
  const Tensor given = tensor_of_dtype(grad, rows.dtype(), "grad");
  const Ragged* ragged = nullptr;
  if (nb::try_cast(ids, ragged) && ragged != nullptr) {
    const std::optional<Tensor> taken = weights_from_python(weights);
    return nb::cast(without_gil(
        [&] { return lookup_backward(rows, *ragged, taken ? &*taken : nullptr, given); }));
  }
  if (!weights.is_none()) throw InvalidArgument("'weights' belong to ragged 'ids'");
  const Tensor one_each = tensor_of_dtype(ids, DType::kInt64, "ids");
  return nb::cast(without_gil([&] { return lookup_backward(rows, one_each, given); }));
}

}  // namespace

void bind_table(nb::module_& m) {
  m.def("lookup", &lookup_any, nb::arg("table").none(), nb::arg("ids").none(),
        nb::arg("weights").none(), nb::arg("combiner").none(), nb::arg("max_norm").none());
  m.def("lookup_backward", &lookup_backward_any, nb::arg("table").none(), nb::arg("ids").none(),
        nb::arg("grad").none(), nb::arg("weights").none(), nb::arg("combiner").none(),
        nb::arg("max_norm").none());
}

}  // namespace weft::python
