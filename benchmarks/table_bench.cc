// Lookups: gather of 131,072 uniform ids from 1,000,000 x 64, and bags of 17 combined, from
// 1,000,000 x 64 and 100,000 x 16; what fits the caches beside it.
#include "weft/table.h"

#include <benchmark/benchmark.h>

#include <random>

#include "weft/config.h"

namespace weft {
namespace {

Tensor some_table(int64_t rows, int64_t dimension) {
  Tensor table(DType::kFloat32, {rows, dimension});
  float value = 0;
  for (float& element : table.mutable_values<float>()) element = value += 0.5f;
  return table;
}

Tensor some_ids(int64_t n, int64_t rows) {
  std::mt19937_64 random(1);
  Tensor ids(DType::kInt64, {n});
  for (int64_t& id : ids.mutable_values<int64_t>())
    id = static_cast<int64_t>(random() % static_cast<uint64_t>(rows));
  return ids;
}

void per_row(benchmark::State& state, int64_t rows) {
  state.counters["ns/row"] = benchmark::Counter(
      static_cast<double>(rows) * 1e-9,
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

// Arguments: V, D, ids, threads.
void gather(benchmark::State& state) {
  const EmbeddingTable table(some_table(state.range(0), state.range(1)));
  const Tensor ids = some_ids(state.range(2), state.range(0));
  set_num_threads(static_cast<int>(state.range(3)));
  Tensor out;
  for (auto _ : state) {
    lookup(table, ids, out);
    benchmark::DoNotOptimize(out.buffer().data());
  }
  per_row(state, state.range(2));
}
BENCHMARK(gather)
    ->ArgNames({"V", "D", "n", "threads"})
    ->Args({1000000, 64, 131072, 1})
    ->Args({1000000, 64, 131072, 2})
    ->Args({100000, 16, 131072, 1})
    ->Args({1000, 16, 16384, 1})
    ->Args({1000, 10, 16384, 1})
    ->Args({1000, 64, 16384, 1})
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();

// Bags of 17 ids each. Arguments: V, D, bags, threads.
void bag_mean(benchmark::State& state) {
  const EmbeddingTable table(some_table(state.range(0), state.range(1)));
  const int64_t bags = state.range(2);
  Tensor lengths(DType::kInt64, {bags});
  for (int64_t& length : lengths.mutable_values<int64_t>()) length = 17;
  const Ragged ids = Ragged::from_row_lengths(some_ids(17 * bags, state.range(0)), lengths);
  set_num_threads(static_cast<int>(state.range(3)));
  Tensor out;
  for (auto _ : state) {
    lookup(table, ids, nullptr, out);
    benchmark::DoNotOptimize(out.buffer().data());
  }
  per_row(state, 17 * bags);
}
BENCHMARK(bag_mean)
    ->ArgNames({"V", "D", "bags", "threads"})
    ->Args({1000000, 64, 8192, 1})
    ->Args({1000000, 64, 8192, 2})
    ->Args({100000, 16, 8192, 1})
    ->Args({100000, 16, 8192, 2})
    ->Args({1000, 16, 960, 1})
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();

}  // namespace
}  // namespace weft

BENCHMARK_MAIN();
