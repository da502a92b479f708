#include <algorithm>
#include <cmath>

#include "sequence/parts.h"
#include "weft/table.h"

namespace weft {
namespace {

EmbeddingTable table_of(const EmbeddingColumn& column, const PartSource& source) {
  const EmbeddingOptions& options = column.options();
  EmbeddingTable table(source.table->value, {options.combiner, options.max_norm});
  const Shape wanted{column.categorical().num_buckets(), column.dimension()};
  if (source.table->value.shape() == wanted && table.dtype() == source.dtype) return table;
  throw InvalidArgument("the weights '" + escape_bytes(source.table->name) + "' must be " +
                        dtype_name(source.dtype) + " " + shape_string(wanted) + ", got " +
                        dtype_name(table.dtype()) + " " + shape_string(table.values().shape()));
}

const float* weights_of(const IdWeightPair& pair) {
  return pair.weights ? pair.weights->values<float>().data() : nullptr;
}

// The bags of a sequence's steps; null if each step is one id without weight, which need no sum.
const int64_t* bags_of(const IdWeightPair& pair) {
  if (pair.ids.levels() == 1) return nullptr;
  const auto bags = pair.ids.row_splits(1);
  const bool one_each = !pair.weights && bags.back() == std::ssize(bags) - 1 &&
                        std::ranges::adjacent_find(bags, [](int64_t begin, int64_t end) {
                          return end != begin + 1;
                        }) == bags.end();
  return one_each ? nullptr : bags.data();
}

// Puts the ids of the bag [begin, end) into the next cell, each with the number that the combiner
// multiplies its row by. Returns -1, or the position of an id outside the table.
int64_t put_bag(const EmbeddingTable& table, const int64_t* ids, const float* weights,
                int64_t begin, int64_t end, CountsWriter& to) {
  const Combiner combiner = table.options().combiner;
  const auto each = [&](const auto& read) -> int64_t {
    for (int64_t i = begin; i < end; ++i) {
      const double weight = weights == nullptr ? 1 : weights[i];
      if (ids[i] == -1 || (combiner != Combiner::kSum && !(weight > 0))) continue;
      if (static_cast<uint64_t>(ids[i]) >= static_cast<uint64_t>(table.rows())) return i;
      read(ids[i], weight);
    }
    return -1;
  };
  double divisor = 0;
  const int64_t bad = each([&](int64_t, double weight) {
    divisor += combiner == Combiner::kMean ? weight : weight * weight;
  });
  if (bad >= 0) return bad;
  if (combiner == Combiner::kSum) divisor = 1;
  if (combiner == Combiner::kSqrtn) divisor = std::sqrt(divisor);
  each([&](int64_t id, double weight) { to.put(id, weight / divisor); });
  to.end_cell();
  return -1;
}

class EmbeddingSequence final : public SequencePart {
 public:
  EmbeddingSequence(const DenseColumn& column, const IdWeightPair& pair, EmbeddingTable table)
      : SequencePart(pair.ids.rows(), pair.steps, table.dimension()),
        column_(column),
        table_(std::move(table)),
        ids_(pair.ids.values<int64_t>()),
        weights_(weights_of(pair)),
        splits_(pair.ids.row_splits().data()),
        inner_(bags_of(pair)) {}

  int64_t length(int64_t row) const override { return splits_[row + 1] - splits_[row]; }

  void write(int64_t row, int64_t first, int64_t count, const Cells& out) const override {
    const int64_t begin = splits_[row] + first;
    if (inner_ != nullptr) {
      const int64_t bad =
          table_.combine(ids_.data(), weights_, inner_ + begin, count, out.data, out.stride);
      if (bad >= 0)
        fail(row, std::upper_bound(inner_ + begin, inner_ + begin + count, bad) - inner_ - 1, bad);
      return;
    }
    const auto ahead = static_cast<int64_t>(ids_.size()) - begin;
    const int64_t done =
        table_.gather({ids_.data() + begin, count, ahead}, out.data, out.stride, out.stream);
    if (done < count) fail(row, begin + done, begin + done);
  }

  std::optional<IdBounds> looked_up() const override {
    return IdBounds{table_.rows(), std::ssize(ids_)};
  }
  void count(int64_t row, int64_t first, int64_t count, CountsWriter& to) const override {
    for (int64_t step = splits_[row] + first; step < splits_[row] + first + count; ++step) {
      const int64_t begin = inner_ == nullptr ? step : inner_[step];
      const int64_t end = inner_ == nullptr ? step + 1 : inner_[step + 1];
      const int64_t bad =
          put_bag(table_, ids_.data(), inner_ == nullptr ? nullptr : weights_, begin, end, to);
      if (bad >= 0) fail(row, step, bad);
    }
  }

  std::optional<IndexedSlices> backward(std::span<const StepCells> rows,
                                        int64_t stride) const override {
    TableGradient gradient(table_);
    for (size_t row = 0; row < rows.size(); ++row) {
      const auto& [first, count, at] = rows[row];
      const int64_t begin = splits_[row] + first;
      if (inner_ != nullptr) {
        gradient.combine(ids_.data(), weights_, inner_ + begin, count, at, stride);
      } else {
        gradient.gather(ids_.data() + begin, count, at, stride);
      }
    }
    return gradient.sum();
  }

 private:
  [[noreturn]] void fail(int64_t row, int64_t step, int64_t at) const {
    refuse_id(column_, row, step - splits_[row], ids_[static_cast<size_t>(at)], table_.rows());
  }

  const DenseColumn& column_;
  EmbeddingTable table_;
  std::span<const int64_t> ids_;
  const float* weights_;
  const int64_t* splits_;
  const int64_t* inner_;
};

class EmbeddingDense final : public DensePart {
 public:
  EmbeddingDense(const DenseColumn& column, const IdWeightPair& pair, EmbeddingTable table)
      : DensePart(pair.ids.rows(), table.dimension()),
        column_(column),
        table_(std::move(table)),
        ids_(pair.ids.values<int64_t>().data()),
        weights_(weights_of(pair)),
        splits_(pair.ids.row_splits().data()),
        most_(pair.ids.values().size()) {}

  void write(int64_t begin, int64_t end, const Cells& out) const override {
    const int64_t bad =
        table_.combine(ids_, weights_, splits_ + begin, end - begin, out.data, out.stride);
    if (bad < 0) return;
    const int64_t row = std::upper_bound(splits_ + begin, splits_ + end, bad) - splits_ - 1;
    refuse_id(column_, row, bad - splits_[row], ids_[bad], table_.rows());
  }

  std::optional<IdBounds> looked_up() const override { return IdBounds{table_.rows(), most_}; }
  void count(int64_t begin, int64_t end, CountsWriter& to) const override {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t bad = put_bag(table_, ids_, weights_, splits_[row], splits_[row + 1], to);
      if (bad >= 0) refuse_id(column_, row, bad - splits_[row], ids_[bad], table_.rows());
    }
  }

  std::optional<IndexedSlices> backward(const void* grad, int64_t stride) const override {
    TableGradient gradient(table_);
    gradient.combine(ids_, weights_, splits_, rows(), grad, stride);
    return gradient.sum();
  }

 private:
  const DenseColumn& column_;
  EmbeddingTable table_;
  const int64_t* ids_;
  const float* weights_;
  const int64_t* splits_;
  int64_t most_;
};

}  // namespace

SequencePartPtr EmbeddingColumn::sequence_part(const PartSource& source) const {
  return std::make_unique<EmbeddingSequence>(*this, source.ids.of(categorical()),
                                             table_of(*this, source));
}

DensePartPtr EmbeddingColumn::dense_part(const PartSource& source) const {
  return std::make_unique<EmbeddingDense>(*this, source.ids.of(categorical()),
                                          table_of(*this, source));
}

}  // namespace weft
