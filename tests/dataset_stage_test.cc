// Stages that are interrupted in the middle of a pull.
#include "dataset/stage.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <new>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "dataset/ahead.h"
#include "dataset/input.h"

namespace weft::dataset {
namespace {

struct Interrupted : std::runtime_error {
  Interrupted() : std::runtime_error("interrupted") {}
};

// 300 Examples, a few at a time, with an exception now and then that is no weft::Error.
class Flaky : public Stage {
 public:
  explicit Flaky(uint32_t seed) : random_(seed), calm_(seed == 0) {}

  int64_t pull(RecordBatch* to, int64_t most) override {
    if (!calm_ && random_() % 4 == 0) throw Interrupted();
    int64_t n = 0;
    for (; n < most && n < 3 && next_ < 300; ++n, ++next_) {
      const std::vector<int64_t> history(static_cast<size_t>(next_ * next_ % 13), next_);
      if (to == nullptr) continue;
      const Tensor values = Tensor::of<int64_t>({static_cast<int64_t>(history.size())},
                                                std::span<const int64_t>(history));
      to->append({.data = encode_example({{"h", values}}),
                  .file = std::make_shared<const std::string>("f"),
                  .number = next_});
    }
    return n;
  }
  void restart() override { next_ = 0; }
  void save(Position& to) const override { to.push_back({.name = "flaky", .numbers = {next_}}); }
  void load(PositionReader& from) override { next_ = from.next("flaky", 1)[0]; }

 private:
  std::mt19937 random_;
  const bool calm_;
  int64_t next_ = 0;
};

using Chain = std::function<StagePtr(StagePtr)>;
using Numbers = std::vector<std::vector<int64_t>>;

// The numbers of the records of each pull, and the positions after them.
Numbers pulled(Stage& stage, std::vector<Position>* positions) {
  Numbers found;
  RecordBatch batch;
  for (;;) {
    batch.clear();
    try {
      if (stage.pull(&batch, 2) == 0) return found;
    } catch (const Interrupted&) {
      continue;
    }
    found.emplace_back();
    for (int64_t i = 0; i < batch.size(); ++i) found.back().push_back(batch.number(i));
    if (positions == nullptr) continue;
    positions->emplace_back();
    stage.save(positions->back());
  }
}

TEST(DatasetStageTest, GoesOnAfterAnInterruption) {
  Dataset::Description description;
  description.spec = ParseSpec{{"h", VarLenFeature{.dtype = DType::kInt64}}};
  const Step shuffle{.kind = Step::Kind::kShuffle, .count = 40, .seed = 3, .reshuffle = true};
  const Step bucket{
      .kind = Step::Kind::kBucket, .keys = {"h"}, .boundaries = {4, 9}, .batch_sizes = {5, 3, 7}};
  const auto shuffled = [&](StagePtr from, bool batches) {
    return make_shuffle(std::move(from), shuffle, 0, batches, {});
  };
  const std::vector<Chain> chains = {
      [&](StagePtr from) { return shuffled(std::move(from), false); },
      [&](StagePtr from) { return make_batch(std::move(from), 7, false, true); },
      [&](StagePtr from) { return make_bucket(std::move(from), bucket, description); },
      [&](StagePtr from) {
        return shuffled(make_batch(make_skip(std::move(from), 11), 4, true, false), true);
      },
      [&](StagePtr from) {
        return make_batch(make_repeat(make_shard(make_take(std::move(from), 200), 3, 1), 3), 5,
                          false, true);
      },
      [&](StagePtr from) {
        return make_take(
            make_bucket(make_repeat(shuffled(std::move(from), false), 2), bucket, description), 70);
      },
  };
  for (size_t i = 0; i < chains.size(); ++i) {
    const StagePtr calm = chains[i](std::make_unique<Flaky>(0));
    std::vector<Position> positions;
    const Numbers expected = pulled(*calm, &positions);
    ASSERT_GT(expected.size(), 20u);
    for (uint32_t seed = 1; seed < 6; ++seed) {
      const StagePtr flaky = chains[i](std::make_unique<Flaky>(seed));
      ASSERT_EQ(pulled(*flaky, nullptr), expected) << i;
      for (size_t at = 0; at < positions.size(); at += 1 + positions.size() / 9) {
        const StagePtr resumed = chains[i](std::make_unique<Flaky>(seed + 10));
        PositionReader from(positions[at]);
        resumed->load(from);
        ASSERT_EQ(pulled(*resumed, nullptr),
                  Numbers(expected.begin() + static_cast<int64_t>(at) + 1, expected.end()))
            << i << " " << at;
      }
    }
  }
}

TEST(DatasetStageTest, NoMoreMarksThanElementsThatAreHeld) {
  Input input(make_repeat(std::make_unique<Flaky>(0), -1), 8);
  std::vector<int64_t> held;
  for (int64_t i = 0; i < 100000; ++i) {
    ASSERT_TRUE(input.ready());
    if (i % 30000 == 5) held.push_back(input.hold());
    const int64_t mark = input.hold();
    input.consume();
    input.release(mark);
    ASSERT_LE(input.marks(), held.size() + 1);
  }
  EXPECT_EQ(input.oldest().first, 0);
  input.release(held[0]);
  EXPECT_EQ(input.oldest().first, 30000);
}

TEST(DatasetStageTest, AStateOfAnImpossibleBufferIsRefused) {
  const Step step{.kind = Step::Kind::kShuffle, .count = int64_t{1} << 60, .seed = 3};
  const StagePtr shuffle = make_shuffle(std::make_unique<Flaky>(0), step, 0, false, {});
  const Position position = {{.name = "shuffle", .numbers = {0, 0, int64_t{1} << 59, 0}},
                             {.name = "flaky", .numbers = {0}}};
  PositionReader from(position);
  EXPECT_THROW(shuffle->load(from), InvalidArgument);
}

// What cannot even be put into the queue.
struct Unmovable {
  Unmovable() = default;
  Unmovable(Unmovable&& other) : full(other.full) {  // NOLINT(performance-noexcept-*)
    if (full) throw std::bad_alloc();
  }
  Unmovable& operator=(Unmovable&&) = default;
  bool full = false;
};

TEST(DatasetStageTest, NoMemoryForTheQueueIsAnError) {
  int made = 0;
  const auto stop = std::make_shared<std::atomic<bool>>(false);
  Ahead<Unmovable> ahead([&](Item<Unmovable>& item) { item.value.full = ++made == 2; }, 1, stop,
                         nullptr);
  Item<Unmovable> item;
  ahead.next(item);
  for (int again = 0; again < 2; ++again) EXPECT_THROW(ahead.next(item), std::bad_alloc);
}

}  // namespace
}  // namespace weft::dataset
