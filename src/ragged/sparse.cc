#include <algorithm>
#include <utility>

#include "weft/ragged.h"

namespace weft {
namespace {

std::string index_string(const int64_t* index, int64_t rank) {
  return shape_string(Shape(index, index + rank));
}

void check_inside(const Tensor& indices, const Shape& dense_shape) {
  const auto rank = static_cast<int64_t>(dense_shape.size());
  const int64_t* at = indices.values<int64_t>().data();
  for (int64_t i = 0; i < indices.dim(0); ++i, at += rank) {
    for (int64_t d = 0; d < rank; ++d) {
      if (at[d] < 0 || at[d] >= dense_shape[static_cast<size_t>(d)]) {
        throw InvalidArgument("index " + index_string(at, rank) + " of value " + std::to_string(i) +
                              " is outside dense_shape " + shape_string(dense_shape));
      }
    }
  }
}

// Row-major order without repeats.
void check_order(const Tensor& indices, int64_t rank) {
  const int64_t* at = indices.values<int64_t>().data();
  for (int64_t i = 1; i < indices.dim(0); ++i) {
    at += rank;
    if (std::lexicographical_compare(at - rank, at, at, at + rank)) continue;
    throw InvalidArgument("index " + index_string(at, rank) + " of value " + std::to_string(i) +
                          " is out of order or repeated: sort the values in row-major order first");
  }
}

}  // namespace

SparseTensor::SparseTensor()
    : indices_(DType::kInt64, {0, 2}), values_(DType::kFloat32, {0}), dense_shape_{0, 0} {}

SparseTensor::SparseTensor(const Tensor& indices, Tensor values, Shape dense_shape)
    : SparseTensor(unordered(indices, std::move(values), std::move(dense_shape))) {
  check_order(indices_, rank());
}

SparseTensor SparseTensor::unordered(const Tensor& indices, Tensor values, Shape dense_shape) {
  const auto rank = static_cast<int64_t>(dense_shape.size());
  if (indices.dtype() != DType::kInt64) {
    throw WrongType(std::string("sparse indices must be int64, got ") +
                    dtype_name(indices.dtype()));
  }
  if (rank < 1 || values.rank() != 1 || indices.rank() != 2 || indices.dim(0) != values.dim(0) ||
      indices.dim(1) != rank) {
    throw InvalidArgument(
        "a sparse tensor needs indices [N, rank], values [N] and dense_shape [rank]; got " +
        shape_string(indices.shape()) + ", " + shape_string(values.shape()) +
        " and a dense_shape of rank " + std::to_string(rank));
  }
  for (int64_t dim : dense_shape) {
    if (dim < 0)
      throw InvalidArgument("negative dimension in dense_shape " + shape_string(dense_shape));
  }
  // A copy: borrowed indices could change after the check.
  Tensor own = Tensor::of<int64_t>(indices.shape(), indices.values<int64_t>());
  check_inside(own, dense_shape);
  return trusted(std::move(own), std::move(values), std::move(dense_shape));
}

SparseTensor SparseTensor::from_ragged(Ragged rows) {
  if (rows.values().rank() != 1) {
    throw InvalidArgument("only a ragged of 1-D values becomes sparse, got values of shape " +
                          shape_string(rows.values().shape()));
  }
  Shape dense_shape{rows.rows()};
  for (int64_t level = 0; level < rows.levels(); ++level)
    dense_shape.push_back(rows.longest_row(level));
  SparseTensor sparse(std::move(dense_shape));
  sparse.rows_ = std::move(rows);
  return sparse;
}

SparseTensor SparseTensor::trusted(Tensor indices, Tensor values, Shape dense_shape) {
  SparseTensor sparse(std::move(dense_shape));
  sparse.indices_ = std::move(indices);
  sparse.values_ = std::move(values);
  return sparse;
}

const Tensor& SparseTensor::values() const { return rows_ ? rows_->values() : values_; }

namespace {

// Writes the index of every value below element `element` of `level`.
void write_indices(const Ragged& ragged, int64_t level, int64_t element, Shape& prefix,
                   int64_t*& to) {
  const auto splits = ragged.row_splits(level);
  const int64_t begin = splits[static_cast<size_t>(element)],
                end = splits[static_cast<size_t>(element) + 1];
  for (int64_t i = begin; i < end; ++i) {
    prefix.push_back(i - begin);
    if (level + 1 < ragged.levels()) {
      write_indices(ragged, level + 1, i, prefix, to);
    } else {
      to = std::ranges::copy(prefix, to).out;
    }
    prefix.pop_back();
  }
}

}  // namespace

Tensor SparseTensor::indices() const {
  if (!rows_) return indices_;
  Tensor indices(DType::kInt64, {values().size(), rank()});
  int64_t* to = indices.mutable_values<int64_t>().data();
  for (int64_t row = 0; row < rows_->rows(); ++row) {
    Shape prefix{row};
    write_indices(*rows_, 0, row, prefix, to);
  }
  return indices;
}

SparseTensor to_sparse(const Ragged& ragged) { return SparseTensor::from_ragged(ragged); }

const Tensor& feature_values(const Feature& feature) {
  if (const auto* tensor = std::get_if<Tensor>(&feature)) return *tensor;
  if (const auto* ragged = std::get_if<Ragged>(&feature)) return ragged->values();
  return std::get<SparseTensor>(feature).values();
}

Feature with_values(const Feature& feature, const Tensor& values) {
  Tensor own = values.reshaped(feature_values(feature).shape());
  if (std::holds_alternative<Tensor>(feature)) return own;
  if (const auto* ragged = std::get_if<Ragged>(&feature))
    return ragged->with_values(std::move(own));
  const auto& sparse = std::get<SparseTensor>(feature);
  if (sparse.rows() != nullptr)
    return SparseTensor::from_ragged(sparse.rows()->with_values(std::move(own)));
  return SparseTensor::trusted(sparse.indices(), std::move(own), sparse.dense_shape());
}

DType feature_dtype(const Feature& feature) { return feature_values(feature).dtype(); }

int64_t feature_rows(const Feature& feature) {
  if (const auto* tensor = std::get_if<Tensor>(&feature))
    return tensor->rank() == 0 ? 1 : tensor->dim(0);
  if (const auto* ragged = std::get_if<Ragged>(&feature)) return ragged->rows();
  return std::get<SparseTensor>(feature).dense_shape()[0];
}

}  // namespace weft
