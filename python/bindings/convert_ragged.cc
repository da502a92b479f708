// Ragged data, sparse data and batches.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "convert_arrow.h"
#include "convert_parts.h"
#include "convert_strings.h"

namespace weft::python {
namespace {

bool is_sequence(nb::handle value) {
  return PyList_Check(value.ptr()) || PyTuple_Check(value.ptr());
}

int64_t rank_of(nb::handle value) {
  return nb::hasattr(value, "ndim") ? nb::cast<int64_t>(value.attr("ndim")) : -1;
}

// (padded array, lengths): a pair whose first is of rank >= 2 and whose second is an array of rank
// 1 or a list of ints. Never two rows of a batch, which would have one rank.
bool is_padded_pair(nb::handle value) {
  if (!PyTuple_Check(value.ptr()) || PyTuple_Size(value.ptr()) != 2) return false;
  PyObject* lengths = PyTuple_GetItem(value.ptr(), 1);
  const bool is_list = PyList_Check(lengths) != 0 && PyList_Size(lengths) > 0 &&
                       PyLong_Check(PyList_GetItem(lengths, 0)) != 0;
  return rank_of(PyTuple_GetItem(value.ptr(), 0)) >= 2 && (is_list || rank_of(lengths) == 1);
}

Ragged ragged_from_pair(nb::handle value, const char* argument) {
  const Tensor padded = tensor_from_python(nb::handle(PyTuple_GetItem(value.ptr(), 0)), argument);
  const Tensor lengths = tensor_from_python(nb::handle(PyTuple_GetItem(value.ptr(), 1)), argument);
  return ragged_from_padded(padded, lengths, argument);
}

// None or NaN, which pandas has where a row is missing.
bool is_missing(nb::handle row) {
  return row.is_none() ||
         (PyFloat_Check(row.ptr()) != 0 && std::isnan(PyFloat_AsDouble(row.ptr())));
}

// The rows of an object array that holds rows, as a pandas column of lists does: those that are
// missing are empty. Nothing for other arrays.
std::optional<nb::list> rows_of_array(nb::handle value) {
  if (rank_of(value) != 1 || PyObject_CheckBuffer(value.ptr()) == 0 || !nb::hasattr(value, "dtype"))
    return std::nullopt;
  if (nb::cast<std::string_view>(value.attr("dtype").attr("kind")) != "O") return std::nullopt;
  nb::list rows(value.attr("tolist")());
  bool any = false;
  for (size_t i = 0; i < rows.size(); ++i) {
    nb::object row = rows[i];
    if (is_missing(row)) {
      rows[i] = nb::list();
    } else if (is_sequence(row) || rank_of(row) >= 1) {
      any = true;
    } else {
      return std::nullopt;
    }
  }
  if (!any) return std::nullopt;
  return rows;
}

// Nothing for lists and for what is plain memory.
std::optional<Feature> feature_unless_dense(nb::handle value, const char* argument) {
  if (nb::isinstance<Ragged>(value)) return nb::cast<const Ragged&>(value);
  if (nb::isinstance<SparseTensor>(value)) return nb::cast<const SparseTensor&>(value);
  if (is_padded_pair(value)) return ragged_from_pair(value, argument);
  if (const std::optional<nb::list> rows = rows_of_array(value))
    return ragged_from_lists(*rows, argument, DType::kInt64);
  return feature_from_guest(value, argument);
}

Tensor padded_splits(const Tensor& lengths, int64_t steps, const char* argument) {
  const Tensor own = as_int64(lengths, (std::string("the lengths of '") + argument + "'").c_str());
  Tensor splits = Tensor::zeros(DType::kInt64, {lengths.size() + 1});
  auto to = splits.mutable_values<int64_t>();
  for (int64_t i = 0; i < lengths.size(); ++i) {
    const int64_t length = own.values<int64_t>()[static_cast<size_t>(i)];
    if (length < 0 || length > steps) {
      throw InvalidArgument(std::string("'") + argument + "': length " + std::to_string(length) +
                            " of row " + std::to_string(i) + " is outside [0, " +
                            std::to_string(steps) + "]");
    }
    to[static_cast<size_t>(i) + 1] = to[static_cast<size_t>(i)] + length;
  }
  return splits;
}

// The steps of `padded` [B, T, inner...] that `splits` keep, as [N, inner...].
Tensor kept_steps(const Tensor& padded, std::span<const int64_t> splits) {
  Shape shape(padded.shape().begin() + 1, padded.shape().end());
  const int64_t steps = padded.dim(1);
  shape[0] = splits.back();
  const int64_t inner = padded.size() / std::max<int64_t>(padded.dim(0) * steps, 1);
  const bool is_string = padded.dtype() == DType::kString;
  std::vector<std::string_view> strings;
  Buffer block = Buffer::allocate(splits.back() * inner * dtype_size(padded.dtype()));
  for (size_t row = 0; row + 1 < splits.size(); ++row) {
    const int64_t first = static_cast<int64_t>(row) * steps * inner,
                  count = (splits[row + 1] - splits[row]) * inner;
    const int64_t size = dtype_size(padded.dtype());
    if (is_string) {
      for (int64_t i = first; i < first + count; ++i) strings.push_back(padded.bytes()[i]);
    } else if (count > 0) {
      std::memcpy(block.mutable_data() + splits[row] * inner * size,
                  padded.buffer().data() + first * size, static_cast<size_t>(count * size));
    }
  }
  if (is_string) return Tensor::strings(std::move(shape), Bytes::from(strings));
  return Tensor::from_buffer(padded.dtype(), std::move(shape), std::move(block));
}

}  // namespace

Ragged ragged_from_padded(const Tensor& padded, const Tensor& lengths, const char* argument) {
  if (padded.rank() < 2 || lengths.rank() != 1 || lengths.dim(0) != padded.dim(0)) {
    throw InvalidArgument(std::string("'") + argument +
                          "' must be a padded array [B, T, ...] with lengths [B], got shapes " +
                          shape_string(padded.shape()) + " and " + shape_string(lengths.shape()));
  }
  Tensor splits = padded_splits(lengths, padded.dim(1), argument);
  Tensor values = kept_steps(padded, splits.values<int64_t>());
  return Ragged::trusted(std::move(values), {std::move(splits)});
}

Ragged ragged_from_python(nb::handle value, const char* argument, DType empty) {
  if (is_sequence(value) && !is_padded_pair(value))
    return ragged_from_lists(value, argument, empty);
  std::optional<Feature> feature = feature_unless_dense(value, argument);
  if (feature && std::holds_alternative<Ragged>(*feature))
    return std::get<Ragged>(*std::move(feature));
  throw WrongType(std::string("'") + argument +
                  "' must be a weft.Ragged, nested lists or (padded array, lengths), got " +
                  describe(value));
}

nb::list lists_from_ragged(const Ragged& ragged) {
  nb::object items = tensor_to_python(ragged.values()).attr("tolist")();
  for (int64_t level = ragged.levels(); level-- > 0;) {
    const auto splits = ragged.row_splits(level);
    nb::object rows = nb::steal(PyList_New(static_cast<Py_ssize_t>(splits.size()) - 1));
    if (!rows.is_valid()) throw nb::python_error();
    for (size_t i = 0; i + 1 < splits.size(); ++i) {
      PyObject* row = PyList_GetSlice(items.ptr(), splits[i], splits[i + 1]);
      if (row == nullptr) throw nb::python_error();
      PyList_SetItem(rows.ptr(), static_cast<Py_ssize_t>(i), row);
    }
    items = std::move(rows);
  }
  return nb::list(std::move(items));
}

Feature feature_from_python(nb::handle value, const char* name) {
  // Before anything asks it for an attribute that makes the array.
  if (nb::isinstance<StringArray>(value)) return *tensor_from_memory(value, name);
  if (std::optional<Feature> feature = feature_unless_dense(value, name))
    return *std::move(feature);
  if (is_sequence(value)) return feature_from_lists(value, name);
  if (std::optional<Tensor> tensor = tensor_from_memory(value, name)) return *std::move(tensor);
  throw WrongType(std::string("feature '") + name +
                  "' must be a weft.Ragged, a weft.SparseTensor, an array or nested lists, got " +
                  describe(value));
}

nb::object feature_to_python(Feature feature) {
  if (const auto* tensor = std::get_if<Tensor>(&feature)) return tensor_to_python(*tensor);
  if (auto* ragged = std::get_if<Ragged>(&feature)) return nb::cast(std::move(*ragged));
  return nb::cast(std::move(std::get<SparseTensor>(feature)));
}

Features features_from_python(nb::handle batch, const char* argument) {
  const bool is_mapping = PyMapping_Check(batch.ptr()) != 0 && nb::hasattr(batch, "keys");
  if (!is_mapping && is_arrow(batch)) {
    ArrowReader reader = reader_from_arrow(batch, std::nullopt);
    return without_gil([&] { return reader.read_all(); });
  }
  if (!is_mapping) {
    throw WrongType(std::string("'") + argument +
                    "' must be a dict from feature name to feature, a DataFrame or an Arrow table, "
                    "got " +
                    describe(batch));
  }
  Features features;
  for (nb::handle item : nb::borrow<nb::mapping>(batch).items()) {
    const std::string name(text_from_python(item[0], "feature name"));
    features.emplace(name, feature_from_python(item[1], name.c_str()));
  }
  return features;
}

nb::dict features_to_python(Features features) {
  nb::dict dict;
  for (auto& [name, feature] : features) {
    const auto* strings = std::get_if<Tensor>(&feature);
    const bool lazy =
        strings != nullptr && strings->dtype() == DType::kString && strings->rank() > 0;
    dict[text_to_python(name)] =
        lazy ? nb::cast(StringArray{*strings}) : feature_to_python(std::move(feature));
  }
  return dict;
}

}  // namespace weft::python
