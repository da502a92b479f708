#include "rnn/forward.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <utility>

#include "base/thread_pool.h"
#include "rnn/block.h"

namespace weft {
namespace {

constexpr int64_t kMaxBlockRows = 48;
constexpr int64_t kBlockStep = 24;          // a multiple of every tile's height
constexpr int64_t kBlocksPerThread = 4;     // they even out what is left of the differences in cost
constexpr int64_t kChunkBytes = 192 << 10;  // of projected inputs: they stay in the L2 cache
constexpr int64_t kGrainCells = 2048;       // whose sparse inputs are masked
constexpr double kSerialFlops = 2e6;        // ~20 us: less is not worth waking a thread

template <class T>
RnnLayer<T> make_layer(const CellData& cell, const LayerDropout& dropout,
                       const InputSets<T>& inputs, const RNNArguments& arguments, States& result,
                       size_t& state, bool backward) {
  RnnLayer<T> layer;
  layer.dropout = dropout;
  layer.plan = make_plan<T>(cell, inputs, static_cast<bool>(dropout.recurrent), backward);
  const auto take = [&](const T*& first, T*& last) {
    if (!arguments.initial_state.empty()) first = arguments.initial_state[state].values<T>().data();
    if (!result.state.empty()) last = result.state[state].mutable_values<T>().data();
    ++state;
  };
  take(layer.h0, layer.h_last);
  if (layer.plan->has_c()) take(layer.c0, layer.c_last);
  return layer;
}

// How many numbers a step brings, the zeros of sparse inputs not counted.
template <class T>
double depth_of(const RnnJob<T>& job) {
  const double cells = static_cast<double>(job.schedule.batch() * job.schedule.steps());
  double depth = 0;
  for (const base::Operand<T>& part : job.inputs[0]) {
    depth += part.sparse() ? static_cast<double>(part.entries) / std::max(1.0, cells)
                           : static_cast<double>(part.depth);
  }
  return depth;
}

double flops_per_token(const CellData& cell, double depth) {
  double flops = 0;
  for (size_t layer = 0; layer < cell.layers(); ++layer) {
    const auto units = static_cast<double>(cell.layer(layer).units);
    flops += 2.0 * (depth + units) * static_cast<double>(cell.layer(layer).gates()) * units;
    depth = units;
  }
  return flops;
}

// Multiplies the counts of sparse inputs by their masks.
template <class T>
void drop_counts(RnnJob<T>& job) {
  const LayerDropout& dropout = job.layers[0].dropout;
  const int64_t sets = dropout.input_masks, batch = job.schedule.batch();
  int64_t width = 0;
  for (const base::Operand<T>& part : job.inputs[0]) width += part.depth;
  for (int64_t set = 0; set < sets && dropout.inputs; ++set) {
    int64_t column = 0;
    for (base::Operand<T>& part : job.inputs[static_cast<size_t>(set)]) {
      const int64_t first = std::exchange(column, column + part.depth);
      if (!part.sparse()) continue;
      auto& dropped = job.dropped_counts.emplace_back(static_cast<size_t>(part.entries));
      const int64_t cells = batch * job.schedule.steps();
      base::parallel_for(cells, kGrainCells, [&](int64_t begin, int64_t end) {
        for (int64_t cell = begin; cell < end; ++cell) {
          const int64_t row = cell / job.x_row % batch;
          const uint64_t element = dropout.element(row, sets, set, width);
          for (int64_t i = part.splits[cell]; i < part.splits[cell + 1]; ++i) {
            const double mask =
                dropout.inputs(element + static_cast<uint64_t>(first + part.columns[i]));
            dropped[static_cast<size_t>(i)] = part.values[i] * static_cast<T>(mask);
          }
        }
      });
      part.values = dropped.data();
    }
  }
}

}  // namespace

template <class T>
RnnJob<T> make_job(const CellData& cell, const Schedule& schedule, const Blocks& inputs,
                   const RNNArguments& arguments, const RNNOptions& options, States& result,
                   bool backward) {
  RnnJob<T> job{schedule, options, {}};
  const int64_t batch = schedule.batch(), steps = schedule.steps();
  job.x_row = options.time_major ? 1 : steps;
  job.x_step = options.time_major ? batch : 1;
  job.out = result.outputs.mutable_values<T>().data();
  job.units = cell.units;
  job.out_row = options.return_sequences && !options.time_major ? steps * job.units : job.units;
  job.out_step = options.time_major ? batch * job.units : job.units;
  size_t state = 0;
  std::vector<base::Operand<T>> below = inputs.operands<T>();
  for (size_t layer = 0; layer < cell.layers(); ++layer) {
    const CellData& one = cell.layer(layer);
    const LayerDropout dropout = make_dropout(cell, layer, arguments);
    InputSets<T> sets(static_cast<size_t>(dropout.input_masks), below);
    job.layers.push_back(make_layer<T>(one, dropout, sets, arguments, result, state, backward));
    if (job.inputs.empty()) job.inputs = std::move(sets);
    below = {{.depth = one.units}};
  }
  drop_counts(job);
  int64_t widest = 1;
  for (const RnnLayer<T>& layer : job.layers) widest = std::max(widest, layer.plan->ld_p());
  job.backward = backward;
  job.chunk_tokens = backward ? std::numeric_limits<int64_t>::max()
                              : std::max<int64_t>(1, kChunkBytes / (widest * int64_t{sizeof(T)}));
  return job;
}

template <class T>
int64_t threads_for(const RnnJob<T>& job, const CellData& cell, double passes) {
  const double flops =
      static_cast<double>(job.schedule.tokens()) * flops_per_token(cell, depth_of(job));
  return passes * flops < kSerialFlops ? 1 : base::num_threads();
}

std::vector<int64_t> cut_blocks(const Schedule& schedule, int64_t threads) {
  const int64_t batch = schedule.batch();
  const int64_t share =
      threads == 1 ? schedule.tokens() : schedule.tokens() / (kBlocksPerThread * threads);
  std::vector<int64_t> begins = {0};
  int64_t tokens = 0;
  for (int64_t i = 0; i < batch; ++i) {
    const int64_t rows = i - begins.back();
    if (rows == kMaxBlockRows || (rows > 0 && rows % kBlockStep == 0 && tokens >= share)) {
      begins.push_back(i);
      tokens = 0;
    }
    tokens += schedule.length(schedule.row(i));
  }
  begins.push_back(batch);
  return begins;
}

namespace {

template <class T>
void run(const RnnJob<T>& job, const CellData& cell) {
  const int64_t threads = threads_for(job, cell, 1);
  const std::vector<int64_t> begins = cut_blocks(job.schedule, threads);
  const int64_t blocks = static_cast<int64_t>(begins.size()) - 1;
  const auto block = [&](int64_t i) {
    Block<T>(job, begins[static_cast<size_t>(i)], begins[static_cast<size_t>(i) + 1]).run();
  };
  if (threads == 1) {
    for (int64_t i = 0; i < blocks; ++i) block(i);
    return;
  }
  std::atomic<int64_t> next{0};  // one block at a time: the first ones cost the most
  base::parallel_for(std::min(threads, blocks), 1, [&](int64_t begin, int64_t end) {
    for (int64_t worker = begin; worker < end; ++worker) {
      for (int64_t i = next.fetch_add(1); i < blocks; i = next.fetch_add(1)) block(i);
    }
  });
}

}  // namespace

void run_forward(const CellData& cell, const Schedule& schedule, const Blocks& inputs,
                 const RNNArguments& arguments, const RNNOptions& options, States& result) {
  if (cell.dtype == DType::kFloat32) {
    run(make_job<float>(cell, schedule, inputs, arguments, options, result, false), cell);
  } else {
    run(make_job<double>(cell, schedule, inputs, arguments, options, result, false), cell);
  }
}

template RnnJob<float> make_job(const CellData&, const Schedule&, const Blocks&,
                                const RNNArguments&, const RNNOptions&, States&, bool);
template RnnJob<double> make_job(const CellData&, const Schedule&, const Blocks&,
                                 const RNNArguments&, const RNNOptions&, States&, bool);
template int64_t threads_for(const RnnJob<float>&, const CellData&, double);
template int64_t threads_for(const RnnJob<double>&, const CellData&, double);

}  // namespace weft
