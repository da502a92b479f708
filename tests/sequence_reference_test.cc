#include "weft/sequence.h"

#include <gtest/gtest.h>

#include <random>

#include "feature_layers.h"
#include "weft/config.h"

namespace weft {
namespace {

using testing::Floats;
using testing::int64s;
using testing::Ints;
using testing::on_every_isa;
using testing::reference_padded;
using testing::reference_row;
using testing::sequence_ids;
using testing::sequence_layer;
using testing::to_vector;

struct Batch {
  std::vector<Ints> a, b;
  std::vector<std::vector<float>> x;
  Features features() const {
    return {{"a", Ragged::from_lists<int64_t>(a)},
            {"b", Ragged::from_lists<int64_t>(b)},
            {"x", Ragged::from_lists<float>(x)}};
  }
};

Batch random_batch(size_t rows, int64_t longest, int64_t buckets, uint32_t seed) {
  std::mt19937 random(seed);
  Batch batch;
  for (size_t row = 0; row < rows; ++row) {
    const size_t length = row % 5 == 0 ? 0 : random() % static_cast<size_t>(longest + 1);
    batch.a.emplace_back(), batch.b.emplace_back(), batch.x.emplace_back();
    for (size_t i = 0; i < length; ++i) {
      batch.a.back().push_back(static_cast<int64_t>(random() % static_cast<uint32_t>(buckets)));
      batch.b.back().push_back(static_cast<int64_t>(random() % static_cast<uint32_t>(buckets)));
      batch.x.back().push_back(static_cast<float>(random() % 1000) / 7);
    }
  }
  return batch;
}

std::vector<float> expected_block(const SequenceFeatures& layer, const Batch& batch, int64_t steps,
                                  bool left) {
  std::vector<std::vector<Floats>> rows(batch.a.size());
  for (size_t row = 0; row < rows.size(); ++row) {
    for (size_t i = 0; i < batch.a[row].size(); ++i) {
      Floats step;
      for (const auto& [ids, parameter] : {std::pair(&batch.a, 0), std::pair(&batch.b, 1)}) {
        const auto found = reference_row<float>(
            layer.parameters()[static_cast<size_t>(parameter)].value, (*ids)[row][i]);
        step.insert(step.end(), found.begin(), found.end());
      }
      step.push_back(batch.x[row][i]);
      rows[row].push_back(step);
    }
  }
  return reference_padded(rows, steps, layer.width(), left);
}

TEST(SequenceFeatures, EqualsTheReferenceOnEveryCodePath) {
  const Batch batch = random_batch(60, 23, 50, 11);
  for (int64_t dimension : {1, 3, 10, 16, 33}) {
    for (Pad pad : {Pad::kRight, Pad::kLeft}) {
      SequenceFeaturesOptions options;
      options.pad = pad;
      const SequenceFeatures layer(
          {embedding_column(sequence_ids("a", 50), dimension),
           embedding_column(sequence_ids("b", 50), 16), sequence_numeric_column("x")},
          options);
      on_every_isa([&] {
        const Sequence out = layer(batch.features());
        ASSERT_EQ(to_vector<float>(out.data),
                  expected_block(layer, batch, out.data.dim(1), pad == Pad::kLeft));
      });
    }
  }
}

TEST(SequenceFeatures, ARowDoesNotDependOnItsBatchOrThreads) {
  const Batch batch = random_batch(700, 60, 50, 12);
  const SequenceFeatures layer({embedding_column(sequence_ids("a", 50), 24),
                                embedding_column(sequence_ids("b", 50), 16),
                                sequence_numeric_column("x")});
  const int before = num_threads();
  set_num_threads(1);
  const Sequence one = layer(batch.features());
  for (int threads : {2, 3}) {
    set_num_threads(threads);
    EXPECT_EQ(to_vector<float>(layer(batch.features()).data), to_vector<float>(one.data));
  }
  set_num_threads(before);
  const int64_t steps = one.data.dim(1), width = layer.width();
  for (size_t row = 0; row < batch.a.size(); row += 13) {
    const Sequence alone = layer(Batch{{batch.a[row]}, {batch.b[row]}, {batch.x[row]}}.features());
    const auto in_batch = one.data.values<float>().subspan(row * static_cast<size_t>(steps * width),
                                                           static_cast<size_t>(alone.data.size()));
    EXPECT_TRUE(std::ranges::equal(alone.data.values<float>(), in_batch)) << row;
  }
}

TEST(SequenceFeatures, LargeBlocksAreWrittenWhole) {  // past the caches
  const Batch batch = random_batch(3000, 60, 50, 13);
  const SequenceFeatures layer({embedding_column(sequence_ids("a", 50), 32),
                                embedding_column(sequence_ids("b", 50), 15),
                                sequence_numeric_column("x")});
  const Sequence out = layer(batch.features());
  ASSERT_GE(out.data.size() * 4, 16 << 20);
  EXPECT_TRUE(to_vector<float>(out.data) == expected_block(layer, batch, out.data.dim(1), false));
}

TEST(SequenceFeatures, OutputsAreUsedAgain) {
  const auto layer = sequence_layer({embedding_column(sequence_ids("a"), 2)});
  Sequence out;
  layer({{"a", Ragged::from_lists<int64_t>({{0, 4}, {}})}}, out);
  const uint8_t* memory = out.data.buffer().data();
  layer({{"a", Ragged::from_lists<int64_t>({{}, {1, 1}})}}, out);
  EXPECT_EQ(out.data.buffer().data(), memory);
  EXPECT_EQ(to_vector<float>(out.data), (Floats{0, 0, 0, 0, 2, 1, 2, 1}));
}

// Ids that change under the reader are checked where they are used.
TEST(SequenceFeatures, BorrowedIdsMayChange) {
  auto memory = std::make_shared<Ints>(Ints{1, 2, 3});
  const Tensor values =
      Tensor::from_buffer(DType::kInt64, {3}, Buffer::borrow(memory->data(), 24, memory));
  const Ragged ragged = Ragged::from_row_splits(values, int64s({0, 1, 3}));
  normalizers::Custom meanwhile{[&](const Tensor& given) {
                                  (*memory)[2] = 1000;
                                  return given;
                                },
                                nullptr, "meanwhile"};
  const auto layer =
      sequence_layer({embedding_column(sequence_ids("a"), 2),
                      sequence_numeric_column("z", {1}, 0, DType::kFloat32, meanwhile)});
  EXPECT_ERROR(OutOfRange, "row 1, step 1",
               layer({{"a", ragged}, {"z", Ragged::from_lists<float>({{1}, {1, 1}})}}));
}

}  // namespace
}  // namespace weft
