// weft.SparseTensor.

#include "convert_parts.h"

namespace weft::python {
namespace {

// Built once for each Python object: a parsed VarLenFeature holds row_splits instead.
Array indices_of(nb::handle self) {
  nb::object cache = self.attr("__dict__");
  nb::object found = cache.attr("get")("indices");
  if (!found.is_none()) return nb::borrow<Array>(found);
  found = tensor_to_python(nb::cast<const SparseTensor&>(self).indices(), Access::kReadOnly);
  cache["indices"] = found;
  return nb::borrow<Array>(found);
}

Array dense_shape_of(const SparseTensor& self) {
  const Shape& shape = self.dense_shape();
  return tensor_to_python(Tensor::of<int64_t>({self.rank()}, std::span<const int64_t>(shape)));
}

nb::object rows_of(const SparseTensor& self) {
  if (self.rows() == nullptr) return nb::none();
  return nb::cast(Ragged(*self.rows()));
}

bool same(const SparseTensor& a, const SparseTensor& b) {
  return a.dense_shape() == b.dense_shape() && same_elements(a.indices(), b.indices()) &&
         same_elements(a.values(), b.values());
}

nb::tuple reduce(nb::handle self) {
  const auto& sparse = nb::cast<const SparseTensor&>(self);
  if (sparse.rows() != nullptr) {
    nb::object restore = nb::module_::import_("weft.ragged").attr("_restore_sparse");
    return nb::make_tuple(restore, nb::make_tuple(rows_of(sparse)));
  }
  nb::object restore = nb::module_::import_("weft.ragged").attr("_restore_indexed");
  return nb::make_tuple(
      restore, nb::make_tuple(self.attr("indices"), self.attr("values"), self.attr("dense_shape")));
}

// They are copied in any case, so that any layout will do: numpy.argwhere gives columns.
Tensor indices_from_python(nb::handle value, size_t rank) {
  nb::object indices = nb::borrow(value);
  if (nb::hasattr(value, "__array_interface__"))
    indices = nb::module_::import_("numpy").attr("ascontiguousarray")(value);
  Tensor at = tensor_from_python(indices, "indices", DType::kInt64);
  // No indices at all: numpy and lists cannot say how wide none of them would be.
  if (at.size() == 0 && at.rank() == 1)
    return Tensor(DType::kInt64, {0, static_cast<int64_t>(rank)});
  return at;
}

}  // namespace

void bind_sparse(nb::module_& m) {
  nb::class_<SparseTensor> type(
      m, "SparseTensor", nb::dynamic_attr(),
      "Values at indices of an array of dense_shape. As tf.SparseTensor.\n\n"
      "Immutable. `==` compares indices, values and shape and gives one bool.");
  type.def(
      "__init__",
      [](SparseTensor* self, nb::handle indices, nb::handle values, nb::handle dense_shape) {
        Shape shape = shape_from_python(dense_shape, "dense_shape");
        const Tensor at = indices_from_python(indices, shape.size());
        new (self) SparseTensor(at, tensor_from_python(values, "values"), std::move(shape));
      },
      nb::arg("indices").none(), nb::arg("values").none(), nb::arg("dense_shape").none(),
      "`indices` int64 [N, rank] in row-major order without repeats, `values` [N], `dense_shape` "
      "[rank].");
  type.def_static(
      "_unordered",
      [](nb::handle indices, nb::handle values, nb::handle dense_shape) {
        Shape shape = shape_from_python(dense_shape, "dense_shape");
        const Tensor at = indices_from_python(indices, shape.size());
        return SparseTensor::unordered(at, tensor_from_python(values, "values"), std::move(shape));
      },
      nb::arg("indices"), nb::arg("values"), nb::arg("dense_shape"),
      "With indices that may repeat and stand in any order, as a parsed SparseFeature's may.");
  type.def_static(
      "from_rows",
      [](nb::handle rows) { return SparseTensor::from_ragged(ragged_from_python(rows, "rows")); },
      nb::arg("rows").none(), "Without holes, of rank 1 + the Ragged's levels.");
  type.def_prop_ro("indices", &indices_of,
                   "int64 [N, rank], read-only; built when first asked for.");
  type.def_prop_ro(
      "values", [](const SparseTensor& self) { return tensor_to_python(self.values()); },
      "[N]; strings as an object array of bytes.");
  type.def_prop_ro("dense_shape", &dense_shape_of, "int64 [rank].");
  type.def_prop_ro("shape",
                   [](const SparseTensor& self) { return shape_to_python(self.dense_shape()); });
  type.def_prop_ro(
      "dtype", [](const SparseTensor& self) { return dtype_to_python(self.dtype()); },
      nb::for_getter(nb::sig("def dtype(self, /) -> DType")));
  type.def_prop_ro("rows", &rows_of,
                   "The rows as a Ragged, if this was made from rows; None otherwise.");
  type.def(
      "__eq__",
      [](const SparseTensor& self, nb::handle other) -> nb::object {
        if (!nb::isinstance<SparseTensor>(other)) return nb::borrow(Py_NotImplemented);
        return nb::bool_(same(self, nb::cast<const SparseTensor&>(other)));
      },
      nb::arg("other").none(), nb::is_operator());
  type.attr("__hash__") = nb::none();
  type.def("__reduce__", &reduce);
}

}  // namespace weft::python
