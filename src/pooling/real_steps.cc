#include "pooling/real_steps.h"

#include <algorithm>
#include <string>

#include "base/thread_pool.h"

namespace weft {

RealSteps::RealSteps(const Tensor& inputs, const PoolingArguments& arguments) {
  const int64_t batch = inputs.dim(0), steps = inputs.dim(1);
  int64_t cells = 0;
  if (__builtin_mul_overflow(batch, steps, &cells) ||
      std::max(batch, cells) > Limits{}.max_batch_values) {
    throw LimitExceeded("pooling over " + std::to_string(batch) + " rows of " +
                        std::to_string(steps) + " steps; the limit is " +
                        std::to_string(Limits{}.max_batch_values) + " in all");
  }
  if (arguments.mask && arguments.lengths)
    throw InvalidArgument("pooling takes either mask or lengths, not both");
  splits_.reserve(static_cast<size_t>(batch) + 1);
  if (arguments.mask) {
    check_mask(*arguments.mask, batch, steps);
    const uint8_t* real = arguments.mask->buffer().data();
    for (int64_t row = 0; row < batch; ++row) add_row(row * steps, steps, real + row * steps);
  } else if (arguments.lengths) {
    const Tensor lengths = checked_lengths(*arguments.lengths, batch, steps);
    for (int64_t row = 0; row < batch; ++row)
      add_row(row * steps, lengths.values<int64_t>()[static_cast<size_t>(row)]);
  } else {
    for (int64_t row = 0; row < batch; ++row) add_row(row * steps, steps);
  }
}

void RealSteps::add_row(int64_t first_cell, int64_t steps) {
  for (int64_t step = 0; step < steps; ++step) cells_.push_back(first_cell + step);
  splits_.push_back(std::ssize(cells_));
}

void RealSteps::add_row(int64_t first_cell, int64_t steps, const uint8_t* real) {
  for (int64_t step = 0; step < steps; ++step) {
    if (real[step] != 0) cells_.push_back(first_cell + step);
  }
  splits_.push_back(std::ssize(cells_));
}

std::vector<int64_t> RealSteps::sources(int64_t width) const {
  std::vector<int64_t> sources(cells_);
  for (int64_t& source : sources) source *= width;
  return sources;
}

void check_histories(const Tensor& tensor, const char* what) {
  if (tensor.dtype() != DType::kFloat32 && tensor.dtype() != DType::kFloat64) {
    throw WrongType(std::string(what) + " must be float32 or float64, got " +
                    dtype_name(tensor.dtype()));
  }
  if (tensor.rank() != 3) {
    throw InvalidArgument(std::string(what) + " must have shape [B, T, D], got " +
                          shape_string(tensor.shape()));
  }
}

void for_rows(const Tensor& inputs, const std::function<void(int64_t, int64_t)>& body) {
  const int64_t rows = inputs.dim(0);
  const int64_t bytes = inputs.size() / std::max<int64_t>(1, rows) * dtype_size(inputs.dtype());
  base::parallel_for(rows, base::grain_of_bytes(bytes), body);
}

}  // namespace weft
