// parse_example on the parse workloads of workloads.json, and parse_sequence_example on the first,
// batches of 512 records; then the decoding
// of varints alone. WEFT_ISA=plain|v2|v3 for the other instruction sets.
#include "weft/example.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "base/varint.h"
#include "tests/example_bytes.h"
#include "weft/config.h"

namespace weft {
namespace {

using testing::entry;

constexpr size_t kBatch = 512, kBatches = 8;

struct Group {
  const char* name;
  int count;
  DType dtype;
  int mean;        // of a lognormal length; 0: one value
  uint64_t below;  // of integers; the longest of strings, which have at least 8 bytes
};

struct Workload {
  const char* name;
  std::vector<Group> groups;
  bool shuffled = false;
};

const std::vector<Workload>& workloads() {
  static const std::vector<Group> a{{"history", 4, DType::kInt64, 50, 1000000},
                                    {"count", 8, DType::kInt64, 0, 128},
                                    {"score", 4, DType::kFloat32, 0, 0}};
  static const std::vector<Workload> all{
      {"a", a},
      {"a_random", a, true},
      {"b", {{"history", 2, DType::kInt64, 200, 1000000}}},
      {"c",
       {{"float", 13, DType::kFloat32, 0, 0},
        {"int", 14, DType::kInt64, 0, 1000000},
        {"string", 26, DType::kString, 0, 8}}},
      {"d", {{"history", 2, DType::kString, 50, 20}}},
  };
  return all;
}

class Maker {
 public:
  explicit Maker(const Workload& workload) : workload_(workload) {}

  ParseSpec spec() const {
    ParseSpec spec;
    each([&](const Group& group, const std::string& key) {
      if (group.mean > 0) spec[key] = VarLenFeature{group.dtype};
      if (group.mean == 0) spec[key] = FixedLenFeature{{}, group.dtype, {}};
    });
    return spec;
  }

  // Histories as feature lists of one value a step, the other features as context.
  ParseSpec lists() const {
    ParseSpec lists = spec();
    std::erase_if(lists, [](const auto& item) {
      return !std::holds_alternative<VarLenFeature>(item.second);
    });
    return lists;
  }
  ParseSpec context() const {
    ParseSpec context = spec();
    std::erase_if(context, [](const auto& item) {
      return std::holds_alternative<VarLenFeature>(item.second);
    });
    return context;
  }

  std::string sequence_record() {
    std::string context, lists;
    each([&](const Group& group, const std::string& key) {
      if (group.mean == 0) {
        context += entry(key, feature(group));
        return;
      }
      std::string steps;
      for (size_t n = length(group); n > 0; --n)
        steps += testing::block(1, testing::ints({static_cast<int64_t>(random_() % group.below)}));
      lists += entry(key, steps);
    });
    return testing::block(1, context) + testing::block(2, lists);
  }

  std::string record() {
    std::vector<std::string> entries;
    each([&](const Group& group, const std::string& key) {
      entries.push_back(entry(key, feature(group)));
    });
    if (workload_.shuffled) std::shuffle(entries.begin(), entries.end(), random_);
    return testing::example(entries);
  }

 private:
  template <class F>
  void each(const F& f) const {
    for (const Group& group : workload_.groups) {
      for (int i = 0; i < group.count; ++i)
        f(group, std::string(group.name) + "_" + std::to_string(i));
    }
  }

  size_t length(const Group& group) {
    if (group.mean == 0) return 1;
    constexpr double kSigma = 0.8;
    std::lognormal_distribution<double> lengths(std::log(group.mean) - kSigma * kSigma / 2, kSigma);
    return static_cast<size_t>(std::max(1.0, std::round(lengths(random_))));
  }

  std::string feature(const Group& group) {
    const size_t n = length(group);
    if (group.dtype == DType::kFloat32) {
      return testing::floats(std::vector<float>(n, static_cast<float>(random_() % 1000)));
    }
    if (group.dtype == DType::kInt64) {
      std::vector<int64_t> values(n);
      for (int64_t& value : values) value = static_cast<int64_t>(random_() % group.below);
      return testing::ints(values);
    }
    std::vector<std::string> values(n);
    for (std::string& value : values) {
      value.resize(8 + random_() % (group.below - 7));
      for (char& c : value) c = static_cast<char>('a' + random_() % 26);
    }
    return testing::strings(values);
  }

  const Workload& workload_;
  std::mt19937_64 random_{11};
};

void per_item(benchmark::State& state, size_t items) {
  state.counters["s/item"] =
      benchmark::Counter(static_cast<double>(items), benchmark::Counter::kIsIterationInvariantRate |
                                                         benchmark::Counter::kInvert);
}

// Arguments: workload, threads.
void parse(benchmark::State& state) {
  const Workload& workload = workloads()[static_cast<size_t>(state.range(0))];
  Maker maker(workload);
  std::vector<std::string> records;
  while (records.size() < kBatch * kBatches) records.push_back(maker.record());
  const std::vector<std::string_view> views(records.begin(), records.end());
  const ExampleParser parser(maker.spec());
  set_num_threads(static_cast<int>(state.range(1)));
  size_t batch = 0;
  for (auto _ : state) {
    const Features features =
        parser.parse(std::span(views).subspan(batch % kBatches * kBatch, kBatch));
    benchmark::DoNotOptimize(&features);
    ++batch;
  }
  state.SetLabel(workload.name);
  per_item(state, kBatch);
}
BENCHMARK(parse)
    ->ArgNames({"workload", "threads"})
    ->ArgsProduct({{0, 1, 2, 3, 4}, {1, 2}})
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();

// Workload a as SequenceExamples. Argument: threads.
void parse_sequences(benchmark::State& state) {
  Maker maker(workloads()[0]);
  std::vector<std::string> records;
  while (records.size() < kBatch * kBatches) records.push_back(maker.sequence_record());
  const std::vector<std::string_view> views(records.begin(), records.end());
  const SequenceExampleParser parser(maker.context(), maker.lists());
  set_num_threads(static_cast<int>(state.range(0)));
  size_t batch = 0;
  for (auto _ : state) {
    const ParsedSequenceExamples parsed =
        parser.parse(std::span(views).subspan(batch % kBatches * kBatch, kBatch));
    benchmark::DoNotOptimize(&parsed);
    ++batch;
  }
  per_item(state, kBatch);
}
BENCHMARK(parse_sequences)
    ->ArgName("threads")
    ->Arg(1)
    ->Arg(2)
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();

// One record at a time. Argument: workload.
void parse_single(benchmark::State& state) {
  Maker maker(workloads()[static_cast<size_t>(state.range(0))]);
  const ExampleParser parser(maker.spec());
  const std::string record = maker.record();
  for (auto _ : state) {
    const Features features = parser.parse_single(record);
    benchmark::DoNotOptimize(&features);
  }
}
BENCHMARK(parse_single)->DenseRange(0, 4)->Unit(benchmark::kMicrosecond);

// Runs of varints. Arguments: bits of the values, values in a run.
void decode_varints(benchmark::State& state) {
  std::mt19937_64 random(1);
  std::vector<std::string> runs(200);
  for (std::string& run : runs) {
    for (int64_t i = 0; i < state.range(1); ++i)
      run += testing::varint(random() >> (64 - state.range(0)));
  }
  std::vector<uint64_t> values(static_cast<size_t>(state.range(1)));
  VarintDecode* const decode = base::varint_decoder();
  for (auto _ : state) {
    for (const std::string& run : runs) {
      decode(reinterpret_cast<const uint8_t*>(run.data()), static_cast<int64_t>(run.size()),
             values.data());
    }
    benchmark::DoNotOptimize(values.data());
  }
  per_item(state, runs.size() * values.size());
}
BENCHMARK(decode_varints)
    ->ArgNames({"bits", "n"})
    ->ArgsProduct({{7, 14, 20, 34, 63}, {5, 50, 200}});

}  // namespace
}  // namespace weft

BENCHMARK_MAIN();
