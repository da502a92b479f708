// Vocabulary lookup: 131,072 random keys, a tenth of them out of vocabulary, in vocabularies of
// 100,000 to 10,000,000 entries, in memory and in a mapped table file; and opening the file.
#include "weft/vocabulary.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "weft/config.h"

namespace weft {
namespace {

constexpr int64_t kKeys = 131072;
constexpr int kBatches = 16;  // one alone would have its entries in the cache

Tensor as_entries(std::vector<int64_t> numbers, bool strings) {
  const auto n = static_cast<int64_t>(numbers.size());
  if (!strings) return Tensor::of<int64_t>({n}, std::span<const int64_t>(numbers));
  std::vector<std::string> texts;
  texts.reserve(numbers.size());
  for (int64_t number : numbers) {
    char text[32];
    std::snprintf(text, sizeof text, "item_%09lld", static_cast<long long>(number));
    texts.emplace_back(text);
  }
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  return Tensor::strings({n}, Bytes::from(views));
}

int64_t number(int64_t i) { return i * 7919 + 13; }

// The table files of this run, in a folder that goes with it.
class Folder {
 public:
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "weft_vocabulary_bench_XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::string path_of(int64_t entries, bool strings) {
  static const Folder folder;
  return folder.path() / (std::to_string(entries) + (strings ? "s" : "i"));
}

const Vocabulary& vocabulary(int64_t entries, bool strings, bool mapped) {
  static std::map<std::pair<int64_t, int>, Vocabulary> made;
  const auto key = std::pair(entries, strings * 2 + mapped);
  if (const auto found = made.find(key); found != made.end()) return found->second;
  if (mapped) {
    vocabulary(entries, strings, false).save(path_of(entries, strings));
    return made.emplace(key, Vocabulary::open(path_of(entries, strings))).first->second;
  }
  std::vector<int64_t> numbers(static_cast<size_t>(entries));
  std::mt19937_64 random(1);
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = number(static_cast<int64_t>(i));
  std::shuffle(numbers.begin(), numbers.end(), random);
  return made.emplace(key, Vocabulary::from_entries(as_entries(std::move(numbers), strings)))
      .first->second;
}

// Arguments: entries, strings, mapped, threads.
void look_up(benchmark::State& state) {
  const bool strings = state.range(1) != 0;
  const Vocabulary& table = vocabulary(state.range(0), strings, state.range(2) != 0);
  std::mt19937_64 random(2);
  std::vector<Tensor> batches;
  for (int i = 0; i < kBatches; ++i) {
    std::vector<int64_t> numbers(kKeys);
    for (auto& key : numbers)
      key = number(static_cast<int64_t>(random() % static_cast<uint64_t>(state.range(0)))) +
            (random() % 10 == 0);
    batches.push_back(as_entries(std::move(numbers), strings));
  }
  std::vector<int64_t> ids(kKeys);
  set_num_threads(static_cast<int>(state.range(3)));
  size_t turn = 0;
  for (auto _ : state) {
    table.lookup(batches[turn++ % kBatches], ids.data());
    benchmark::DoNotOptimize(ids.data());
  }
  state.counters["ns/key"] = benchmark::Counter(
      static_cast<double>(kKeys) * 1e-9,
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(look_up)
    ->ArgNames({"V", "strings", "mapped", "threads"})
    ->ArgsProduct({{100000, 1000000, 10000000}, {0}, {0, 1}, {1}})
    ->ArgsProduct({{100000, 1000000}, {1}, {0, 1}, {1}})
    ->Args({1000000, 0, 0, 2})
    ->Args({1000000, 1, 0, 2})
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();

void open_file(benchmark::State& state) {
  const bool strings = state.range(1) != 0;
  vocabulary(state.range(0), strings, true);
  const std::string path = path_of(state.range(0), strings);
  for (auto _ : state) benchmark::DoNotOptimize(Vocabulary::open(path, {.size = 10}));
}
BENCHMARK(open_file)->Args({10000000, 0})->Args({1000000, 1})->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace weft

BENCHMARK_MAIN();
