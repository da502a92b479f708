// weft.Ragged; weft.SparseTensor is in bind_sparse.cc.
#include <algorithm>
#include <cstring>

#include "convert_parts.h"

namespace weft::python {
namespace {

// One level's splits or lengths: an int64 or int32 array, or a list of ints.
std::vector<Tensor> levels_from_python(nb::handle value, const char* argument) {
  std::vector<Tensor> levels;
  if (PyList_Check(value.ptr()) || PyTuple_Check(value.ptr())) {
    for (nb::handle level : value)
      levels.push_back(tensor_from_python(level, argument, DType::kInt64));
    return levels;
  }
  throw WrongType(std::string("'") + argument +
                  "' must be a list with one array for each level, got " + describe(value));
}

std::vector<Tensor> all_splits(const Ragged& ragged) {
  std::vector<Tensor> splits;
  for (int64_t level = 0; level < ragged.levels(); ++level)
    splits.push_back(ragged.row_splits_tensor(level));
  return splits;
}

using Make = Ragged (*)(Tensor, std::span<const Tensor>);

// `values` may be ragged itself: then `levels` come before its own.
Ragged make_ragged(Make make, nb::handle values, std::vector<Tensor> levels) {
  if (!nb::isinstance<Ragged>(values)) return make(tensor_from_python(values, "values"), levels);
  const auto& inner = nb::cast<const Ragged&>(values);
  std::vector<Tensor> splits = all_splits(make(Tensor(DType::kUInt8, {inner.rows(), 0}), levels));
  std::ranges::move(all_splits(inner), std::back_inserter(splits));
  return Ragged::trusted(inner.values(), std::move(splits));
}

// Elements [begin, end) along the first dimension; numeric memory is shared.
Tensor sliced(const Tensor& values, int64_t begin, int64_t end) {
  Shape shape = values.shape();
  const int64_t inner = values.size() / std::max<int64_t>(shape[0], 1);
  shape[0] = end - begin;
  if (values.dtype() == DType::kString) {
    std::vector<std::string_view> strings;
    for (int64_t i = begin * inner; i < end * inner; ++i) strings.push_back(values.bytes()[i]);
    return Tensor::strings(std::move(shape), Bytes::from(strings));
  }
  const int64_t size = inner * dtype_size(values.dtype());
  Buffer part = Buffer::borrow(values.buffer().data() + begin * size, (end - begin) * size,
                               values.buffer().owner());
  return Tensor::from_buffer(values.dtype(), std::move(shape), std::move(part));
}

// Rows [begin, end) of `level` and everything below them. Without any level left: their values.
Feature part_of(const Ragged& ragged, int64_t level, int64_t begin, int64_t end) {
  std::vector<Tensor> levels;
  for (; level < ragged.levels(); ++level) {
    const auto splits = ragged.row_splits(level).subspan(static_cast<size_t>(begin),
                                                         static_cast<size_t>(end - begin) + 1);
    Tensor part(DType::kInt64, {static_cast<int64_t>(splits.size())});
    std::ranges::transform(splits, part.mutable_values<int64_t>().begin(),
                           [&](int64_t at) { return at - splits[0]; });
    levels.push_back(std::move(part));
    begin = splits.front();
    end = splits.back();
  }
  Tensor values = sliced(ragged.values(), begin, end);
  if (levels.empty()) return values;
  return Ragged::trusted(std::move(values), std::move(levels));
}

nb::object item(const Ragged& ragged, nb::handle key) {
  if (PySlice_Check(key.ptr())) {
    Py_ssize_t start = 0, stop = 0, step = 0;
    if (PySlice_Unpack(key.ptr(), &start, &stop, &step) != 0) throw nb::python_error();
    const Py_ssize_t count = PySlice_AdjustIndices(ragged.rows(), &start, &stop, step);
    if (step != 1)
      throw InvalidArgument("a slice of a Ragged must have step 1, got " + std::to_string(step));
    return feature_to_python(part_of(ragged, 0, start, start + count));
  }
  const int64_t index = int_from_python(key, "index");
  const int64_t row = index < 0 ? index + ragged.rows() : index;
  if (row < 0 || row >= ragged.rows()) {
    throw nb::index_error(("row " + std::to_string(index) + " of a Ragged with " +
                           std::to_string(ragged.rows()) + " rows")
                              .c_str());
  }
  const auto splits = ragged.row_splits().subspan(static_cast<size_t>(row));
  return feature_to_python(part_of(ragged, 1, splits[0], splits[1]));
}

Array row_lengths(const Ragged& ragged, int64_t level) {
  const auto splits = ragged.row_splits(level);
  Tensor lengths(DType::kInt64, {static_cast<int64_t>(splits.size()) - 1});
  auto to = lengths.mutable_values<int64_t>();
  for (size_t i = 0; i < to.size(); ++i) to[i] = splits[i + 1] - splits[i];
  return tensor_to_python(lengths);
}

nb::tuple nested_row_splits(const Ragged& ragged) {
  nb::list levels;
  for (const Tensor& splits : all_splits(ragged))
    levels.append(tensor_to_python(splits, Access::kReadOnly));
  return nb::tuple(levels);
}

// The next level's rows, or the values where there is none.
nb::object values_of(const Ragged& ragged) {
  if (ragged.levels() == 1) return tensor_to_python(ragged.values());
  std::vector<Tensor> splits = all_splits(ragged);
  splits.erase(splits.begin());
  return nb::cast(Ragged::trusted(ragged.values(), std::move(splits)));
}

nb::tuple shape_of(const Ragged& ragged) {
  nb::list dims;
  dims.append(ragged.rows());
  for (int64_t level = 0; level < ragged.levels(); ++level) dims.append(nb::none());
  for (int64_t i = 1; i < ragged.values().rank(); ++i) dims.append(ragged.values().dim(i));
  return nb::tuple(dims);
}

bool same_rows(const Ragged& a, const Ragged& b) {
  if (a.levels() != b.levels()) return false;
  for (int64_t level = 0; level < a.levels(); ++level) {
    if (!std::ranges::equal(a.row_splits(level), b.row_splits(level))) return false;
  }
  return same_elements(a.values(), b.values());
}

void bind_makers(nb::class_<Ragged>& type) {
  type.def_static(
      "from_lists",
      [](nb::handle rows, nb::handle dtype) {
        if (dtype.is_none()) return ragged_from_lists(rows, "rows", DType::kFloat32);
        return ragged_from_lists_of(rows, dtype_from_python(dtype, "dtype"), "rows");
      },
      nb::arg("rows").none(), nb::arg("dtype") = nb::none(),
      "Rows given as nested lists of any depth (innermost rows may be numpy arrays).\n\n"
      "int becomes int64, float float32, str and bytes string, unless `dtype` says otherwise.");
  type.def_static(
      "from_row_splits",
      [](nb::handle values, nb::handle row_splits) {
        return make_ragged(&Ragged::from_row_splits, values,
                           {tensor_from_python(row_splits, "row_splits", DType::kInt64)});
      },
      nb::arg("values").none(), nb::arg("row_splits").none(),
      "Row i is values[row_splits[i]:row_splits[i + 1]]; `values` is an array or a Ragged.");
  type.def_static(
      "from_row_lengths",
      [](nb::handle values, nb::handle row_lengths) {
        return make_ragged(&Ragged::from_row_lengths, values,
                           {tensor_from_python(row_lengths, "row_lengths", DType::kInt64)});
      },
      nb::arg("values").none(), nb::arg("row_lengths").none(),
      "Row i is the next row_lengths[i] of `values`.");
  type.def_static(
      "from_nested_row_splits",
      [](nb::handle flat_values, nb::handle nested_row_splits) {
        return make_ragged(&Ragged::from_row_splits, flat_values,
                           levels_from_python(nested_row_splits, "nested_row_splits"));
      },
      nb::arg("flat_values").none(), nb::arg("nested_row_splits").none(),
      "One array of row_splits for each level, outermost first.");
  type.def_static(
      "from_nested_row_lengths",
      [](nb::handle flat_values, nb::handle nested_row_lengths) {
        return make_ragged(&Ragged::from_row_lengths, flat_values,
                           levels_from_python(nested_row_lengths, "nested_row_lengths"));
      },
      nb::arg("flat_values").none(), nb::arg("nested_row_lengths").none(),
      "One array of row lengths for each level, outermost first.");
  type.def_static(
      "from_tensor",
      [](nb::handle tensor, nb::handle lengths) {
        return ragged_from_padded(tensor_from_python(tensor, "tensor"),
                                  tensor_from_python(lengths, "lengths", DType::kInt64), "tensor");
      },
      nb::arg("tensor").none(), nb::arg("lengths").none(),
      "The first lengths[i] steps of row i of a padded array [B, T, ...]; copied.");
}

void bind_views(nb::class_<Ragged>& type) {
  type.def_prop_ro(
      "values", &values_of,
      "The rows laid end to end: an array, or a Ragged where rows are ragged themselves.");
  type.def_prop_ro(
      "flat_values", [](const Ragged& self) { return tensor_to_python(self.values()); },
      "The innermost values: an array over the memory itself; strings as an object array of "
      "bytes.");
  type.def_prop_ro(
      "row_splits",
      [](const Ragged& self) {
        return tensor_to_python(self.row_splits_tensor(0), Access::kReadOnly);
      },
      "int64 [rows + 1], read-only: row i is values[row_splits[i]:row_splits[i + 1]].");
  type.def_prop_ro("nested_row_splits", &nested_row_splits,
                   "row_splits of every level, outermost first.");
  type.def(
      "row_lengths", [](const Ragged& self) { return row_lengths(self, 0); },
      "int64 [rows], a new array.");
  type.def(
      "nested_row_lengths",
      [](const Ragged& self) {
        nb::list levels;
        for (int64_t level = 0; level < self.levels(); ++level)
          levels.append(row_lengths(self, level));
        return nb::tuple(levels);
      },
      "row_lengths of every level, outermost first.");
  type.def("nrows", &Ragged::rows, "Number of rows of the outermost level.");
  type.def_prop_ro("ragged_rank", &Ragged::levels, "Number of levels.");
  type.def_prop_ro("shape", &shape_of, "(rows, None, ...): None for each ragged dimension.");
  type.def_prop_ro(
      "dtype", [](const Ragged& self) { return dtype_to_python(self.dtype()); },
      nb::for_getter(nb::sig("def dtype(self, /) -> DType")));
  type.def(
      "_padded",
      [](const Ragged& self, nb::handle filler) {
        const Tensor element = tensor_from_python(filler, "default_value");
        return tensor_to_python(without_gil([&] { return to_tensor(self, element); }));
      },
      nb::arg("filler").none());
  type.def("to_lists", &lists_from_ragged, "Nested lists; strings as bytes.");
  type.def("to_list", &lists_from_ragged, "The same as to_lists, under TensorFlow's name.");
  type.def(
      "to_sparse", [](const Ragged& self) { return to_sparse(self); },
      "Every value at (row, step, ...).");
  type.def(
      "with_values",
      [](const Ragged& self, nb::handle values) {
        return self.with_values(tensor_from_python(values, "values"));
      },
      nb::arg("values").none(), "The same rows over other innermost values, of the same count.");
}

}  // namespace

bool same_elements(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || a.shape() != b.shape()) return false;
  if (a.dtype() == DType::kString) {
    for (int64_t i = 0; i < a.size(); ++i) {
      if (a.bytes()[i] != b.bytes()[i]) return false;
    }
    return true;
  }
  if (a.dtype() == DType::kFloat32) return std::ranges::equal(a.values<float>(), b.values<float>());
  if (a.dtype() == DType::kFloat64)
    return std::ranges::equal(a.values<double>(), b.values<double>());
  const auto bytes = static_cast<size_t>(a.size() * dtype_size(a.dtype()));
  return bytes == 0 || std::memcmp(a.buffer().data(), b.buffer().data(), bytes) == 0;
}

void bind_sparse(nb::module_& m);

void bind_ragged(nb::module_& m) {
  nb::class_<Ragged> type(
      m, "Ragged",
      "Rows of different lengths, nested to any number of levels. As tf.RaggedTensor.\n\n"
      "Immutable; made by the from_* functions. `==` compares rows and values and gives one bool.");
  bind_makers(type);
  bind_views(type);
  type.def("__len__", &Ragged::rows);
  type.def("__getitem__", &item, nb::arg("key").none());
  type.def(
      "__eq__",
      [](const Ragged& self, nb::handle other) -> nb::object {
        if (!nb::isinstance<Ragged>(other)) return nb::borrow(Py_NotImplemented);
        return nb::bool_(same_rows(self, nb::cast<const Ragged&>(other)));
      },
      nb::arg("other").none(), nb::is_operator());
  type.attr("__hash__") = nb::none();
  type.def("__reduce__", [](nb::handle self) {
    nb::object restore = nb::module_::import_("weft.ragged").attr("_restore_ragged");
    return nb::make_tuple(restore,
                          nb::make_tuple(self.attr("flat_values"), self.attr("nested_row_splits")));
  });
  bind_sparse(m);
  // What every layer does with its input, for the tests.
  m.def(
      "_features",
      [](nb::handle features) {
        return features_to_python(features_from_python(features, "features"));
      },
      nb::arg("features").none());
}

}  // namespace weft::python
