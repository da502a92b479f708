// The numbers of numeric columns: their feature as floating point, normalised.
#include "ids/numbers.h"

#include <algorithm>

namespace weft {
namespace {

[[noreturn]] void refuse(const std::string& key, const std::string& text, int64_t row = -1) {
  throw InvalidArgument(text, {.key = key, .row = row});
}

// The rows of a ragged feature that holds `each` values in every row.
int64_t rows_of_ragged(const Ragged& ragged, int64_t each, const std::string& key) {
  const int64_t inner =
      ragged.values().dim(0) == 0 ? 1 : ragged.values().size() / ragged.values().dim(0);
  for (int64_t row = 0; row < ragged.rows(); ++row) {
    auto begin = static_cast<size_t>(row), end = begin + 1;
    for (int64_t level = 0; level < ragged.levels(); ++level) {
      begin = static_cast<size_t>(ragged.row_splits(level)[begin]);
      end = static_cast<size_t>(ragged.row_splits(level)[end]);
    }
    const int64_t found = static_cast<int64_t>(end - begin) * inner;
    if (found == each) continue;
    refuse(key,
           "numeric_column '" + escape_bytes(key) + "' needs " + std::to_string(each) +
               " values in a row, got " + std::to_string(found),
           row);
  }
  return ragged.rows();
}

// [B * each] values of any dtype, and B.
std::pair<Tensor, int64_t> rows_of(const Feature& feature, int64_t each, const std::string& key) {
  if (const auto* ragged = std::get_if<Ragged>(&feature)) {
    const int64_t rows = rows_of_ragged(*ragged, each, key);
    return {ragged->values().reshaped({ragged->values().size()}), rows};
  }
  const auto* tensor = std::get_if<Tensor>(&feature);
  if (tensor == nullptr) {
    refuse(key,
           "The corresponding Tensor of numerical column must be a Tensor. SparseTensor is not "
           "supported. key: " +
               escape_bytes(key));
  }
  if (tensor->rank() == 0)
    refuse(key, "Feature (key: " + escape_bytes(key) + ") cannot have rank 0.");
  int64_t size = 0;
  if (__builtin_mul_overflow(tensor->dim(0), each, &size) || size != tensor->size()) {
    refuse(key, "numeric_column '" + escape_bytes(key) + "' needs " + std::to_string(each) +
                    " values in a row, got an array of shape " + shape_string(tensor->shape()));
  }
  return {tensor->reshaped({tensor->size()}), tensor->dim(0)};
}

}  // namespace

Tensor numbers_of(const Tensor& present, const std::optional<Normalizer>& normalizer, DType dtype,
                  const std::string& key) {
  const Tensor flat = present.reshaped({present.size()});
  if (present.dtype() == DType::kString) {
    throw WrongType("Invalid input, not numbers. key: " + escape_bytes(key) + " dtype: string",
                    {.key = key});
  }
  return as_floating(normalizer ? (*normalizer)(flat, key) : flat, dtype,
                     "what normalizer_fn returns");
}

Feature sequence_numbers(const Feature& feature, const std::string& column, const std::string& key,
                         const std::function<Tensor(const Tensor&)>& numbers) {
  if (!std::holds_alternative<Tensor>(feature))
    return with_values(feature, numbers(feature_values(feature)));
  throw WrongType(column + " '" + escape_bytes(key) +
                      "': Input must be a SparseTensor or ragged (nested lists, or an array with "
                      "lengths): a dense array does not say where its rows end",
                  {.key = key});
}

namespace {

std::optional<Tensor> slopes_of(const Tensor& present,
                                const std::optional<Normalizer>& normalizer) {
  if (!is_floating(present.dtype()) || (normalizer && normalizer->is_custom())) return {};
  if (normalizer) return normalizer->slopes(present);
  Tensor ones(DType::kFloat64, {present.size()});
  std::ranges::fill(ones.mutable_values<double>(), 1.0);
  return ones;
}

}  // namespace

std::optional<Tensor> NumberColumn::slopes(const Tensor&) const { return {}; }
std::optional<Tensor> NumericColumn::slopes(const Tensor& values) const {
  return slopes_of(values, normalizer_fn_);
}
std::optional<Tensor> SequenceNumericColumn::slopes(const Tensor& values) const {
  return slopes_of(values, normalizer_fn_);
}

Feature NumericColumn::numbers(const Features& features, DType dtype) const {
  const int64_t each = num_elements(shape_);
  const auto [values, rows] = rows_of(find_feature(features, key_), each, key_);
  return numbers_of(values, normalizer_fn_, dtype, key_).reshaped({rows, each});
}

Feature SequenceNumericColumn::numbers(const Features& features, DType dtype) const {
  return sequence_numbers(
      find_feature(features, key_), "sequence_numeric_column", key_,
      [&](const Tensor& values) { return numbers_of(values, normalizer_fn_, dtype, key_); });
}

}  // namespace weft
