#include "weft/ragged.h"

#include <algorithm>
#include <utility>

namespace weft {
namespace {

std::string at_level(size_t level) { return " at level " + std::to_string(level); }

// An own int64 copy of `splits`: int32 is widened, and what the caller still holds cannot change
// it.
Tensor own_int64(const Tensor& splits, const char* what, size_t level) {
  if (splits.rank() != 1) {
    throw InvalidArgument(std::string(what) + " must be 1-D, got shape " +
                          shape_string(splits.shape()) + at_level(level));
  }
  if (splits.dtype() == DType::kInt64)
    return Tensor::of<int64_t>({splits.size()}, splits.values<int64_t>());
  if (splits.dtype() != DType::kInt32) {
    throw WrongType(std::string(what) + " must be int64 or int32, got " +
                    dtype_name(splits.dtype()) + at_level(level));
  }
  Tensor wide(DType::kInt64, {splits.size()});
  std::ranges::copy(splits.values<int32_t>(), wide.mutable_values<int64_t>().begin());
  return wide;
}

// Number of elements along the first dimension of `values`.
int64_t count_of(const Tensor& values) {
  if (values.rank() < 1) throw InvalidArgument("ragged values must have at least one dimension");
  return values.dim(0);
}

void check_splits(std::span<const int64_t> splits, int64_t count, size_t level) {
  if (splits.empty())
    throw InvalidArgument("row_splits must have at least one entry" + at_level(level));
  if (splits[0] != 0) {
    throw InvalidArgument("row_splits must start at 0, got " + std::to_string(splits[0]) +
                          at_level(level));
  }
  for (size_t i = 1; i < splits.size(); ++i) {
    if (splits[i] < splits[i - 1]) {
      throw InvalidArgument("row_splits decrease from " + std::to_string(splits[i - 1]) + " to " +
                            std::to_string(splits[i]) + " at position " + std::to_string(i) +
                            at_level(level));
    }
  }
  if (splits.back() != count) {
    throw InvalidArgument("row_splits end at " + std::to_string(splits.back()) + " but there are " +
                          std::to_string(count) + " elements to split" + at_level(level));
  }
}

Tensor splits_of_lengths(const Tensor& lengths, size_t level) {
  const Tensor own = own_int64(lengths, "row_lengths", level);
  const auto from = own.values<int64_t>();
  Tensor splits(DType::kInt64, {own.size() + 1});
  auto to = splits.mutable_values<int64_t>();
  to[0] = 0;
  for (size_t i = 0; i < from.size(); ++i) {
    if (from[i] < 0) {
      throw InvalidArgument("negative row length " + std::to_string(from[i]) + " at position " +
                            std::to_string(i) + at_level(level));
    }
    if (__builtin_add_overflow(to[i], from[i], &to[i + 1])) {
      throw InvalidArgument("row_lengths add up to more than 2^63" + at_level(level));
    }
  }
  return splits;
}

}  // namespace

Ragged::Ragged() : row_splits_{Tensor::zeros(DType::kInt64, {1})} {}

Ragged Ragged::from_row_splits(Tensor values, std::span<const Tensor> row_splits) {
  if (row_splits.empty())
    throw InvalidArgument("a ragged needs the row_splits of at least one level");
  if (row_splits.size() > kMaxLevels) {
    throw InvalidArgument("a ragged has at most " + std::to_string(kMaxLevels) + " levels, got " +
                          std::to_string(row_splits.size()));
  }
  std::vector<Tensor> own;
  own.reserve(row_splits.size());
  for (const Tensor& splits : row_splits)
    own.push_back(own_int64(splits, "row_splits", own.size()));
  for (size_t level = 0; level < own.size(); ++level) {
    const bool last = level + 1 == own.size();
    check_splits(own[level].values<int64_t>(), last ? count_of(values) : own[level + 1].size() - 1,
                 level);
  }
  return trusted(std::move(values), std::move(own));
}

Ragged Ragged::from_row_lengths(Tensor values, std::span<const Tensor> row_lengths) {
  std::vector<Tensor> splits;
  splits.reserve(row_lengths.size());
  for (const Tensor& lengths : row_lengths)
    splits.push_back(splits_of_lengths(lengths, splits.size()));
  return from_row_splits(std::move(values), splits);
}

Ragged Ragged::trusted(Tensor values, std::vector<Tensor> row_splits) {
  return Ragged(std::move(values), std::move(row_splits));
}

int64_t Ragged::longest_row(int64_t level) const {
  const auto splits = row_splits(level);
  // Four maxima, so that none waits for another.
  int64_t a = 0, b = 0, c = 0, d = 0;
  const size_t rows = splits.size() - 1;
  const auto length = [&](size_t i) { return splits[i + 1] - splits[i]; };
  size_t i = 0;
  for (; i + 4 <= rows; i += 4) {
    a = std::max(a, length(i));
    b = std::max(b, length(i + 1));
    c = std::max(c, length(i + 2));
    d = std::max(d, length(i + 3));
  }
  for (; i < rows; ++i) a = std::max(a, length(i));
  return std::max({a, b, c, d});
}

Ragged Ragged::with_values(Tensor values) const {
  if (count_of(values) != count_of(values_)) {
    throw InvalidArgument("the rows hold " + std::to_string(count_of(values_)) + " values, got " +
                          std::to_string(count_of(values)));
  }
  return trusted(std::move(values), row_splits_);
}

Tensor even_splits(int64_t count, int64_t each) {
  Tensor splits(DType::kInt64, {count + 1});
  int64_t at = 0;
  for (int64_t& split : splits.mutable_values<int64_t>()) {
    split = at;
    at += each;
  }
  return splits;
}

}  // namespace weft
