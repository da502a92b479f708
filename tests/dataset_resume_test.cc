// Streams that stop anywhere and go on.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "tests/dataset_files.h"

namespace weft {
namespace {

using namespace testing_files;

class DatasetResumeTest : public ExampleFiles {
 protected:
  // A dataset of random steps.
  Dataset random_dataset(const std::vector<std::string>& paths, std::mt19937& random) {
    const auto below = [&](int n) {
      return static_cast<int64_t>(random() % static_cast<uint32_t>(n));
    };
    Dataset made = Dataset::records(paths);
    if (below(2)) made = made.shuffle_files(below(9), below(3) != 0);
    if (below(4) == 0) made = made.shard_files(2, below(2));
    if (below(2)) made = made.interleave(1 + below(5), 1 + below(9));
    made = made.parse(spec_);
    const auto step = [&](const Dataset& from) {
      switch (below(6)) {
        case 0:
          return from.skip(below(20));
        case 1:
          return from.take(200 + below(300));
        case 2:
          return from.shard(2, below(2));
        case 3:
          return from.repeat(1 + below(3));
        default:
          return from.shuffle(1 + below(below(2) ? 20 : 2000), below(9), below(3) != 0);
      }
    };
    for (int64_t n = below(4); n > 0; --n) made = step(made);
    if (below(2)) {
      made = made.batch(1 + below(30), below(2) != 0);
    } else {
      made = made.bucket_by_length({"h"}, {5, 12}, {1 + below(20), 1 + below(9), 1 + below(30)},
                                   below(2) != 0);
    }
    for (int64_t n = below(3); n > 0; --n) made = step(made);
    return below(2) ? made.prefetch(1 + below(4)) : made;
  }
};

TEST_F(DatasetResumeTest, AnywhereInAnyDataset) {
  std::mt19937 random(7);
  const auto paths = examples({40, 0, 150, 1, 90, 33, 260, 7});
  for (int round = 0; round < 150; ++round) {
    const Dataset dataset = random_dataset(paths, random);
    SCOPED_TRACE(dataset.steps());
    const int64_t iteration = random() % 3;
    BatchStream whole(dataset, iteration);
    const Batches all = rest(whole);
    for (int trial = 0; trial < 6; ++trial) {
      const size_t stop = random() % (all.size() + 1);
      BatchStream first(dataset, iteration);
      rest(first, stop);
      const DatasetState state = first.state();
      // Once more on the way: what a resumed stream says of itself is as good.
      const size_t again = random() % (all.size() - stop + 1);
      BatchStream second(dataset, state);
      ASSERT_EQ(second.state(), state);
      ASSERT_EQ(rest(second, again), Batches(all.begin() + static_cast<int64_t>(stop),
                                             all.begin() + static_cast<int64_t>(stop + again)));
      BatchStream third(dataset, second.state());
      ASSERT_EQ(rest(third), Batches(all.begin() + static_cast<int64_t>(stop + again), all.end()))
          << stop << " " << again;
    }
  }
}

TEST_F(DatasetResumeTest, ReadsOnlyWhatItNeeds) {
  const auto paths = examples({900, 900, 900, 900, 900, 900});
  const Dataset plain = Dataset::records(paths).interleave(2).parse(spec_).batch(10);
  BatchStream stream(plain);
  rest(stream, 500);
  BatchStream resumed(plain, stream.state());
  EXPECT_EQ(rest(resumed, 2), rest(stream, 2));
  EXPECT_LE(resumed.counters().records, 2 * 256 + 20);

  const Dataset shuffled = Dataset::records(paths).shuffle(50, 3).parse(spec_).batch(10);
  BatchStream through(shuffled);
  rest(through, 500);
  BatchStream again(shuffled, through.state());
  EXPECT_EQ(rest(again, 1), rest(through, 1));
  EXPECT_LE(again.counters().records, 1500);  // 50 ln 50 = 200, and the mark before
}

TEST_F(DatasetResumeTest, TheStateIsSmall) {
  const Dataset dataset = Dataset::records(examples({900, 900, 900, 900}))
                              .interleave(4)
                              .shuffle(1000, 5)
                              .repeat()
                              .parse(spec_)
                              .bucket_by_length({"h"}, {5, 12}, {16, 16, 16})
                              .shuffle(4, 6);
  BatchStream stream(dataset, 4);
  rest(stream, 300);
  const DatasetState state = stream.state();
  size_t numbers = 0;
  for (const auto& step : state.position) numbers += step.numbers.size();
  EXPECT_LE(numbers, 40u);
  EXPECT_EQ(state.iteration, 4);
  EXPECT_EQ(state.seeds, (std::vector<int64_t>{5, 6}));
  EXPECT_EQ(state.position.back().name, "files");
}

// Seeds that were drawn differ from run to run: the state's count.
TEST_F(DatasetResumeTest, TakesTheSeedsOfTheState) {
  const Dataset files = Dataset::records(examples({300, 300}));
  const auto made = [&](int64_t seed) {
    return files.shuffle_files(seed).shuffle(20, seed + 1).parse(spec_).batch(9);
  };
  BatchStream stream(made(1), 3);
  rest(stream, 20);
  BatchStream resumed(made(2), stream.state());
  EXPECT_EQ(rest(resumed), rest(stream));
}

TEST_F(DatasetResumeTest, OverDamagedRecords) {
  const auto paths = examples({120, 80});
  std::string bytes = get(paths[0]);
  for (size_t at = 40; at < bytes.size(); at += 1500) bytes[at] ^= 1;
  put(paths[0], bytes);
  const RecordOptions options = {.on_error = OnError::kSkip};
  for (const auto& dataset :
       {Dataset::records(paths, options).interleave(2, 3).shuffle(11, 1).parse(spec_).batch(4),
        Dataset::records(paths, options).parse(spec_).batch(4).prefetch(2)}) {
    BatchStream whole(dataset);
    const Batches all = rest(whole);
    EXPECT_GT(whole.counters().skipped, 3);
    for (size_t stop = 0; stop <= all.size(); ++stop) {
      BatchStream first(dataset);
      rest(first, stop);
      BatchStream second(dataset, first.state());
      ASSERT_EQ(rest(second), Batches(all.begin() + static_cast<int64_t>(stop), all.end()));
    }
  }
}

TEST_F(DatasetResumeTest, RefusesStatesOfOthers) {
  auto paths = examples({30, 40});
  const Dataset dataset = Dataset::records(paths).shuffle(5, 1).parse(spec_).batch(4);
  BatchStream stream(dataset);
  rest(stream, 3);
  const DatasetState state = stream.state();
  const auto refused = [&](const Dataset& other, const DatasetState& given, const char* why) {
    try {
      BatchStream resumed(other, given);
      ADD_FAILURE() << why;
    } catch (const InvalidArgument& error) {
      EXPECT_NE(std::string(error.what()).find(why), std::string::npos) << error.what();
    }
  };
  refused(dataset.skip(1), state, "its steps are \"shuffle(5).batch(4)\"");
  refused(Dataset::records(paths).shuffle(6, 1).parse(spec_).batch(4), state, "shuffle(6)");
  refused(Dataset::records({paths[0]}).shuffle(5, 1).parse(spec_).batch(4), state, "of 2 files");
  std::swap(paths[0], paths[1]);
  refused(Dataset::records(paths).shuffle(5, 1).parse(spec_).batch(4), state, "another order");
  DatasetState broken = state;
  broken.seeds.clear();
  refused(dataset, broken, "seeds for 0");
  broken = state;
  broken.position.pop_back();
  refused(dataset, broken, "files");
  for (size_t step = 0; step < state.position.size(); ++step) {
    for (size_t i = 0; i < state.position[step].numbers.size(); ++i) {
      for (const int64_t impossible : {int64_t{-2}, INT64_MAX}) {
        broken = state;
        broken.position[step].numbers[i] = impossible;
        refused(dataset, broken, "does not fit");
      }
    }
  }
  put(paths[0], get(paths[0]) + "x");
  refused(dataset, state, "other sizes");
}

// Numbers that nobody wrote are errors or another place, and never worse.
TEST_F(DatasetResumeTest, SurvivesAnyState) {
  const Dataset dataset = Dataset::records(examples({60, 60, 60}))
                              .interleave(2, 4)
                              .shuffle(20, 1)
                              .repeat(2)
                              .parse(spec_)
                              .bucket_by_length({"h"}, {9}, {8, 8});
  BatchStream stream(dataset);
  rest(stream, 9);
  const DatasetState state = stream.state();
  std::mt19937 random(3);
  for (int round = 0; round < 400; ++round) {
    DatasetState broken = state;
    auto& numbers = broken.position[random() % broken.position.size()].numbers;
    const size_t i = random() % numbers.size();
    const int64_t values[] = {-1, 0, 1, numbers[i] + 1, numbers[i] - 1, 100, 5000};
    numbers[i] = values[random() % 7];
    try {
      BatchStream resumed(dataset, broken);
      rest(resumed, 100);
    } catch (const Error&) {  // NOLINT(bugprone-empty-catch)
    }
  }
}

TEST_F(DatasetResumeTest, ReadersBeginAnywhere) {
  const std::vector<std::string> records = random_records(500, 3000);
  for (const bool gzip : {false, true}) {
    const std::string path = put(folder_ / "r", gzip ? deflated(frames(records)) : frames(records));
    for (int begin : {0, 1, 77, 255, 499, 500}) {
      RecordReader before(path);
      RecordBatch batch;
      if (begin > 0) before.next(batch, begin);
      RecordReader after(path, {}, before.position());
      EXPECT_EQ(after.position().number, begin);
      after.next(batch, 1000);
      ASSERT_EQ(strings(batch), std::vector<std::string>(records.begin() + begin, records.end()));
      if (batch.size() > 0) {
        ASSERT_EQ(batch.number(0), begin);
      }
    }
    RecordReader beyond(path, {}, {.number = 1, .offset = int64_t{1} << 40});
    RecordBatch batch;
    EXPECT_THROW(beyond.next(batch, 1), CorruptData);
  }
  EXPECT_THROW(RecordReader(folder_ / "r", {}, {.offset = -1}), InvalidArgument);
}

}  // namespace
}  // namespace weft
