#include "weft/dataset.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "tests/record_files.h"

namespace weft {
namespace {

using namespace testing_files;
using Names = std::vector<std::string>;

// File k holds the records "k.0", "k.1", ...
class DatasetTest : public testing::Test {
 protected:
  Names files(const std::vector<int>& sizes) {
    Names paths;
    for (size_t k = 0; k < sizes.size(); ++k) {
      std::vector<std::string> records;
      for (int i = 0; i < sizes[k]; ++i)
        records.push_back(std::to_string(k) + "." + std::to_string(i));
      paths.push_back(put(folder_ / ("f" + std::to_string(k)), frames(records)));
    }
    return paths;
  }

  const Folder folder_;
};

Names all(const Dataset& dataset, RecordCounters* counters = nullptr) {
  RecordStream stream(dataset);
  Names found;
  RecordBatch batch;
  while (stream.next(batch))
    found.insert(found.end(), batch.records().begin(), batch.records().end());
  EXPECT_FALSE(stream.next(batch));
  if (counters != nullptr) *counters = stream.counters();
  return found;
}

std::vector<Names> batches(const Dataset& dataset) {
  RecordStream stream(dataset);
  std::vector<Names> found;
  RecordBatch batch;
  while (stream.next(batch)) found.push_back(strings(batch));
  return found;
}

// tf.data's InterleaveDataset, written as it describes itself, one record at a time.
Names interleaved(std::vector<int> sizes, size_t cycle, int block) {
  std::vector<int> open(cycle, -1);
  std::vector<int> at(sizes.size(), 0);
  size_t slot = 0;
  int in_block = 0, next = 0, live = 0;
  Names order;
  const auto advance = [&] {
    slot = (slot + 1) % cycle;
    in_block = 0;
  };
  while (next < static_cast<int>(sizes.size()) || live > 0) {
    if (open[slot] >= 0) {
      const auto file = static_cast<size_t>(open[slot]);
      if (at[file] < sizes[file]) {
        order.push_back(std::to_string(file) + "." + std::to_string(at[file]++));
        if (++in_block == block) advance();
      } else {
        open[slot] = -1;
        --live;
        advance();
      }
    } else if (next < static_cast<int>(sizes.size())) {
      open[slot] = next++;
      ++live;
    } else {
      advance();
    }
  }
  return order;
}

TEST_F(DatasetTest, FilesOneAfterAnother) {
  const Dataset dataset = Dataset::records(files({3, 0, 2}));
  EXPECT_EQ(all(dataset), (Names{"0.0", "0.1", "0.2", "2.0", "2.1"}));
  EXPECT_EQ(all(dataset).size(), 5u);  // again
  EXPECT_TRUE(all(Dataset::records({})).empty());
  RecordCounters counters;
  all(dataset, &counters);
  EXPECT_EQ(counters, (RecordCounters{.records = 5, .bytes = 15}));
}

TEST_F(DatasetTest, InterleavesAsTensorFlow) {
  const std::vector<int> sizes = {5, 0, 9, 1, 30, 2, 7, 600};
  const Names paths = files(sizes);
  for (size_t cycle : {1, 2, 3, 4, 8, 20}) {
    for (int block : {1, 2, 3, 10, 300}) {
      const Dataset dataset =
          Dataset::records(paths).interleave(static_cast<int64_t>(cycle), block);
      const Names expected = interleaved(sizes, cycle, block);
      ASSERT_EQ(all(dataset), expected) << cycle << " " << block;
      ASSERT_EQ(all(dataset.batch(7)), expected) << cycle << " " << block;
    }
  }
}

TEST_F(DatasetTest, StepsActInTheOrderOfTheCalls) {
  const Dataset dataset = Dataset::records(files({10, 10}));
  EXPECT_EQ(all(dataset.skip(8).take(4)), (Names{"0.8", "0.9", "1.0", "1.1"}));
  EXPECT_EQ(all(dataset.take(4).skip(3)), (Names{"0.3"}));
  EXPECT_EQ(all(dataset.shard(3, 1).take(3)), (Names{"0.1", "0.4", "0.7"}));
  EXPECT_EQ(all(dataset.take(3).shard(3, 1)), (Names{"0.1"}));
  EXPECT_EQ(all(dataset.shard(2, 1).shard(2, 1).skip(1).take(2)), (Names{"0.7", "1.1"}));
  EXPECT_EQ(all(dataset.take(-1)).size(), 20u);
  EXPECT_TRUE(all(dataset.skip(-1)).empty());
  EXPECT_TRUE(all(dataset.take(0)).empty());
  EXPECT_TRUE(all(dataset.skip(20)).empty());
  EXPECT_EQ(all(dataset.take(INT64_MAX).batch(3).take(INT64_MAX)).size(), 20u);
}

TEST_F(DatasetTest, ShardsAreAPartition) {
  const Names paths = files({100, 3, 0, 700, 41});
  const Dataset dataset = Dataset::records(paths).interleave(2, 3);
  Names whole = all(dataset), joined;
  for (int64_t i = 0; i < 4; ++i) {
    const Names part = all(dataset.shard(4, i));
    for (size_t k = 0; k < part.size(); ++k)
      ASSERT_EQ(part[k], whole[4 * k + static_cast<size_t>(i)]);
    joined.insert(joined.end(), part.begin(), part.end());
  }
  std::sort(joined.begin(), joined.end());
  std::sort(whole.begin(), whole.end());
  EXPECT_EQ(joined, whole);
  EXPECT_EQ(Dataset::records(paths).shard_files(2, 1).files(), (Names{paths[1], paths[3]}));
  EXPECT_TRUE(Dataset::records(paths).shard_files(9, 8).files().empty());
}

TEST_F(DatasetTest, Batches) {
  const Dataset dataset = Dataset::records(files({4, 3}));
  EXPECT_EQ(batches(dataset.batch(3)),
            (std::vector<Names>{{"0.0", "0.1", "0.2"}, {"0.3", "1.0", "1.1"}, {"1.2"}}));
  EXPECT_EQ(batches(dataset.batch(3, true)).size(), 2u);
  EXPECT_EQ(batches(dataset.batch(3).skip(1).take(1)), (std::vector<Names>{{"0.3", "1.0", "1.1"}}));
  EXPECT_EQ(batches(dataset.batch(3).shard(2, 0)),
            (std::vector<Names>{{"0.0", "0.1", "0.2"}, {"1.2"}}));
  EXPECT_EQ(batches(dataset.batch(3, true).shard(2, 0)),
            (std::vector<Names>{{"0.0", "0.1", "0.2"}}));
  EXPECT_EQ(batches(dataset.shard(2, 0).batch(3)),
            (std::vector<Names>{{"0.0", "0.2", "1.0"}, {"1.2"}}));
}

TEST_F(DatasetTest, BatchesKnowTheirFiles) {
  const Names paths = files({300, 300});
  RecordStream stream(Dataset::records(paths).interleave(2).batch(600));
  RecordBatch batch;
  ASSERT_TRUE(stream.next(batch));
  for (int64_t i = 0; i < 600; ++i) {
    ASSERT_EQ(batch.file(i), paths[static_cast<size_t>(i % 2)]);
    ASSERT_EQ(batch.number(i), i / 2);
  }
}

TEST_F(DatasetTest, ShufflesFiles) {
  const Names paths = files(std::vector<int>(40, 1));
  const Dataset dataset = Dataset::records(paths);
  const Names once = dataset.shuffle_files(7).files();
  EXPECT_EQ(dataset.shuffle_files(7).files(), once);
  EXPECT_NE(dataset.shuffle_files(8).files(), once);
  EXPECT_NE(once, paths);
  Names sorted = once, expected = paths;
  std::sort(sorted.begin(), sorted.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(sorted, expected);
  EXPECT_EQ(Names(once.begin(), once.begin() + 3),
            (Names{folder_ / "f14", folder_ / "f16",
                   folder_ / "f38"}));  // for good: a seed means an order
}

TEST_F(DatasetTest, RefusesWhatCannotWork) {
  const Dataset dataset = Dataset::records(files({1}));
  EXPECT_THROW(dataset.shard(0, 0), InvalidArgument);
  EXPECT_THROW(dataset.shard(2, 2), InvalidArgument);
  EXPECT_THROW(dataset.shard_files(2, -1), InvalidArgument);
  EXPECT_THROW(dataset.skip(-2), InvalidArgument);
  EXPECT_THROW(dataset.take(-2), InvalidArgument);
  EXPECT_THROW(dataset.batch(0), InvalidArgument);
  EXPECT_THROW(dataset.batch(2).batch(2), InvalidArgument);
  EXPECT_THROW(dataset.interleave(0), InvalidArgument);
  EXPECT_THROW(dataset.interleave(2).interleave(2), InvalidArgument);
  EXPECT_THROW(dataset.take(2).shuffle_files(1), InvalidArgument);
  EXPECT_THROW(dataset.batch(2).interleave(2), InvalidArgument);
  EXPECT_THROW(BatchStream{dataset}, InvalidArgument);
}

TEST_F(DatasetTest, ErrorsComeInTheirTurn) {
  Names paths = files({3, 3});
  paths.insert(paths.begin() + 1, folder_ / "nothing");
  RecordStream records(Dataset::records(paths));
  RecordBatch batch;
  ASSERT_TRUE(records.next(batch));
  EXPECT_EQ(batch.size(), 3);
  EXPECT_THROW(records.next(batch), NotFound);
  EXPECT_THROW(records.next(batch), NotFound);
  RecordStream fours(Dataset::records(paths).batch(4));  // the batch is lost
  EXPECT_THROW(fours.next(batch), NotFound);
  RecordStream three(Dataset::records(paths).take(3));  // never gets there
  EXPECT_TRUE(three.next(batch));
  EXPECT_FALSE(three.next(batch));
}

TEST_F(DatasetTest, SkipsAndCountsOverFiles) {
  const Names paths = files({5, 5});
  for (const auto& path : paths) {
    std::string bytes = get(path);
    bytes[12] = 'X';
    put(path, bytes);
  }
  std::vector<Where> places;
  const RecordOptions options = {.on_error = OnError::kSkip,
                                 .on_skip = [&](const Error& e) { places.push_back(e.where()); }};
  RecordCounters counters;
  const Names left = all(Dataset::records(paths, options).interleave(2).shard(2, 0), &counters);
  EXPECT_EQ(left, (Names{"0.1", "0.2", "0.3", "0.4"}));
  EXPECT_EQ(counters.skipped, 2);
  EXPECT_EQ(counters.records, 8);
  ASSERT_EQ(places.size(), 2u);
  EXPECT_EQ(places[1].file, paths[1]);
  EXPECT_EQ(places[1].record, 0);
}

TEST_F(DatasetTest, DroppedInTheMiddle) {
  const Names paths = files(std::vector<int>(6, 60'000));
  for (int n : {0, 1, 5}) {
    RecordStream stream(Dataset::records(paths).interleave(4, 16).batch(1000));
    RecordBatch batch;
    for (int i = 0; i < n; ++i) ASSERT_TRUE(stream.next(batch));
  }
}

// --- Parsing -------------------------------------------------------------------------------------

class DatasetParseTest : public DatasetTest {
 protected:
  // Examples with the int64 feature "n": 0, 1, ...
  std::string examples(const std::string& name, int64_t n) {
    std::string bytes;
    for (int64_t i = 0; i < n; ++i) {
      bytes += frame(encode_example({{"n", Tensor::of<int64_t>({1}, {i})}}));
    }
    return put(folder_ / name, bytes);
  }
  const ParseSpec spec_ = {{"n", FixedLenFeature{.shape = {}, .dtype = DType::kInt64}}};
};

TEST_F(DatasetParseTest, BatchesOfFeatures) {
  const Dataset dataset = Dataset::records({examples("a", 700), examples("b", 3)});
  for (const auto& [made, sizes] :
       {std::pair(dataset.batch(300).parse(spec_), std::vector<int64_t>{300, 300, 103}),
        std::pair(dataset.parse(spec_).batch(300, true), std::vector<int64_t>{300, 300}),
        std::pair(dataset.parse(spec_), std::vector<int64_t>{512, 191})}) {
    BatchStream stream(made);
    Features features;
    std::vector<int64_t> found;
    int64_t at = 0;
    while (stream.next(features)) {
      const auto values = std::get<Tensor>(features.at("n")).values<int64_t>();
      found.push_back(static_cast<int64_t>(values.size()));
      for (int64_t value : values) EXPECT_EQ(value, at++ % 700);
    }
    EXPECT_EQ(found, sizes);
    EXPECT_FALSE(stream.next(features));
  }
}

TEST_F(DatasetParseTest, ErrorsSayFileAndRecord) {
  const std::string bad =
      put(folder_ / "bad",
          frames({encode_example({{"n", Tensor::of<int64_t>({1}, {1})}}), "\x08\xff"}));
  BatchStream stream(
      Dataset::records({examples("a", 5), bad, examples("b", 4)}).batch(4).parse(spec_));
  Features features;
  ASSERT_TRUE(stream.next(features));
  try {
    stream.next(features);
    FAIL();
  } catch (const CorruptData& error) {
    EXPECT_EQ(error.where().file, bad);
    EXPECT_EQ(error.where().record, 1);
    EXPECT_EQ(error.where().row, 2);
  }
  ASSERT_TRUE(stream.next(features));  // the bad batch is passed over
  EXPECT_EQ(feature_rows(features.at("n")), 3);
  EXPECT_FALSE(stream.next(features));
}

TEST_F(DatasetParseTest, WarnsOfKeysThatNoRecordHas) {
  std::vector<std::string> warnings;
  set_warning_handler([&](const std::string& message) { warnings.push_back(message); });
  ParseSpec spec = spec_;
  spec["watchs"] = VarLenFeature{.dtype = DType::kInt64};
  BatchStream stream(Dataset::records({examples("a", 5)}).parse(spec));
  Features features;
  while (stream.next(features)) {
  }
  EXPECT_FALSE(stream.next(features));
  set_warning_handler({});
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("'watchs'"), std::string::npos);
  EXPECT_THROW(Dataset::records({}).parse({}), InvalidArgument);
}

}  // namespace
}  // namespace weft
