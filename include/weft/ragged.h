// Ragged and sparse data, and what a batch is: Features.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "weft/tensor.h"

namespace weft {

// Rows of different lengths, nested to any number of levels: the innermost elements stand in one
// tensor `values` [N, inner...], and each level's row_splits (int64) say where its rows begin and
// end in the next level; the last level's in `values`. Splits start at 0, never decrease, and end
// at the size of the next level. Level 0 is the outermost. As tf.RaggedTensor.
//
// Immutable. Splits always belong to weft (copied and checked on the way in); numeric values may
// be borrowed, and then whoever owns them may still change them.
class WEFT_API Ragged {
 public:
  static constexpr size_t kMaxLevels = 32;

  // No rows: float32, one level.
  Ragged();
  // `row_splits`: outermost level first, each an int64 or int32 tensor of rank 1; at most
  // kMaxLevels of them. Throws InvalidArgument naming the level and position at fault; WrongType
  // for other dtypes.
  static Ragged from_row_splits(Tensor values, std::span<const Tensor> row_splits);
  static Ragged from_row_splits(Tensor values, const Tensor& row_splits) {
    return from_row_splits(std::move(values), std::span<const Tensor>(&row_splits, 1));
  }
  // `row_lengths`: one tensor per level, as above. Negative lengths are InvalidArgument.
  static Ragged from_row_lengths(Tensor values, std::span<const Tensor> row_lengths);
  static Ragged from_row_lengths(Tensor values, const Tensor& row_lengths) {
    return from_row_lengths(std::move(values), std::span<const Tensor>(&row_lengths, 1));
  }
  template <class T>
  static Ragged from_lists(const std::vector<std::vector<T>>& rows);
  // For splits that weft has just written itself: not checked.
  static Ragged trusted(Tensor values, std::vector<Tensor> row_splits);

  DType dtype() const { return values_.dtype(); }
  const Tensor& values() const { return values_; }
  template <class T>
  std::span<const T> values() const {
    return values_.values<T>();
  }
  int64_t levels() const { return static_cast<int64_t>(row_splits_.size()); }
  int64_t rows() const { return row_splits_.front().size() - 1; }
  std::span<const int64_t> row_splits(int64_t level = 0) const {
    return row_splits_[static_cast<size_t>(level)].values<int64_t>();
  }
  const Tensor& row_splits_tensor(int64_t level) const {
    return row_splits_[static_cast<size_t>(level)];
  }
  int64_t longest_row(int64_t level = 0) const;  // 0 if there are no rows

  // The same rows with other values of the same count. Throws InvalidArgument if the count differs.
  Ragged with_values(Tensor values) const;

 private:
  Ragged(Tensor values, std::vector<Tensor> row_splits)
      : values_(std::move(values)), row_splits_(std::move(row_splits)) {}

  Tensor values_;
  std::vector<Tensor> row_splits_;
};

// As tf.SparseTensor: `values` [N] at `indices` [N, rank] of an array of `dense_shape`. What a
// VarLenFeature parses to holds row_splits instead of indices, which are built when asked for.
class WEFT_API SparseTensor {
 public:
  // No values: float32, dense_shape [0, 0].
  SparseTensor();
  // Throws InvalidArgument unless the indices are in row-major order without repeats and inside
  // `dense_shape`; WrongType unless they are int64.
  SparseTensor(const Tensor& indices, Tensor values, Shape dense_shape);
  // Without holes, of rank 1 + levels; dense_shape is [rows, longest row of each level].
  // Throws InvalidArgument if `rows` has values of rank > 1.
  static SparseTensor from_ragged(Ragged rows);
  // As the constructor, for indices that may repeat and stand in any order, as those of a parsed
  // SparseFeature may.
  static SparseTensor unordered(const Tensor& indices, Tensor values, Shape dense_shape);
  // For indices that weft has just written itself, as of unordered(): not checked.
  static SparseTensor trusted(Tensor indices, Tensor values, Shape dense_shape);

  DType dtype() const { return values().dtype(); }
  const Tensor& values() const;
  const Shape& dense_shape() const { return dense_shape_; }
  int64_t rank() const { return static_cast<int64_t>(dense_shape_.size()); }
  Tensor indices() const;  // int64 [N, rank]; built on each call if rows() is set
  // The rows, if this was built from rows. Indices are then (row, position...) for each value.
  const Ragged* rows() const { return rows_ ? &*rows_ : nullptr; }

 private:
  explicit SparseTensor(Shape dense_shape) : dense_shape_(std::move(dense_shape)) {}

  Tensor indices_;
  Tensor values_;
  Shape dense_shape_;
  std::optional<Ragged> rows_;
};

// As SparseTensor::from_ragged.
WEFT_API SparseTensor to_sparse(const Ragged& ragged);

// The padded array [rows, longest row, inner...] of one level of numbers, with `filler` [inner...]
// behind each row. As tf.RaggedTensor.to_tensor. Throws InvalidArgument for more levels or a filler
// of another shape; WrongType for strings or a filler of another dtype; LimitExceeded if the array
// would hold more than Limits{}.max_batch_values.
WEFT_API Tensor to_tensor(const Ragged& ragged, const Tensor& filler);

// The row_splits of `count` rows of `each` values: [0, each, 2 * each, ...], int64 [count + 1].
WEFT_LOCAL Tensor even_splits(int64_t count, int64_t each);

// One value of a batch, and a batch: feature name -> value, all with the same number of rows.
using Feature = std::variant<Tensor, Ragged, SparseTensor>;
using Features = std::map<std::string, Feature, std::less<>>;

// The feature without the steps (second dimension) whose flag is not set; what follows moves up. T
// is the longest row that is left. `kept`: bool, one level, as many steps in each row as the
// feature has; of a sparse feature at least as many as it reaches to. Throws InvalidArgument naming
// the row where they do not fit, and for a dense array, which does not say where its rows end.
WEFT_API Feature keep_steps(const Feature& feature, const Ragged& kept);

WEFT_API const Tensor& feature_values(const Feature& feature);
// The feature with other values in the places of its own. Throws InvalidArgument unless they are as
// many.
WEFT_API Feature with_values(const Feature& feature, const Tensor& values);
WEFT_API DType feature_dtype(const Feature& feature);
WEFT_API int64_t feature_rows(const Feature& feature);  // B; 1 for a scalar tensor

template <class T>
Ragged Ragged::from_lists(const std::vector<std::vector<T>>& rows) {
  Tensor lengths(DType::kInt64, {static_cast<int64_t>(rows.size())});
  int64_t total = 0, i = 0;
  for (const auto& row : rows) {
    lengths.mutable_values<int64_t>()[static_cast<size_t>(i++)] = static_cast<int64_t>(row.size());
    total += static_cast<int64_t>(row.size());
  }
  Tensor values;
  if constexpr (kHasDType<T>) {
    std::vector<T> flat;
    flat.reserve(static_cast<size_t>(total));
    for (const auto& row : rows) flat.insert(flat.end(), row.begin(), row.end());
    values = Tensor::of<T>({total}, std::span<const T>(flat));
  } else {
    std::vector<std::string_view> flat;
    flat.reserve(static_cast<size_t>(total));
    for (const auto& row : rows) flat.insert(flat.end(), row.begin(), row.end());
    values = Tensor::strings({total}, Bytes::from(flat));
  }
  return from_row_lengths(std::move(values), lengths);
}

}  // namespace weft
