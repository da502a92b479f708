#include <cmath>
#include <vector>

#include "base/row_groups.h"
#include "weft/table.h"

namespace weft {
namespace {

// The gradient of x * max_norm / |x|, where |x| is larger than max_norm, becomes that of x.
template <class T>
void clip_backward(const T* x, T* grad, int64_t n, double max_norm) {
  double squared = 0, along = 0;
  for (int64_t i = 0; i < n; ++i) {
    squared += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    along += static_cast<double>(x[i]) * static_cast<double>(grad[i]);
  }
  const double norm = std::sqrt(squared);
  if (!(norm > max_norm)) return;
  for (int64_t i = 0; i < n; ++i) {
    grad[i] = static_cast<T>(
        max_norm / norm *
        (static_cast<double>(grad[i]) - along / squared * static_cast<double>(x[i])));
  }
}

}  // namespace

class TableGradient::Entries {
 public:
  virtual ~Entries() = default;
  virtual void gather(const int64_t* ids, int64_t count, const void* grad, int64_t stride) = 0;
  virtual void combine(const int64_t* ids, const float* weights, const int64_t* splits,
                       int64_t bags, const void* grad, int64_t stride) = 0;
  virtual IndexedSlices sum() const = 0;
};

template <class T>
class TableGradient::EntriesOf final : public Entries {
 public:
  explicit EntriesOf(EmbeddingTable table) : table_(std::move(table)) {}

  void gather(const int64_t* ids, int64_t count, const void* grad, int64_t stride) override {
    const T* const rows = static_cast<const T*>(grad);
    if (first_ == nullptr) first_ = rows;
    for (int64_t i = 0; i < count; ++i) {
      if (!has(ids[i])) continue;
      entries_.ids.push_back(ids[i]);
      entries_.sources.push_back(rows - first_ + i * stride);
    }
  }

  void combine(const int64_t* ids, const float* weights, const int64_t* splits, int64_t bags,
               const void* grad, int64_t stride) override {
    const T* row = static_cast<const T*>(grad);
    for (int64_t bag = 0; bag < bags; ++bag, row += stride)
      add_bag(ids, weights, splits[bag], splits[bag + 1], row);
  }

  IndexedSlices sum() const override {
    const base::RowGroups<T> groups(entries_, table_.rows());
    const int64_t width = table_.dimension(), n = std::ssize(groups.ids());
    IndexedSlices sums{Tensor::of<int64_t>({n}, groups.ids()),
                       Tensor(table_.dtype(), {n, width}),
                       {table_.rows(), width}};
    T* const to = sums.values.mutable_values<T>().data();
    groups.sum(first_ == nullptr ? divided_.data() : first_, width, to);
    if (!table_.options().max_norm) return sums;
    const T* const rows = table_.values().template values<T>().data();
    for (int64_t i = 0; i < n; ++i) {
      clip_backward(rows + groups.ids()[static_cast<size_t>(i)] * width, to + i * width, width,
                    *table_.options().max_norm);
    }
    return sums;
  }

 private:
  bool has(int64_t id) const {
    return static_cast<uint64_t>(id) < static_cast<uint64_t>(table_.rows());
  }

  // All rows of a bag get its gradient, divided as its sum was, and each times its weight.
  void add_bag(const int64_t* ids, const float* weights, int64_t begin, int64_t end,
               const T* grad) {
    const Combiner combiner = table_.options().combiner;
    T divisor = 0;
    const auto source = static_cast<int64_t>(divided_.size());
    const size_t before = entries_.ids.size();
    for (int64_t i = begin; i < end; ++i) {
      const T weight = weights == nullptr ? T(1) : static_cast<T>(weights[i]);
      if (!has(ids[i]) || (combiner != Combiner::kSum && !(weight > 0))) continue;
      entries_.ids.push_back(ids[i]);
      entries_.sources.push_back(source);
      if (weights != nullptr) entries_.weights.push_back(weight);
      divisor += combiner == Combiner::kMean ? weight : weight * weight;
    }
    if (entries_.ids.size() == before) return;
    if (combiner == Combiner::kSqrtn) divisor = std::sqrt(divisor);
    if (combiner == Combiner::kSum) divisor = 1;
    for (int64_t j = 0; j < table_.dimension(); ++j) divided_.push_back(grad[j] / divisor);
  }

  const EmbeddingTable table_;
  base::RowEntries<T> entries_;
  std::vector<T> divided_;    // gradients of bags; their entries' sources point into it
  const T* first_ = nullptr;  // or the first gradient that gather() was given
};

TableGradient::TableGradient(EmbeddingTable table) {
  if (table.dtype() == DType::kFloat32) {
    entries_ = std::make_unique<EntriesOf<float>>(std::move(table));
  } else {
    entries_ = std::make_unique<EntriesOf<double>>(std::move(table));
  }
}
TableGradient::TableGradient(TableGradient&&) noexcept = default;
TableGradient::~TableGradient() = default;

void TableGradient::gather(const int64_t* ids, int64_t count, const void* grad, int64_t stride) {
  entries_->gather(ids, count, grad, stride);
}

void TableGradient::combine(const int64_t* ids, const float* weights, const int64_t* splits,
                            int64_t bags, const void* grad, int64_t stride) {
  entries_->combine(ids, weights, splits, bags, grad, stride);
}

IndexedSlices TableGradient::sum() const { return entries_->sum(); }

}  // namespace weft
