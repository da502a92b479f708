#include "rnn/schedule.h"

#include <limits>
#include <numeric>
#include <string>

namespace weft {
namespace {

int64_t count_real(const uint8_t* steps, int64_t n, int64_t stride) {
  int64_t count = 0;
  if (stride == 1) {  // in a loop that the compiler makes vectors of
    for (int64_t i = 0; i < n; ++i) count += steps[i] != 0 ? 1 : 0;
  } else {
    for (int64_t i = 0; i < n; ++i) count += steps[i * stride] != 0 ? 1 : 0;
  }
  return count;
}

}  // namespace

Schedule::Schedule(int64_t batch, int64_t steps, const RNNArguments& arguments,
                   const RNNOptions& options)
    : steps_(steps) {
  constexpr int64_t most = std::numeric_limits<int32_t>::max();
  if (batch > most || steps > most) {
    throw LimitExceeded("inputs of " + std::to_string(batch) + " rows and " +
                        std::to_string(steps) + " steps: each must be below 2^31");
  }
  if (arguments.mask && arguments.lengths) {
    throw InvalidArgument("an RNN takes either mask or lengths, not both");
  }
  times_.resize(batch == 0 ? 0 : static_cast<size_t>(steps));
  std::iota(times_.begin(), times_.end(), 0);
  if (arguments.mask) {
    check_mask(*arguments.mask, batch, steps, options.time_major);
    take_mask(*arguments.mask, batch, options);
  } else if (arguments.lengths) {
    take_lengths(*arguments.lengths, batch, options.go_backwards);
  } else {
    rows_.assign(static_cast<size_t>(batch), {0, steps});
  }
  for (const Row& row : rows_) tokens_ += row.count;
  sort();
}

void Schedule::take_mask(const Tensor& mask, int64_t batch, const RNNOptions& options) {
  // Bytes, because whoever owns the mask may have put other values than 0 and 1 there.
  const uint8_t* real = mask.buffer().data();
  const int64_t row_stride = options.time_major ? 1 : steps_;
  const int64_t step_stride = options.time_major ? batch : 1;
  rows_.reserve(static_cast<size_t>(batch));
  for (int64_t row = 0; row < batch; ++row) {
    const uint8_t* steps = real + row * row_stride;
    const bool backwards = options.go_backwards;
    const int64_t count = count_real(steps, steps_, step_stride);
    // Most rows have one run of real steps, at either end.
    const int64_t others = (steps_ - count) * step_stride;
    const bool at_start = count_real(steps, count, step_stride) == count;
    if (at_start || count_real(steps + others, count, step_stride) == count) {
      rows_.push_back({at_start != backwards ? 0 : steps_ - count, count});
      continue;
    }
    const auto begin = static_cast<int64_t>(times_.size());
    for (int64_t time = 0; time < steps_; ++time) {
      const int64_t step = backwards ? steps_ - 1 - time : time;
      if (steps[step * step_stride] != 0) times_.push_back(static_cast<int32_t>(time));
    }
    // Not `count`: whoever owns the mask may write to it meanwhile.
    rows_.push_back({begin, std::ssize(times_) - begin});
  }
}

void Schedule::take_lengths(const Tensor& lengths, int64_t batch, bool backwards) {
  const Tensor own = checked_lengths(lengths, batch, steps_);
  rows_.reserve(static_cast<size_t>(batch));
  for (int64_t row = 0; row < batch; ++row) {
    const int64_t length = own.values<int64_t>()[static_cast<size_t>(row)];
    rows_.push_back({backwards ? steps_ - length : 0, length});
  }
}

// A counting sort, stable.
void Schedule::sort() {
  const int64_t n = batch();
  const auto rank = [&](int64_t row) { return static_cast<size_t>(steps_ - length(row)); };
  order_.resize(static_cast<size_t>(n));
  if (n == 0) return;
  std::vector<int64_t> starts(static_cast<size_t>(steps_) + 2, 0);
  for (int64_t row = 0; row < n; ++row) ++starts[rank(row) + 1];
  for (size_t i = 1; i < starts.size(); ++i) starts[i] += starts[i - 1];
  for (int64_t row = 0; row < n; ++row) order_[static_cast<size_t>(starts[rank(row)]++)] = row;
}

}  // namespace weft
