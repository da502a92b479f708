// Streams with threads of their own.
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/dataset_files.h"

namespace weft {
namespace {

using namespace testing_files;

class DatasetPrefetchTest : public ExampleFiles {
 protected:
  Dataset shuffled(const std::vector<std::string>& paths, RecordOptions options = {}) {
    return Dataset::records(paths, std::move(options)).interleave(3).shuffle(50, 1).parse(spec_);
  }
};

TEST_F(DatasetPrefetchTest, ChangesNothing) {
  const auto paths = examples({300, 200, 400, 1});
  for (const Dataset& dataset : {shuffled(paths).batch(7), shuffled(paths).repeat(2),
                                 shuffled(paths).bucket_by_length({"h"}, {9}, {8, 8})}) {
    BatchStream plain(dataset);
    const Batches expected = rest(plain);
    for (int n : {1, 2, 100}) {
      BatchStream ahead(dataset.prefetch(n));
      EXPECT_EQ(rest(ahead), expected);
      EXPECT_EQ(ahead.counters(), plain.counters());
      Features features;
      EXPECT_FALSE(ahead.next(features));
    }
  }
  RecordStream records(Dataset::records(paths).prefetch(1));
  RecordBatch batch;
  int64_t count = 0;
  while (records.next(batch)) count += batch.size();
  EXPECT_EQ(count, 901);
}

TEST_F(DatasetPrefetchTest, RowsKnowTheirRecords) {
  const auto paths = examples({30, 20, 40});
  for (const Dataset& dataset : {shuffled(paths).batch(7), shuffled(paths).batch(7).prefetch(2),
                                 shuffled(paths).bucket_by_length({"h"}, {9}, {8, 8})}) {
    BatchStream stream(dataset);
    EXPECT_EQ(stream.origins().size(), 0);
    Features features;
    int64_t rows = 0;
    while (stream.next(features)) {
      const RecordBatch& origins = stream.origins();
      const std::vector<int64_t> found = ids(features);
      ASSERT_EQ(origins.size(), std::ssize(found));
      for (int64_t i = 0; i < origins.size(); ++i) {
        const int64_t id = found[static_cast<size_t>(i)];
        EXPECT_EQ(origins.file(i), paths[static_cast<size_t>(id / 1000)]);
        EXPECT_EQ(origins.number(i), id % 1000);
        EXPECT_TRUE(origins[i].empty());
      }
      rows += origins.size();
    }
    EXPECT_EQ(rows, 90);
  }
}

TEST_F(DatasetPrefetchTest, EndsAnywhere) {
  const Dataset dataset = shuffled(examples({900, 900, 900})).repeat().batch(5).prefetch(2);
  for (size_t n : {0, 1, 2, 50}) {
    BatchStream stream(dataset);
    EXPECT_EQ(rest(stream, n).size(), n);
    if (n == 2) {
      const DatasetState state = stream.state();
      stream.close();
      stream.close();
      EXPECT_TRUE(rest(stream).empty());
      EXPECT_EQ(stream.state(), state);
    }
  }
}

TEST_F(DatasetPrefetchTest, ManyAtOnce) {
  const Dataset dataset =
      shuffled(examples({300, 300, 300})).bucket_by_length({"h"}, {9}, {8, 8}).prefetch(2);
  BatchStream one(dataset);
  const Batches expected = rest(one);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      BatchStream stream(dataset);
      rest(stream, 10);
      BatchStream resumed(dataset, stream.state());
      EXPECT_EQ(rest(resumed), Batches(expected.begin() + 10, expected.end()));
    });
  }
  for (auto& thread : threads) thread.join();
}

// What goes on ahead is told on the caller's thread, and what is thrown there leaves the stream as
// it was.
TEST_F(DatasetPrefetchTest, CallsBackOnTheCallersThread) {
  auto paths = examples({40, 40});
  std::string bytes = get(paths[1]);
  bytes[14] ^= 1;
  put(paths[1], bytes);
  const auto caller = std::this_thread::get_id();
  int skipped = 0, warned = 0;
  set_warning_handler([&](const std::string&) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    ++warned;
  });
  const RecordOptions options = {.on_error = OnError::kSkip, .on_skip = [&](const Error& error) {
                                   EXPECT_EQ(std::this_thread::get_id(), caller);
                                   EXPECT_NE(dynamic_cast<const CorruptData*>(&error), nullptr);
                                   ++skipped;
                                   throw std::runtime_error("told");
                                 }};
  ParseSpec spec = spec_;
  spec["absent"] = VarLenFeature{.dtype = DType::kInt64};
  BatchStream stream(Dataset::records(paths, options).parse(spec).batch(20).prefetch(2));
  EXPECT_EQ(rest(stream, 2).size(), 2u);
  Features features;
  EXPECT_THROW(stream.next(features), std::runtime_error);
  EXPECT_EQ(rest(stream).size(), 2u);
  EXPECT_EQ(stream.counters().records, 79);
  EXPECT_EQ(skipped, 1);
  EXPECT_EQ(warned, 1);
  set_warning_handler({});
}

TEST_F(DatasetPrefetchTest, PollInterruptsAndTheStreamGoesOn) {
  const auto paths = examples({900, 900});
  for (int64_t ahead : {0, 2}) {
    bool interrupt = false;
    const RecordOptions options = {.poll = [&] {
      if (interrupt) throw std::runtime_error("interrupted");
    }};
    Dataset dataset = Dataset::records(paths, options).shuffle(700, 1).parse(spec_).batch(9);
    if (ahead > 0) dataset = dataset.prefetch(ahead);
    BatchStream plain(dataset), stream(dataset);
    const Batches expected = rest(plain);
    Batches found;
    Features features;
    for (int turn = 0;; ++turn) {
      interrupt = turn % 2 == 0;
      try {
        if (!stream.next(features)) break;
        found.push_back(ids(features));
      } catch (const std::runtime_error&) {  // NOLINT(bugprone-empty-catch)
      }
    }
    EXPECT_EQ(found, expected);
    EXPECT_EQ(stream.counters(), plain.counters());
  }
}

TEST_F(DatasetPrefetchTest, ErrorsComeInTheirTurn) {
  auto paths = examples({30, 10});
  paths.insert(paths.begin() + 1, folder_ / "missing");
  BatchStream stream(Dataset::records(paths).parse(spec_).batch(10).prefetch(3));
  EXPECT_EQ(rest(stream, 3).size(), 3u);
  Features features;
  EXPECT_THROW(stream.next(features), NotFound);
  EXPECT_THROW(stream.next(features), NotFound);
  const std::string bad = put(folder_ / "bad", frames({"\x08\xff"}));
  BatchStream over(Dataset::records({bad, paths[0]}).parse(spec_).batch(1).prefetch(3));
  EXPECT_THROW(over.next(features), CorruptData);
  EXPECT_EQ(rest(over).size(), 30u);  // the bad batch is passed over
}

TEST(WarningCaptureTest, KeepsTheWarningsOfItsThread) {
  std::vector<std::string> handled;
  set_warning_handler([&](const std::string& message) { handled.push_back(message); });
  {
    WarningCapture outer;
    warn("a");
    {
      WarningCapture inner;
      warn("b");
      std::thread([] { warn("c"); }).join();
      EXPECT_EQ(inner.take(), std::vector<std::string>{"b"});
    }
    EXPECT_EQ(outer.take(), std::vector<std::string>{"a"});
  }
  warn("d");
  set_warning_handler({});
  EXPECT_EQ(handled, (std::vector<std::string>{"c", "d"}));
}

}  // namespace
}  // namespace weft
