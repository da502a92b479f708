// SparseFeature: values at the places that other features of the record name.
#include <algorithm>
#include <numeric>
#include <utility>

#include "example/assemble.h"
#include "weft/error.h"

namespace weft {
namespace {

Tensor permuted(const Tensor& values, const std::vector<int64_t>& order) {
  if (values.dtype() == DType::kString) {
    std::vector<std::string_view> strings;
    strings.reserve(order.size());
    for (int64_t i : order) strings.push_back(values.bytes()[i]);
    return Tensor::strings(values.shape(), Bytes::from(strings));
  }
  Tensor result(values.dtype(), values.shape());
  const auto size = static_cast<size_t>(dtype_size(values.dtype()));
  const uint8_t* from = values.buffer().data();
  const auto copy = [&](auto* to, const auto* source) {
    for (size_t i = 0; i < order.size(); ++i) to[i] = source[order[i]];
  };
  if (size == 8) {
    copy(result.mutable_values<int64_t>().data(), reinterpret_cast<const int64_t*>(from));
  } else {
    copy(result.mutable_values<float>().data(), reinterpret_cast<const float*>(from));
  }
  return result;
}

class SparseBuilder {
 public:
  SparseBuilder(const Plan& plan, const Output& output, const std::vector<SlotColumn>& columns)
      : plan_(plan),
        output_(output),
        columns_(columns),
        feature_(std::get<SparseFeature>(*output.spec)),
        values_(columns[output.values]),
        rank_(feature_.size.size()),
        n_(static_cast<size_t>(values_.values.size())),
        rows_(n_),
        order_(n_) {}

  SparseTensor build(bool single) {
    check();
    std::iota(order_.begin(), order_.end(), 0);
    if (!feature_.already_sorted) sort();
    const auto width = static_cast<int64_t>(rank_) + (single ? 0 : 1);
    Tensor indices(DType::kInt64, {static_cast<int64_t>(n_), width});
    int64_t* to = indices.mutable_values<int64_t>().data();
    for (int64_t i : order_) {
      if (!single) *to++ = rows_[static_cast<size_t>(i)];
      for (size_t d = 0; d < rank_; ++d) *to++ = index(d, i);
    }
    Shape shape = feature_.size;
    if (!single) shape.insert(shape.begin(), static_cast<int64_t>(values_.splits().size()) - 1);
    const bool same = std::ranges::is_sorted(order_);
    return SparseTensor::trusted(std::move(indices),
                                 same ? values_.values : permuted(values_.values, order_),
                                 std::move(shape));
  }

 private:
  int64_t index(size_t d, int64_t i) const {
    return columns_[output_.others[d]].values.values<int64_t>()[static_cast<size_t>(i)];
  }

  // As many indices as values in every record, each inside its dimension.
  void check() {
    const auto splits = values_.splits();
    for (size_t d = 0; d < rank_; ++d) {
      const SlotColumn& column = columns_[output_.others[d]];
      const std::string& key = plan_.slots()[output_.others[d]].key;
      for (size_t row = 0; row + 1 < splits.size(); ++row) {
        const int64_t begin = splits[row], end = splits[row + 1];
        const int64_t found = column.splits()[row + 1] - column.splits()[row];
        if (found != end - begin) {
          throw InvalidArgument(std::to_string(found) + " indices for the " +
                                    std::to_string(end - begin) + " values of '" +
                                    escape_bytes(feature_.value_key) + "'",
                                {.key = key, .row = static_cast<int64_t>(row)});
        }
        for (int64_t i = begin; i < end; ++i) {
          rows_[static_cast<size_t>(i)] = static_cast<int64_t>(row);
          if (index(d, i) >= 0 && index(d, i) < feature_.size[d]) continue;
          throw OutOfRange("index " + std::to_string(index(d, i)) + " outside [0, " +
                               std::to_string(feature_.size[d]) + ")",
                           {.key = key, .row = static_cast<int64_t>(row), .step = i - begin});
        }
      }
    }
  }

  void sort() {
    const auto before = [this](int64_t a, int64_t b) {
      if (rows_[static_cast<size_t>(a)] != rows_[static_cast<size_t>(b)]) return a < b;
      for (size_t d = 0; d < rank_; ++d) {
        if (index(d, a) != index(d, b)) return index(d, a) < index(d, b);
      }
      return false;
    };
    if (!std::ranges::is_sorted(order_, before)) std::ranges::stable_sort(order_, before);
  }

  const Plan& plan_;
  const Output& output_;
  const std::vector<SlotColumn>& columns_;
  const SparseFeature& feature_;
  const SlotColumn& values_;
  size_t rank_;
  size_t n_;
  std::vector<int64_t> rows_;  // of each value
  std::vector<int64_t> order_;
};

}  // namespace

Feature assemble_sparse(const Plan& plan, const Output& output,
                        const std::vector<SlotColumn>& columns, bool single) {
  return SparseBuilder(plan, output, columns).build(single);
}

}  // namespace weft
