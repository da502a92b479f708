#include "sequence/counts_writer.h"

#include <algorithm>

namespace weft {

CountsWriter::CountsWriter(int64_t width, int64_t cells, int64_t most, DType dtype)
    : out_{width, Tensor(DType::kInt64, {cells + 1}), Tensor(DType::kInt64, {most}),
           Tensor(dtype, {most})},
      splits_(out_.splits.mutable_values<int64_t>().data()),
      ids_(out_.ids.mutable_values<int64_t>().data()) {
  *splits_ = 0;
  if (dtype == DType::kFloat64) {
    doubles_ = out_.counts.mutable_values<double>().data();
  } else {
    floats_ = out_.counts.mutable_values<float>().data();
  }
}

void CountsWriter::skip(int64_t cells) {
  for (int64_t i = 0; i < cells; ++i) *++splits_ = count_;
}

// Sums as an indicator's column of the dense output has them: in the order of the ids' coming.
template <class T>
void CountsWriter::write_cell(T* counts) {
  if (cell_.size() > 1) std::ranges::stable_sort(cell_, {}, &std::pair<int64_t, double>::first);
  const int64_t begin = count_;
  for (const auto& [id, weight] : cell_) {
    if (count_ == begin || ids_[count_ - 1] != id) {
      ids_[count_] = id;
      counts[count_++] = 0;
    }
    counts[count_ - 1] += static_cast<T>(weight);
  }
}

void CountsWriter::end_cell() {
  floats_ != nullptr ? write_cell(floats_) : write_cell(doubles_);
  cell_.clear();
  *++splits_ = count_;
}

IdCounts CountsWriter::finish() {
  out_.ids = Tensor::from_buffer(DType::kInt64, {count_}, out_.ids.buffer());
  out_.counts = Tensor::from_buffer(out_.counts.dtype(), {count_}, out_.counts.buffer());
  return std::move(out_);
}

}  // namespace weft
