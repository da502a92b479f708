#include <algorithm>

#include "sequence/parts.h"

namespace weft {
namespace {

// Bags of ids as counts of each id, bag i being [splits[i], splits[i + 1]).
class Counts {
 public:
  Counts(const DenseColumn& column, const IdWeightPair& pair, DType dtype)
      : column_(column),
        buckets_(column.ids_column()->num_buckets()),
        wide_(dtype == DType::kFloat64),
        ids_(pair.ids.values<int64_t>().data()),
        weights_(pair.weights ? pair.weights->values<float>().data() : nullptr),
        most_(pair.ids.values().size()) {}

  int64_t buckets() const { return buckets_; }

  int64_t most() const { return most_; }

  // Writes the counts of ids [begin, end) to cell `cell`; `row` and `step` say where for an error.
  void write(int64_t begin, int64_t end, const Cells& out, int64_t cell, int64_t row,
             int64_t step) const {
    if (wide_) {
      add(begin, end, static_cast<double*>(out.data) + cell * out.stride, row, step);
    } else {
      add(begin, end, static_cast<float*>(out.data) + cell * out.stride, row, step);
    }
  }
  // The same as the next cell of `to`.
  void write(int64_t begin, int64_t end, CountsWriter& to, int64_t row, int64_t step) const {
    each(begin, end, row, step, [&](int64_t id, float weight) { to.put(id, weight); });
    to.end_cell();
  }

 private:
  template <class T>
  void add(int64_t begin, int64_t end, T* to, int64_t row, int64_t step) const {
    std::fill_n(to, buckets_, T{0});
    each(begin, end, row, step,
         [&](int64_t id, float weight) { to[id] += static_cast<T>(weight); });
  }

  template <class F>
  void each(int64_t begin, int64_t end, int64_t row, int64_t step, const F& f) const {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t id = ids_[i];
      if (static_cast<uint64_t>(id) < static_cast<uint64_t>(buckets_)) {
        f(id, weights_ == nullptr ? 1.f : weights_[i]);
      } else if (id != -1) {
        refuse_id(column_, row, step, id, buckets_);
      }
    }
  }

  const DenseColumn& column_;
  int64_t buckets_;
  bool wide_;
  const int64_t* ids_;
  const float* weights_;
  int64_t most_;
};

class IndicatorSequence final : public SequencePart {
 public:
  IndicatorSequence(Counts counts, const IdWeightPair& pair)
      : SequencePart(pair.ids.rows(), pair.steps, counts.buckets()),
        counts_(counts),
        splits_(pair.ids.row_splits().data()),
        inner_(pair.ids.levels() == 2 ? pair.ids.row_splits(1).data() : nullptr) {}

  int64_t length(int64_t row) const override { return splits_[row + 1] - splits_[row]; }

  void write(int64_t row, int64_t first, int64_t count, const Cells& out) const override {
    each_step(row, first, count, [&](int64_t i, int64_t begin, int64_t end) {
      counts_.write(begin, end, out, i, row, first + i);
    });
  }

  int64_t counted() const override { return counts_.most(); }
  void count(int64_t row, int64_t first, int64_t count, CountsWriter& to) const override {
    each_step(row, first, count, [&](int64_t i, int64_t begin, int64_t end) {
      counts_.write(begin, end, to, row, first + i);
    });
  }

 private:
  template <class F>
  void each_step(int64_t row, int64_t first, int64_t count, const F& f) const {
    for (int64_t i = 0; i < count; ++i) {
      const int64_t step = splits_[row] + first + i;
      f(i, inner_ == nullptr ? step : inner_[step],
        inner_ == nullptr ? step + 1 : inner_[step + 1]);
    }
  }

  Counts counts_;
  const int64_t* splits_;
  const int64_t* inner_;
};

class IndicatorDense final : public DensePart {
 public:
  IndicatorDense(Counts counts, const IdWeightPair& pair)
      : DensePart(pair.ids.rows(), counts.buckets()),
        counts_(counts),
        splits_(pair.ids.row_splits().data()) {}

  void write(int64_t begin, int64_t end, const Cells& out) const override {
    for (int64_t row = begin; row < end; ++row) {
      counts_.write(splits_[row], splits_[row + 1], out, row - begin, row, -1);
    }
  }

  int64_t counted() const override { return counts_.most(); }
  void count(int64_t begin, int64_t end, CountsWriter& to) const override {
    for (int64_t row = begin; row < end; ++row)
      counts_.write(splits_[row], splits_[row + 1], to, row, -1);
  }

 private:
  Counts counts_;
  const int64_t* splits_;
};

SequencePartPtr counts_of_steps(const DenseColumn& column, const PartSource& source) {
  const IdWeightPair& pair = source.ids.of(*column.ids_column());
  return std::make_unique<IndicatorSequence>(Counts(column, pair, source.dtype), pair);
}

DensePartPtr counts_of_rows(const DenseColumn& column, const PartSource& source) {
  const IdWeightPair& pair = source.ids.of(*column.ids_column());
  return std::make_unique<IndicatorDense>(Counts(column, pair, source.dtype), pair);
}

}  // namespace

SequencePartPtr IndicatorColumn::sequence_part(const PartSource& source) const {
  return counts_of_steps(*this, source);
}

DensePartPtr IndicatorColumn::dense_part(const PartSource& source) const {
  return counts_of_rows(*this, source);
}

// One-hot vectors side by side are the counts of the column's ids.
SequencePartPtr BucketizedColumn::sequence_part(const PartSource& source) const {
  return counts_of_steps(*this, source);
}

DensePartPtr BucketizedColumn::dense_part(const PartSource& source) const {
  return counts_of_rows(*this, source);
}

}  // namespace weft
