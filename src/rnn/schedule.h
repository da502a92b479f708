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
  // Throws as RNN::operator() does for a bad mask or bad lengths.
  Schedule(int64_t batch, int64_t steps, const RNNArguments& arguments, const RNNOptions& options);

  int64_t batch() const { return static_cast<int64_t>(splits_.size()) - 1; }
  int64_t steps() const { return steps_; }
  int64_t tokens() const { return splits_.back(); }
  // The row that stands at place i: rows by falling number of real steps.
  int64_t row(int64_t place) const { return order_[static_cast<size_t>(place)]; }
  int64_t length(int64_t row) const {
    return splits_[static_cast<size_t>(row) + 1] - splits_[static_cast<size_t>(row)];
  }
  // Times of the row's real steps, rising.
  std::span<const int64_t> times(int64_t row) const {
    return {times_.data() + splits_[static_cast<size_t>(row)], static_cast<size_t>(length(row))};
  }

 private:
  void take_all(int64_t batch);
  void take_mask(const Tensor& mask, int64_t batch, const RNNOptions& options);
  void take_lengths(const Tensor& lengths, int64_t batch, bool backwards);
  void sort();

  int64_t steps_;
  std::vector<int64_t> splits_, times_, order_;
};

}  // namespace weft
