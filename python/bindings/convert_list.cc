// Lists, scalars, and arrays of strings.
#include <optional>

#include "convert_parts.h"
#include "list_reader.h"

namespace weft::python {
namespace {

// The shape of lists that are equally long at each level, followed by that of the innermost values.
Shape rectangle(const ListReader& lists, const Tensor& flat, const char* argument) {
  Shape shape;
  for (const auto& lengths : lists.lengths()) {
    for (int64_t length : lengths) {
      if (length != lengths.front()) {
        throw InvalidArgument(
            std::string("'") + argument + "' holds lists of lengths " +
            std::to_string(lengths.front()) + " and " + std::to_string(length) +
            " where an array is wanted: make all equally long, or use weft.Ragged.from_lists");
      }
    }
    shape.push_back(lengths.empty() ? 0 : lengths.front());
  }
  shape.insert(shape.end(), flat.shape().begin() + 1, flat.shape().end());
  return shape;
}

Ragged ragged_of(const ListReader& lists, Tensor values, const char* argument) {
  const auto& lengths = lists.lengths();
  const bool no_rows = lengths.size() == 1 && lengths[0][0] == 0;
  if (lengths.size() < 2 && !no_rows) {
    throw InvalidArgument(std::string("'") + argument +
                          "' must be a list of rows, each a list of its own");
  }
  std::vector<Tensor> levels;
  for (size_t level = 1; level < lengths.size(); ++level) {
    levels.push_back(
        Tensor::of<int64_t>({static_cast<int64_t>(lengths[level].size())}, lengths[level]));
  }
  if (no_rows) levels.emplace_back(DType::kInt64, Shape{0});
  return Ragged::from_row_lengths(std::move(values), levels);
}

}  // namespace

Tensor tensor_from_python(nb::handle value, const char* argument, DType empty) {
  if (std::optional<Tensor> tensor = tensor_from_memory(value, argument)) return *std::move(tensor);
  if (nb::isinstance<Ragged>(value) || nb::isinstance<SparseTensor>(value)) {
    throw WrongType(std::string("'") + argument + "' must be an array, got " + describe(value));
  }
  const ListReader lists(value, argument);
  Tensor flat = lists.values(empty);
  return flat.reshaped(rectangle(lists, flat, argument));
}

Tensor tensor_of_dtype(nb::handle value, DType dtype, const char* argument, int64_t rank) {
  std::optional<Tensor> tensor = tensor_from_memory(value, argument);
  if (tensor && tensor->dtype() != dtype) {
    throw WrongType(std::string("'") + argument + "' must be " + dtype_name(dtype) + ", got " +
                    describe(value));
  }
  if (!tensor) {
    const ListReader lists(value, argument);
    Tensor flat = lists.values_of(dtype);
    tensor = flat.reshaped(rectangle(lists, flat, argument));
  }
  if (rank != kAnyRank && tensor->rank() != rank) {
    throw InvalidArgument(std::string("'") + argument + "' must have rank " + std::to_string(rank) +
                          ", got shape " + shape_string(tensor->shape()));
  }
  return *std::move(tensor);
}

Ragged ragged_from_lists(nb::handle value, const char* argument, DType empty) {
  const ListReader lists(value, argument);
  return ragged_of(lists, lists.values(empty), argument);
}

Ragged ragged_from_lists_of(nb::handle value, DType dtype, const char* argument) {
  const ListReader lists(value, argument);
  return ragged_of(lists, lists.values_of(dtype), argument);
}

Feature feature_from_lists(nb::handle value, const char* name) {
  const ListReader lists(value, name);
  Tensor values = lists.values(DType::kInt64);
  if (lists.lengths().size() == 1 && values.rank() == 1) return values;
  return ragged_of(lists, std::move(values), name);
}

Tensor strings_from_array(nb::handle array, Shape shape, const char* argument) {
  const ListReader flat(array.attr("ravel")().attr("tolist")(), argument);
  return flat.values_of(DType::kString).reshaped(std::move(shape));
}

}  // namespace weft::python
