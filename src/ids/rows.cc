#include "ids/rows.h"

#include <algorithm>
#include <numeric>

namespace weft {
namespace {

int64_t product(const Shape& shape, size_t from) {
  return num_elements(Shape(
      shape.begin() + static_cast<std::ptrdiff_t>(std::min(from, shape.size())), shape.end()));
}

void check_count(int64_t count, const char* what, const std::string& key) {
  const int64_t most = Limits{}.max_batch_values;
  if (count <= most) return;
  throw LimitExceeded("a feature of " + std::to_string(count) + " " + what + "; the limit is " +
                          std::to_string(most),
                      at_key(key));
}

FeatureRows rows_of_tensor(const Tensor& tensor, const std::string& key) {
  const int64_t rows = tensor.dim(0);
  check_count(rows, "rows", key);
  const int64_t steps = tensor.rank() == 1 ? 1 : tensor.dim(1);
  const int64_t each = product(tensor.shape(), 2);
  const Tensor values = tensor.reshaped({tensor.size()});
  if (tensor.rank() <= 2) return {values, {even_splits(rows, steps)}, steps};
  if (each == 0) return {values, {even_splits(rows, 0)}, steps};
  return {values, {even_splits(rows, steps), even_splits(rows * steps, each)}, steps};
}

// The splits of the last level seen from level 1, times `each` values that an element holds.
Tensor inner_splits(const Ragged& ragged, int64_t each) {
  if (ragged.levels() == 2 && each == 1) return ragged.row_splits_tensor(1);
  if (ragged.levels() == 1) return even_splits(ragged.row_splits().back(), each);
  Tensor splits(DType::kInt64, {static_cast<int64_t>(ragged.row_splits(1).size())});
  auto to = splits.mutable_values<int64_t>();
  std::ranges::copy(ragged.row_splits(1), to.begin());
  for (int64_t level = 2; level < ragged.levels(); ++level) {
    const auto below = ragged.row_splits(level);
    for (int64_t& split : to) split = below[static_cast<size_t>(split)];
  }
  for (int64_t& split : to) split *= each;
  return splits;
}

FeatureRows rows_of_ragged(const Ragged& ragged, int64_t steps) {
  const Tensor& values = ragged.values();
  const int64_t each = product(values.shape(), 1);
  if (ragged.levels() == 1 && values.rank() == 1)
    return {values, {ragged.row_splits_tensor(0)}, steps};
  return {values.reshaped({values.size()}),
          {ragged.row_splits_tensor(0), inner_splits(ragged, each)},
          steps};
}

// Where the values of a sparse tensor stand: row and step of value i.
struct SparsePlaces {
  const int64_t* indices;
  int64_t rank;
  int64_t row(int64_t i) const { return indices[i * rank]; }
  int64_t step(int64_t i) const { return rank == 1 ? 0 : indices[i * rank + 1]; }
};

// Every row's values stand at steps 0, 1, 2, ... without a hole.
bool one_value_a_step(const SparsePlaces& at, int64_t n) {
  if (at.rank > 2) return false;
  for (int64_t i = 0; i < n; ++i) {
    const bool same_row = i > 0 && at.row(i) == at.row(i - 1);
    if (at.step(i) != (same_row ? at.step(i - 1) + 1 : 0)) return false;
  }
  return true;
}

// Row by row, step by step. A SparseFeature declared as already_sorted comes as it is.
void check_order(const SparsePlaces& at, int64_t n, const std::string& key) {
  for (int64_t i = 1; i < n; ++i) {
    if (at.row(i) > at.row(i - 1) || (at.row(i) == at.row(i - 1) && at.step(i) >= at.step(i - 1)))
      continue;
    throw InvalidArgument(
        "the indices of a sparse feature are out of order at value " + std::to_string(i),
        at_key(key));
  }
}

// Splits [B + 1] of rows whose length is 1 + the last step that holds a value.
Tensor splits_of_steps(const SparsePlaces& at, int64_t n, int64_t rows, const std::string& key) {
  Tensor splits = Tensor::zeros(DType::kInt64, {rows + 1});
  auto to = splits.mutable_values<int64_t>();
  for (int64_t i = 0; i < n; ++i) to[static_cast<size_t>(at.row(i)) + 1] = at.step(i) + 1;
  int64_t total = 0;
  for (int64_t& split : to) {
    if (__builtin_add_overflow(total, split, &total)) total = INT64_MAX;
    check_count(total, "steps", key);
    split = total;
  }
  return splits;
}

// Whether the last step of a row holds no value: as a sparse tensor it is not there.
bool ends_without_value(const Ragged& rows) {
  if (rows.levels() == 1) return false;
  if (rows.levels() > 2) return true;  // for all that is known here
  const auto outer = rows.row_splits(0), inner = rows.row_splits(1);
  for (size_t row = 0; row + 1 < outer.size(); ++row) {
    const auto end = static_cast<size_t>(outer[row + 1]);
    if (outer[row] < outer[row + 1] && inner[end] == inner[end - 1]) return true;
  }
  return false;
}

FeatureRows rows_of_sparse(const SparseTensor& sparse, const std::string& key) {
  const Shape& shape = sparse.dense_shape();
  const int64_t steps = shape.size() == 1 ? 1 : shape[1];
  if (sparse.rows() != nullptr && !ends_without_value(*sparse.rows()))
    return rows_of_ragged(*sparse.rows(), steps);
  check_count(shape[0], "rows", key);
  const Tensor indices = sparse.indices();
  const int64_t n = sparse.values().size();
  const SparsePlaces at{indices.values<int64_t>().data(), sparse.rank()};
  check_order(at, n, key);
  FeatureRows rows{sparse.values(), {splits_of_steps(at, n, shape[0], key)}, steps};
  if (one_value_a_step(at, n)) return rows;
  const auto outer = rows.splits[0].values<int64_t>();
  Tensor inner = Tensor::zeros(DType::kInt64, {outer.back() + 1});
  auto to = inner.mutable_values<int64_t>();
  for (int64_t i = 0; i < n; ++i)
    ++to[static_cast<size_t>(outer[static_cast<size_t>(at.row(i))] + at.step(i)) + 1];
  std::partial_sum(to.begin(), to.end(), to.begin());
  rows.splits.push_back(std::move(inner));
  return rows;
}

// Values of one row beyond the second dimension: 1 for rank 2.
int64_t middle_size(const Shape& shape) {
  return shape.size() <= 2 ? 1 : product(Shape(shape.begin(), shape.end() - 1), 1);
}

}  // namespace

const Feature& find_feature(const Features& features, const std::string& key) {
  const auto at = features.find(key);
  if (at != features.end()) return at->second;
  throw InvalidArgument("Feature " + escape_bytes(key) + " is not in features dictionary.",
                        at_key(key));
}

FeatureRows rows_of(const Feature& feature, const std::string& key, const IdsOptions& options) {
  if (const auto* tensor = std::get_if<Tensor>(&feature)) {
    if (tensor->rank() == 0) {
      throw InvalidArgument("Feature (key: " + escape_bytes(key) + ") cannot have rank 0.",
                            at_key(key));
    }
    FeatureRows rows = rows_of_tensor(*tensor, key);
    drop_absent(rows, key, options, true);
    return rows;
  }
  if (const auto* ragged = std::get_if<Ragged>(&feature)) {
    FeatureRows rows = rows_of_ragged(*ragged, ragged->longest_row());
    if (options.missing.everywhere) drop_absent(rows, key, options, false);
    return rows;
  }
  FeatureRows rows = rows_of_sparse(std::get<SparseTensor>(feature), key);
  if (options.missing.everywhere) drop_absent(rows, key, options, true);
  return rows;
}

void check_rank_two(const Feature& feature, const std::string& key) {
  std::string found;
  if (const auto* ragged = std::get_if<Ragged>(&feature)) {
    if (ragged->levels() == 1 && ragged->values().rank() == 1) return;
    found = "a ragged of " + std::to_string(ragged->levels()) + " levels with values of shape " +
            shape_string(ragged->values().shape());
  } else {
    const auto* tensor = std::get_if<Tensor>(&feature);
    const Shape& shape =
        tensor != nullptr ? tensor->shape() : std::get<SparseTensor>(feature).dense_shape();
    if (middle_size(shape) == 1) return;
    found = "shape " + shape_string(shape);
  }
  throw InvalidArgument("a column that is not a sequence takes [rows, values], got " + found +
                            "; use a sequence column, or flatten each row",
                        at_key(key));
}

Where place_of(const FeatureRows& rows, int64_t i, const std::string& key) {
  const auto holder = [](const Tensor& splits, int64_t at) {
    const auto all = splits.values<int64_t>();
    return std::ranges::upper_bound(all, at) - all.begin() - 1;
  };
  const int64_t step = rows.splits.size() == 2 ? holder(rows.splits[1], i) : i;
  const int64_t row = holder(rows.splits[0], step);
  Where where = at_key(key);
  where.row = row;
  where.step = step - rows.splits[0].values<int64_t>()[static_cast<size_t>(row)];
  return where;
}

}  // namespace weft
