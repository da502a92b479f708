// Which steps of which rows are run, and in which order.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "weft/rnn.h"

namespace weft {

// Real steps in the order of processing: step t of the input is processed at time t, or at
// T - 1 - t with go_backwards. Masked steps are left out, because they change no state.
class Schedule {
 public:
  // Throws as RNN::operator() does for a bad mask or bad lengths; LimitExceeded for 2^31 rows or
  // steps and more.
  Schedule(int64_t batch, int64_t steps, const RNNArguments& arguments, const RNNOptions& options);

  int64_t batch() const { return static_cast<int64_t>(rows_.size()); }
  int64_t steps() const { return steps_; }
  int64_t tokens() const { return tokens_; }
  // The row that stands at place i: rows by falling number of real steps.
  int64_t row(int64_t place) const { return order_[static_cast<size_t>(place)]; }
  int64_t length(int64_t row) const { return rows_[static_cast<size_t>(row)].count; }
  // Times of the row's real steps, rising.
  std::span<const int32_t> times(int64_t row) const {
    const Row& r = rows_[static_cast<size_t>(row)];
    return {times_.data() + r.first, static_cast<size_t>(r.count)};
  }

 private:
  struct Row {
    int64_t first, count;  // in times_
  };

  void take_mask(const Tensor& mask, int64_t batch, const RNNOptions& options);
  void take_lengths(const Tensor& lengths, int64_t batch, bool backwards);
  void sort();

  int64_t steps_;
  int64_t tokens_ = 0;
  // 0, 1, ... T - 1 first, which serve all rows without holes; then the times of rows with holes.
  std::vector<int32_t> times_;
  std::vector<Row> rows_;
  std::vector<int64_t> order_;
};

}  // namespace weft
