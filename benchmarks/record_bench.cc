// Reading and writing record files: 100,000 records of about 808 bytes, mostly small varints, from
// the page cache, in batches of 512.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <random>
#include <string>

#include "base/crc32c.h"
#include "weft/record.h"

namespace weft {
namespace {

const std::vector<std::string>& records() {
  static const std::vector<std::string> made = [] {
    std::mt19937 random(1);
    std::vector<std::string> list(100'000);
    for (auto& record : list) {
      const size_t size = 608 + random() % 400;
      while (record.size() < size) {
        uint32_t id = static_cast<uint32_t>(1e6 / (1 + random() % 1'000'000));
        for (; id >= 128; id >>= 7) record += static_cast<char>(id | 128);
        record += static_cast<char>(id);
      }
    }
    return list;
  }();
  return made;
}

void write(const std::string& path, RecordWriterOptions options) {
  RecordWriter writer(path, options);
  for (const auto& record : records()) writer.write(record);
  writer.close();
}

std::string file(Compression compression) {
  static const char* const kNames[] = {"", "plain", "gzip", "zlib"};
  const std::string path =
      (std::filesystem::temp_directory_path() / "weft_record_bench.").string() +
      kNames[static_cast<int>(compression)];
  if (!std::filesystem::exists(path)) write(path, {.compression = compression});
  return path;
}

// Arguments: compression, read_ahead, verify_crc.
void read_records(benchmark::State& state) {
  const std::string path = file(static_cast<Compression>(state.range(0)));
  int64_t bytes = 0;
  for (auto _ : state) {
    RecordReader reader(path,
                        {.verify_crc = state.range(2) != 0, .read_ahead = state.range(1) != 0});
    RecordBatch batch;
    while (reader.next(batch, 512)) benchmark::DoNotOptimize(batch.records().data());
    bytes += reader.counters().bytes;
  }
  state.SetBytesProcessed(bytes);
}
BENCHMARK(read_records)
    ->ArgNames({"compression", "ahead", "crc"})
    ->Args({1, 0, 1})
    ->Args({1, 1, 1})
    ->Args({1, 0, 0})
    ->Args({2, 0, 1})
    ->Args({2, 1, 1})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

void write_records(benchmark::State& state) {
  const std::string path =
      (std::filesystem::temp_directory_path() / "weft_record_bench.out").string();
  for (auto _ : state)
    write(path, {.compression = static_cast<Compression>(state.range(0)), .level = 1});
  int64_t bytes = 0;
  for (const auto& record : records()) bytes += static_cast<int64_t>(record.size());
  state.SetBytesProcessed(bytes * static_cast<int64_t>(state.iterations()));
  std::filesystem::remove(path);
}
BENCHMARK(write_records)
    ->ArgName("compression")
    ->Arg(1)
    ->Arg(2)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

void crc32c(benchmark::State& state) {
  const std::string data(static_cast<size_t>(state.range(0)), 'x');
  for (auto _ : state) benchmark::DoNotOptimize(base::crc32c(data.data(), state.range(0)));
  state.SetBytesProcessed(state.range(0) * static_cast<int64_t>(state.iterations()));
}
BENCHMARK(crc32c)->Arg(8)->Arg(100)->Arg(808)->Arg(1 << 18);

}  // namespace
}  // namespace weft

BENCHMARK_MAIN();
