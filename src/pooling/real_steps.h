// The real steps of a batch of histories.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "weft/pooling.h"

namespace weft {

class RealSteps {
 public:
  // Of inputs [B, T, D]. Throws as pool() does for a bad mask or bad lengths.
  RealSteps(const Tensor& inputs, const PoolingArguments& arguments);

  int64_t rows() const { return std::ssize(splits_) - 1; }
  int64_t count() const { return std::ssize(cells_); }
  int64_t count(int64_t row) const { return splits(row)[1] - splits(row)[0]; }
  // Row i has the real steps splits[i] to splits[i + 1] - 1.
  const int64_t* splits(int64_t row) const { return splits_.data() + row; }
  // Where each begins in a tensor [B, T, width].
  std::vector<int64_t> sources(int64_t width) const;

 private:
  void add_row(int64_t first_cell, int64_t steps);
  void add_row(int64_t first_cell, int64_t steps, const uint8_t* real);

  std::vector<int64_t> splits_ = {0};
  std::vector<int64_t> cells_;  // row * T + step
};

// Throws unless these are float32 or float64 of rank 3.
void check_histories(const Tensor& tensor, const char* what);

// body(begin, end) over the rows of these histories, in parallel.
void for_rows(const Tensor& inputs, const std::function<void(int64_t, int64_t)>& body);

}  // namespace weft
