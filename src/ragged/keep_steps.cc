// Leaving out steps of a sequence feature, whatever kind it is.
#include <algorithm>
#include <cstring>

#include "weft/ragged.h"

namespace weft {
namespace {

using Flags = std::span<const bool>;

[[noreturn]] void refuse_length(int64_t row, int64_t length, int64_t flags) {
  throw InvalidArgument("a row of " + std::to_string(length) + " steps, of which " +
                            std::to_string(flags) + " are known to be kept or not",
                        {.row = row});
}

// [B + 1]: where each row's kept steps begin.
Tensor kept_before(const Ragged& kept) {
  const auto flags = kept.values<bool>();
  const auto splits = kept.row_splits();
  Tensor before(DType::kInt64, {static_cast<int64_t>(splits.size())});
  const auto to = before.mutable_values<int64_t>();
  to[0] = 0;
  for (size_t row = 0; row + 1 < splits.size(); ++row) {
    to[row + 1] =
        to[row] + std::count(flags.begin() + splits[row], flags.begin() + splits[row + 1], true);
  }
  return before;
}

// The elements `from` of the first dimension, one after the other.
Tensor take(const Tensor& values, const std::vector<int64_t>& from) {
  Shape shape = values.shape();
  shape[0] = static_cast<int64_t>(from.size());
  const int64_t each = values.dim(0) == 0 ? 0 : values.size() / values.dim(0);
  if (values.dtype() == DType::kString) {
    std::vector<std::string_view> strings;
    strings.reserve(from.size() * static_cast<size_t>(each));
    for (int64_t i : from) {
      for (int64_t j = i * each; j < (i + 1) * each; ++j) strings.push_back(values.bytes()[j]);
    }
    return Tensor::strings(std::move(shape), Bytes::from(strings));
  }
  const auto bytes = static_cast<size_t>(each * dtype_size(values.dtype()));
  Buffer buffer = Buffer::allocate(static_cast<int64_t>(from.size() * bytes));
  uint8_t* to = buffer.mutable_data();
  for (int64_t i : from) {
    std::memcpy(to, values.buffer().data() + static_cast<size_t>(i) * bytes, bytes);
    to += bytes;
  }
  return Tensor::from_buffer(values.dtype(), std::move(shape), std::move(buffer));
}

Ragged keep_ragged(const Ragged& ragged, const Ragged& kept) {
  const auto wanted = kept.row_splits(), splits = ragged.row_splits();
  for (size_t row = 0; row + 1 < splits.size(); ++row) {
    const int64_t length = splits[row + 1] - splits[row], flags = wanted[row + 1] - wanted[row];
    if (length != flags) refuse_length(static_cast<int64_t>(row), length, flags);
  }
  std::vector<int64_t> from;
  const auto flags = kept.values<bool>();
  for (size_t i = 0; i < flags.size(); ++i) {
    if (flags[i]) from.push_back(static_cast<int64_t>(i));
  }
  std::vector<Tensor> levels{kept_before(kept)};
  for (int64_t level = 1; level < ragged.levels(); ++level) {
    const auto below = ragged.row_splits(level);
    std::vector<int64_t> to{0}, next;
    for (int64_t i : from) {
      const int64_t begin = below[static_cast<size_t>(i)], end = below[static_cast<size_t>(i) + 1];
      for (int64_t j = begin; j < end; ++j) next.push_back(j);
      to.push_back(static_cast<int64_t>(next.size()));
    }
    levels.push_back(
        Tensor::of<int64_t>({static_cast<int64_t>(to.size())}, std::span<const int64_t>(to)));
    from = std::move(next);
  }
  return Ragged::trusted(take(ragged.values(), from), std::move(levels));
}

// For each step the number of kept ones before it in its row.
std::vector<int64_t> new_steps(const Ragged& kept) {
  const auto flags = kept.values<bool>();
  const auto splits = kept.row_splits();
  std::vector<int64_t> steps(flags.size());
  for (size_t row = 0; row + 1 < splits.size(); ++row) {
    int64_t at = 0;
    for (auto i = static_cast<size_t>(splits[row]); i < static_cast<size_t>(splits[row + 1]); ++i) {
      steps[i] = at;
      at += flags[i] ? 1 : 0;
    }
  }
  return steps;
}

SparseTensor keep_sparse(const SparseTensor& sparse, const Ragged& kept) {
  if (sparse.rows() != nullptr) return SparseTensor::from_ragged(keep_ragged(*sparse.rows(), kept));
  const Tensor indices = sparse.indices();
  const int64_t rank = sparse.rank();
  const auto splits = kept.row_splits();
  const std::vector<int64_t> steps = new_steps(kept);
  std::vector<int64_t> from, at;
  for (int64_t i = 0; i < sparse.values().size(); ++i) {
    const int64_t* index = indices.values<int64_t>().data() + i * rank;
    const auto row = static_cast<size_t>(index[0]);
    const int64_t flags = splits[row + 1] - splits[row];
    if (index[1] >= flags) refuse_length(index[0], index[1] + 1, flags);
    const auto place = static_cast<size_t>(splits[row] + index[1]);
    if (!kept.values<bool>()[place]) continue;
    from.push_back(i);
    at.insert(at.end(), index, index + rank);
    at[at.size() - static_cast<size_t>(rank) + 1] = steps[place];
  }
  const Tensor before = kept_before(kept);
  Shape shape = sparse.dense_shape();
  shape[1] = 0;
  for (int64_t row = 0; row < kept.rows(); ++row) {
    const auto* at_row = before.values<int64_t>().data() + row;
    shape[1] = std::max(shape[1], at_row[1] - at_row[0]);
  }
  return SparseTensor::trusted(
      Tensor::of<int64_t>({static_cast<int64_t>(from.size()), rank}, std::span<const int64_t>(at)),
      take(sparse.values(), from), std::move(shape));
}

}  // namespace

Feature keep_steps(const Feature& feature, const Ragged& kept) {
  if (kept.levels() != 1 || kept.dtype() != DType::kBool || kept.values().rank() != 1)
    throw InvalidArgument("keep_steps needs one bool for each step");
  if (feature_rows(feature) != kept.rows()) {
    throw InvalidArgument("a feature of " + std::to_string(feature_rows(feature)) +
                          " rows, and steps of " + std::to_string(kept.rows()));
  }
  if (const auto* ragged = std::get_if<Ragged>(&feature)) return keep_ragged(*ragged, kept);
  const auto* sparse = std::get_if<SparseTensor>(&feature);
  if (sparse != nullptr && sparse->rank() >= 2) return keep_sparse(*sparse, kept);
  throw InvalidArgument(
      "steps can be left out of ragged and sparse features only: a dense array does not say where "
      "its rows end");
}

}  // namespace weft
