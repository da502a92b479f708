// One block of rows through all its steps.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "rnn/plan.h"
#include "rnn/schedule.h"

namespace weft {

template <class T>
struct RnnLayer {
  std::unique_ptr<CellPlan<T>> plan;
  const T *h0 = nullptr, *c0 = nullptr;    // [B][units], null for zeros
  T *h_last = nullptr, *c_last = nullptr;  // [B][units], null if nobody asked
};

// A call: what all blocks share. Strides are of rows (of the batch) and of steps; those of the
// output in elements.
template <class T>
struct RnnJob {
  const Schedule& schedule;
  const RNNOptions& options;
  std::vector<RnnLayer<T>> layers;
  // Step t of row b is cell b * x_row + t * x_step of each of the inputs, which stand side by side.
  std::vector<base::Operand<T>> inputs;
  int64_t x_row = 0, x_step = 0;
  T* out = nullptr;  // [B][units], or with return_sequences one per step
  int64_t units = 0, out_row = 0, out_step = 0;
  int64_t chunk_tokens = 1;  // about as many are projected at once
};

// Rows at places begin to end - 1 of the schedule.
template <class T>
void run_block(const RnnJob<T>& job, int64_t begin, int64_t end);

}  // namespace weft
