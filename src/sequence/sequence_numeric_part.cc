#include <algorithm>
#include <numeric>
#include <vector>

#include "sequence/parts.h"

namespace weft {
namespace {

[[noreturn]] void refuse(const std::string& key, const std::string& text) {
  throw InvalidArgument(text, {.key = key});
}

// Rows of numbers, each filled up to its last value: what is left to do is to copy and to pad.
struct Filled {
  Tensor numbers;       // [N]
  Tensor splits;        // int64 [B + 1] into numbers
  Tensor lengths;       // int64 [B]
  int64_t width = 0;    // numbers in a full row
  bool regular = true;  // a step is one element of the column's shape
};

// One level: a step is the next `each` values of a row.
Filled filled_rows(Tensor numbers, const Tensor& splits, int64_t width, int64_t each) {
  Filled filled{std::move(numbers), splits, Tensor(DType::kInt64, {splits.size() - 1}), width};
  const auto at = splits.values<int64_t>();
  auto lengths = filled.lengths.mutable_values<int64_t>();
  for (size_t row = 0; row < lengths.size(); ++row)
    lengths[row] = (at[row + 1] - at[row] + each - 1) / each;
  return filled;
}

// The flat position of value i within its row, and the number of positions of a row.
struct FlatPlaces {
  const int64_t* indices;
  const Shape& shape;
  int64_t row(int64_t i) const { return indices[i * static_cast<int64_t>(shape.size())]; }
  int64_t step(int64_t i) const {
    return shape.size() == 1 ? 0 : indices[i * static_cast<int64_t>(shape.size()) + 1];
  }
  int64_t position(int64_t i) const {
    const int64_t* at = indices + i * static_cast<int64_t>(shape.size());
    int64_t flat = 0;
    for (size_t d = 1; d < shape.size(); ++d) flat = flat * shape[d] + at[d];
    return flat;
  }
};

template <class T>
void place_numbers(const Tensor& from, const FlatPlaces& at, const Tensor& splits, double hole,
                   Tensor& to) {
  const auto values = from.values<T>();
  auto filled = to.mutable_values<T>();
  std::ranges::fill(filled, static_cast<T>(hole));
  const auto begins = splits.values<int64_t>();
  for (size_t i = 0; i < values.size(); ++i) {
    const auto n = static_cast<int64_t>(i);
    filled[static_cast<size_t>(begins[static_cast<size_t>(at.row(n))] + at.position(n))] =
        values[i];
  }
}

int64_t row_width(const Shape& shape, const std::string& key) {
  int64_t width = 1;
  for (size_t d = 1; d < shape.size(); ++d) {
    if (__builtin_mul_overflow(width, shape[d], &width))
      refuse(key, "dense_shape " + shape_string(shape) + " overflows");
  }
  return width;
}

// Every value at a place of its own, row by row. A SparseFeature declared as already_sorted comes
// as it is.
void check_order(const FlatPlaces& at, int64_t n, const std::string& key) {
  for (int64_t i = 1; i < n; ++i) {
    if (at.row(i) > at.row(i - 1) ||
        (at.row(i) == at.row(i - 1) && at.position(i) > at.position(i - 1)))
      continue;
    refuse(key, "the indices of a sparse feature are out of order or repeated at value " +
                    std::to_string(i));
  }
}

// Splits of rows that end with their last value; limits what holes may ask for.
Tensor splits_of(const FlatPlaces& at, int64_t n, int64_t rows, const std::string& key) {
  const int64_t most = Limits{}.max_batch_values;
  if (rows > most)
    throw LimitExceeded("a feature of " + std::to_string(rows) + " rows, key " + escape_bytes(key));
  Tensor splits = Tensor::zeros(DType::kInt64, {rows + 1});
  auto to = splits.mutable_values<int64_t>();
  for (int64_t i = 0; i < n; ++i) to[static_cast<size_t>(at.row(i)) + 1] = at.position(i) + 1;
  int64_t total = 0;
  for (int64_t& split : to) {
    if (__builtin_add_overflow(total, split, &total) || total > most) {
      throw LimitExceeded("the rows of key " + escape_bytes(key) + " add up to more than " +
                          std::to_string(most) + " numbers, holes included");
    }
    split = total;
  }
  return splits;
}

Filled filled_sparse(Tensor numbers, const SparseTensor& sparse, int64_t each, double hole,
                     const std::string& key) {
  const Shape& shape = sparse.dense_shape();
  const int64_t width = row_width(shape, key);
  if (sparse.rows() != nullptr && sparse.rank() == 2)
    return filled_rows(std::move(numbers), sparse.rows()->row_splits_tensor(0), width, each);
  const Tensor indices = sparse.indices();
  const FlatPlaces at{indices.values<int64_t>().data(), shape};
  const int64_t n = numbers.size();
  check_order(at, n, key);
  const Tensor splits = splits_of(at, n, shape[0], key);
  Tensor full(numbers.dtype(), {splits.values<int64_t>().back()});
  if (numbers.dtype() == DType::kFloat32) {
    place_numbers<float>(numbers, at, splits, hole, full);
  } else {
    place_numbers<double>(numbers, at, splits, hole, full);
  }
  Filled filled = filled_rows(std::move(full), splits, width, each);
  if (shape.size() <= 2) return filled;
  // Rank 3: time is the middle dimension, whatever a step of it holds.
  filled.regular = width % each == 0 && width / each == shape[1];
  auto lengths = filled.lengths.mutable_values<int64_t>();
  std::ranges::fill(lengths, 0);
  for (int64_t i = 0; i < n; ++i) lengths[static_cast<size_t>(at.row(i))] = at.step(i) + 1;
  return filled;
}

// Values with inner dimensions [N, k...] are one more level of k values each.
Ragged with_flat_values(const Ragged& ragged) {
  const Tensor& values = ragged.values();
  if (values.rank() == 1) return ragged;
  const int64_t each = values.dim(0) == 0 ? 1 : values.size() / values.dim(0);
  std::vector<Tensor> splits;
  for (int64_t level = 0; level < ragged.levels(); ++level)
    splits.push_back(ragged.row_splits_tensor(level));
  splits.push_back(even_splits(values.dim(0), each));
  return Ragged::trusted(values.reshaped({values.size()}), std::move(splits));
}

Filled filled_ragged(const Ragged& ragged, int64_t each, double hole, const std::string& key) {
  if (ragged.levels() == 1) {
    return filled_rows(ragged.values(), ragged.row_splits_tensor(0), ragged.longest_row(), each);
  }
  Filled filled = filled_sparse(ragged.values(), to_sparse(ragged), each, hole, key);
  // The steps of a ragged row are its steps, though they be empty.
  const auto splits = ragged.row_splits();
  auto lengths = filled.lengths.mutable_values<int64_t>();
  for (size_t row = 0; row < lengths.size(); ++row) lengths[row] = splits[row + 1] - splits[row];
  if (ragged.values().size() == 0) {
    filled.width = ragged.longest_row() * each;
    filled.regular = true;
  }
  return filled;
}

// One level of values [N, k...] that are a step each.
Filled filled_steps(const Ragged& ragged, int64_t each) {
  Tensor splits(DType::kInt64, {ragged.rows() + 1});
  std::ranges::transform(ragged.row_splits(), splits.mutable_values<int64_t>().begin(),
                         [&](int64_t split) { return split * each; });
  const Tensor& values = ragged.values();
  return filled_rows(values.reshaped({values.size()}), splits, ragged.longest_row() * each, each);
}

Filled filled_feature(const Feature& numbers, int64_t each, double hole, const std::string& key) {
  if (const auto* ragged = std::get_if<Ragged>(&numbers)) {
    const Tensor& values = ragged->values();
    if (ragged->levels() == 1 && values.rank() > 1 && values.size() == values.dim(0) * each)
      return filled_steps(*ragged, each);
    return filled_ragged(with_flat_values(*ragged), each, hole, key);
  }
  const auto& sparse = std::get<SparseTensor>(numbers);
  return filled_sparse(sparse.values(), sparse, each, hole, key);
}

template <class T>
class NumericSequence final : public SequencePart {
 public:
  NumericSequence(Filled filled, int64_t each, double padding)
      : SequencePart(filled.lengths.size(), filled.width / each, each),
        filled_(std::move(filled)),
        padding_(padding),
        numbers_(filled_.numbers.template values<T>().data()),
        splits_(filled_.splits.template values<int64_t>().data()),
        lengths_(filled_.lengths.template values<int64_t>().data()) {}

  int64_t length(int64_t row) const override { return lengths_[row]; }
  bool regular() const override { return filled_.regular; }
  int64_t extent(int64_t row) const override {
    return (splits_[row + 1] - splits_[row] + width() - 1) / width();
  }
  double padding() const override { return padding_; }

  void write(int64_t row, int64_t first, int64_t count, const Cells& out) const override {
    const int64_t begin = splits_[row] + first * width(), end = splits_[row + 1];
    T* to = static_cast<T*>(out.data);
    const int64_t run = out.stride == width() ? count : 1;  // steps that lie in one piece
    for (int64_t step = 0; step < count; step += run, to += out.stride) {
      const int64_t at = begin + step * width();
      const int64_t here = std::clamp<int64_t>(end - at, 0, run * width());
      for (int64_t i = 0; i < here; ++i) to[i] = numbers_[at + i];
      for (int64_t i = here; i < run * width(); ++i) to[i] = static_cast<T>(padding_);
    }
  }

 private:
  Filled filled_;
  double padding_;
  const T* numbers_;
  const int64_t* splits_;
  const int64_t* lengths_;
};

SequencePartPtr part_of(const NumberColumn& column, double hole, const PartSource& source) {
  const std::string& key = column.key();
  const int64_t each = num_elements(column.shape());
  if (each > Limits{}.max_batch_values)
    throw LimitExceeded("a step of " + std::to_string(each) + " values, key " + escape_bytes(key));
  const Feature numbers = column.numbers(source.ids.features(), source.dtype);
  Filled filled = filled_feature(numbers, each, hole, key);
  if (filled.width % each != 0) {
    refuse(key, "column '" + escape_bytes(column.name()) + "': the widest row has " +
                    std::to_string(filled.width) + " values, which " + std::to_string(each) +
                    ", the size of shape " + shape_string(column.shape()) + ", does not divide");
  }
  if (source.dtype == DType::kFloat64)
    return std::make_unique<NumericSequence<double>>(std::move(filled), each, hole);
  return std::make_unique<NumericSequence<float>>(std::move(filled), each, hole);
}

}  // namespace

SequencePartPtr SequenceNumericColumn::sequence_part(const PartSource& source) const {
  return part_of(*this, default_value_, source);
}

SequencePartPtr SequenceTimeDeltaColumn::sequence_part(const PartSource& source) const {
  return part_of(*this, default_value_, source);
}

}  // namespace weft
