// SequenceFeatures on 512 rows of 1-50 steps (mean 17), D = 16: ids as VarLen gives them, into an
// output that is used again and into a fresh one; and what a dense numpy array of ids costs.
#include "weft/sequence.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <random>

#include "weft/config.h"

namespace weft {
namespace {

constexpr int64_t kRows = 512, kLongest = 50;

// Geometric lengths, cut at the longest: the mean is about 17.
std::vector<int64_t> some_lengths() {
  std::mt19937 random(1);
  std::geometric_distribution<int64_t> length(1.0 / 19);
  std::vector<int64_t> lengths(kRows);
  for (int64_t& n : lengths) n = std::clamp<int64_t>(1 + length(random), 1, kLongest);
  lengths[0] = kLongest;
  return lengths;
}

Ragged some_ids(int64_t buckets, uint32_t seed) {
  const std::vector<int64_t> lengths = some_lengths();
  std::mt19937_64 random(seed);
  std::vector<int64_t> ids;
  for (int64_t n : lengths) {
    for (int64_t i = 0; i < n; ++i)
      ids.push_back(static_cast<int64_t>(random() % static_cast<uint64_t>(buckets)));
  }
  return Ragged::from_row_lengths(
      Tensor::of<int64_t>({static_cast<int64_t>(ids.size())}, std::span<const int64_t>(ids)),
      Tensor::of<int64_t>({kRows}, std::span<const int64_t>(lengths)));
}

struct Setup {
  Features features;
  std::vector<Column> columns;
  int64_t tokens = 0;
};

Setup setup(int64_t columns, int64_t buckets) {
  Setup made;
  for (int64_t i = 0; i < columns; ++i) {
    const std::string key = "k" + std::to_string(i);
    const Ragged ids = some_ids(buckets, static_cast<uint32_t>(i));
    made.tokens += ids.values().size();
    made.features.emplace(key, SparseTensor::from_ragged(ids));
    made.columns.push_back(
        embedding_column(sequence_categorical_column_with_identity(key, buckets), 16));
  }
  return made;
}

void per_token(benchmark::State& state, int64_t tokens) {
  state.counters["ns/token"] = benchmark::Counter(
      static_cast<double>(tokens) * 1e-9,
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

// Arguments: columns, buckets, whether the output is used again, threads.
void sequence_features(benchmark::State& state) {
  const Setup given = setup(state.range(0), state.range(1));
  const SequenceFeatures layer(given.columns);
  set_num_threads(static_cast<int>(state.range(3)));
  Sequence out;
  for (auto _ : state) {
    if (state.range(2) == 0) out = Sequence();
    layer(given.features, out);
    benchmark::DoNotOptimize(out.data.buffer().data());
  }
  per_token(state, given.tokens);
}
BENCHMARK(sequence_features)
    ->ArgNames({"columns", "V", "reuse", "threads"})
    ->Args({1, 1000, 0, 1})
    ->Args({1, 1000, 1, 1})
    ->Args({1, 100000, 0, 1})
    ->Args({1, 1000, 0, 2})
    ->Args({8, 1000, 0, 1})
    ->Args({8, 1000, 1, 1})
    ->Args({8, 100000, 0, 1})
    ->Args({8, 1000, 0, 2})
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();

void sequence_features_dense(benchmark::State& state) {
  const Ragged ragged = some_ids(1000, 1);
  Tensor ids(DType::kInt64, {kRows, kLongest});
  std::ranges::fill(ids.mutable_values<int64_t>(), -1);
  for (int64_t row = 0; row < kRows; ++row) {
    const auto begin = ragged.row_splits()[static_cast<size_t>(row)],
               end = ragged.row_splits()[static_cast<size_t>(row) + 1];
    std::copy(ragged.values<int64_t>().begin() + begin, ragged.values<int64_t>().begin() + end,
              ids.mutable_values<int64_t>().begin() + row * kLongest);
  }
  const SequenceFeatures layer(
      {embedding_column(sequence_categorical_column_with_identity("a", 1000), 16)});
  const Features features{{"a", ids}};
  for (auto _ : state) benchmark::DoNotOptimize(layer(features).data.buffer().data());
  per_token(state, ragged.values().size());
}
BENCHMARK(sequence_features_dense)->Unit(benchmark::kMicrosecond);

void column_ids_in_range(benchmark::State& state) {
  const Features features{{"a", some_ids(1000, 1)}};
  const Column column = sequence_categorical_column_with_identity("a", 1000);
  for (auto _ : state) benchmark::DoNotOptimize(column_ids(*column, features).values().size());
}
BENCHMARK(column_ids_in_range)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace weft

BENCHMARK_MAIN();
