// What the feature layers hand on instead of [B, T, D] and [B, D].
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "base/buffer_pool.h"
#include "random_columns.h"
#include "weft/config.h"

namespace weft {
namespace {

using testing::Floats;
using testing::id_blocks;
using testing::int64s;
using testing::Ints;
using testing::random_rows;
using testing::random_sequences;
using testing::same_bits;
using testing::sequence_ids;
using testing::sparse;
using testing::to_vector;
using testing::written;

constexpr DType kDTypes[] = {DType::kFloat32, DType::kFloat64};

TEST(Blocks, OfSequencesAreWhatTheLayerWrites) {
  int64_t sparse_ones = 0;
  for (uint32_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    const auto c = random_sequences(seed, kDTypes[seed % 2]);
    const Sequence dense = c.layer(c.features);
    const SequenceBlocks blocks = c.layer.blocks(c.features);
    ASSERT_TRUE(same_bits(written(blocks.data), dense.data));
    ASSERT_TRUE(same_bits(blocks.lengths, dense.lengths));
    ASSERT_TRUE(same_bits(blocks.mask(), dense.mask()));
    sparse_ones += id_blocks(blocks.data);
  }
  EXPECT_GT(sparse_ones, 300);
}

TEST(Blocks, OfRowsAreWhatTheLayerWrites) {
  int64_t sparse_ones = 0;
  for (uint32_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    const auto c = random_rows(seed, kDTypes[seed % 2]);
    const Blocks blocks = c.layer.blocks(c.features);
    ASSERT_TRUE(same_bits(written(blocks), c.layer(c.features)));
    sparse_ones += id_blocks(blocks);
  }
  EXPECT_GT(sparse_ones, 300);
}

// Compares `found` with the product of one block of ids and the layer's table, whose rows are
// scaled down to `max_norm`.
void expect_product(FeatureLayer& layer, const Blocks& lookups, const Tensor& found,
                    double max_norm) {
  const auto& block = std::get<IdCounts>(lookups.blocks()[0]);
  const Tensor& table = layer.parameters()[0].value;
  const auto splits = to_vector<int64_t>(block.splits), ids = to_vector<int64_t>(block.ids);
  const auto rows = to_vector<float>(table), factors = to_vector<float>(block.counts);
  const auto got = to_vector<float>(found);
  const auto width = static_cast<size_t>(table.dim(1));
  ASSERT_EQ(block.width, table.dim(0));
  ASSERT_EQ(got.size(), (splits.size() - 1) * width);
  std::vector<double> wanted(got.size());
  for (size_t cell = 0; cell + 1 < splits.size(); ++cell) {
    for (auto i = static_cast<size_t>(splits[cell]); i < static_cast<size_t>(splits[cell + 1]);
         ++i) {
      const float* row = rows.data() + static_cast<size_t>(ids[i]) * width;
      const double norm = std::sqrt(std::inner_product(row, row + width, row, 0.));
      for (size_t j = 0; j < width; ++j)
        wanted[cell * width + j] += factors[i] * std::min(1., max_norm / norm) * row[j];
    }
  }
  for (size_t i = 0; i < got.size(); ++i)
    ASSERT_NEAR(got[i], wanted[i], 1e-5 * (1 + std::abs(wanted[i]))) << "element " << i;
}

void expect_lookups(Combiner combiner, bool weighted, std::optional<double> max_norm) {
  const auto column = [&](const Column& ids) {
    const Column read = !weighted            ? ids
                        : ids->name() == "s" ? sequence_weighted_categorical_column(ids, "s_w")
                                             : weighted_categorical_column(ids, "w");
    return embedding_column(read, 3, {.combiner = combiner, .max_norm = max_norm});
  };
  const Tensor ids = int64s({1, 4, 4, 2, 3, 0, 3, 3});
  const Tensor weights = Tensor::of<float>({8}, {.5f, -1, 2, 3, 0, .25f, 1, 1});
  const std::vector<Tensor> steps{int64s({3, 0, 2}), int64s({3, 0, 1, 2, 2})};
  const Features features{{"s", Ragged::from_row_lengths(ids, steps)},
                          {"s_w", Ragged::from_row_lengths(weights, steps)},
                          {"a", Ragged::from_row_lengths(ids, int64s({3, 0, 5}))},
                          {"w", Ragged::from_row_lengths(weights, int64s({3, 0, 5}))}};
  SequenceFeaturesOptions options;
  options.max_length = 2;
  options.pad = Pad::kLeft;
  SequenceFeatures sequence = testing::sequence_layer({column(sequence_ids("s"))}, options);
  DenseFeatures dense = testing::dense_layer({column(testing::bag_ids("a"))});
  const Sequence found = sequence(features);
  const SequenceBlocks lookups = sequence.lookups(features);
  EXPECT_TRUE(same_bits(lookups.lengths, found.lengths));
  expect_product(sequence, lookups.data, found.data, max_norm.value_or(1e30));
  expect_product(dense, dense.lookups(features), dense(features), max_norm.value_or(1e30));
}

TEST(Blocks, LookupsTimesTheTableAreTheOutput) {
  for (Combiner combiner : {Combiner::kMean, Combiner::kSum, Combiner::kSqrtn}) {
    for (const bool weighted : {false, true}) {
      expect_lookups(combiner, weighted, {});
      expect_lookups(combiner, weighted, 2);
    }
  }
}

TEST(Blocks, LookupsLeaveTheOtherColumns) {
  const SequenceFeatures layer({embedding_column(sequence_ids("a"), 2),
                                sequence_numeric_column("b"), indicator_column(sequence_ids("c"))});
  const Ragged ids = Ragged::from_lists<int64_t>({{1, 4}, {}});
  const Features features{{"a", ids}, {"b", Ragged::from_lists<float>({{.5f, 2}, {}})}, {"c", ids}};
  const Blocks lookups = layer.lookups(features).data, blocks = layer.blocks(features).data;
  ASSERT_EQ(lookups.blocks().size(), 3u);
  EXPECT_EQ(std::get<IdCounts>(lookups.blocks()[0]).width, 5);
  EXPECT_EQ(to_vector<float>(std::get<Tensor>(lookups.blocks()[1])), (Floats{.5f, 2, 0, 0}));
  EXPECT_TRUE(same_bits(std::get<IdCounts>(lookups.blocks()[2]).ids,
                        std::get<IdCounts>(blocks.blocks()[1]).ids));
}

TEST(Blocks, NeighboursThatAreDenseAreOneBlock) {
  const SequenceFeatures layer({embedding_column(sequence_ids("a"), 2),
                                sequence_numeric_column("b"), indicator_column(sequence_ids("c")),
                                sequence_numeric_column("d")});
  const Ragged ids = Ragged::from_lists<int64_t>({{1, 4}, {}});
  const Ragged numbers = Ragged::from_lists<float>({{.5f, 2}, {}});
  const Blocks blocks = layer.blocks({{"a", ids}, {"b", numbers}, {"c", ids}, {"d", numbers}}).data;
  ASSERT_EQ(blocks.blocks().size(), 3u);
  EXPECT_EQ(blocks.shape(), (Shape{2, 2, 9}));
  EXPECT_EQ(std::get<Tensor>(blocks.blocks()[0]).shape(), (Shape{2, 2, 3}));
  const auto& counts = std::get<IdCounts>(blocks.blocks()[1]);
  EXPECT_EQ(counts.width, 5);
  EXPECT_EQ(to_vector<int64_t>(counts.splits), (Ints{0, 1, 2, 2, 2}));
  EXPECT_EQ(to_vector<int64_t>(counts.ids), (Ints{1, 4}));
  EXPECT_EQ(to_vector<float>(counts.counts), (Floats{1, 1}));
}

TEST(Blocks, KnowHolesAndTheCutoff) {
  SequenceFeaturesOptions options;
  options.cutoff = Cutoff{"time", "now"};
  const SequenceFeatures layer({indicator_column(sequence_ids("a", 4))}, options);
  const Tensor ids = Tensor::of<int64_t>({3}, {3, 2, 1});
  const Features holes{{"a", sparse({0, 0, 0, 2, 1, 0}, ids, {2, 3})}};
  const SequenceFeatures plain({indicator_column(sequence_ids("a", 4))});
  EXPECT_TRUE(same_bits(written(plain.blocks(holes).data), plain(holes).data));
  const Features timed{{"a", Ragged::from_lists<int64_t>({{3, 2}, {1}})},
                       {"time", Ragged::from_lists<int64_t>({{5, 9}, {2}})},
                       {"now", int64s({7, 7}).reshaped({2, 1})}};
  const SequenceBlocks cut = layer.blocks(timed);
  EXPECT_EQ(to_vector<int64_t>(cut.lengths), (Ints{1, 1}));
  EXPECT_TRUE(same_bits(written(cut.data), layer(timed).data));
}

TEST(Blocks, CountWhatTheyMeetAsTheLayerDoes) {
  const SequenceFeatures layer({indicator_column(sequence_ids("a", 4))});
  layer.blocks({{"a", Ragged::from_lists<int64_t>({{3, 2}, {1}})}});
  EXPECT_EQ(layer.counters().at("a").seen, 3);
}

TEST(Blocks, MemoryDoesNotGrowWithTheVocabulary) {
  trim();
  const int64_t before = base::pool_stats().used_bytes + base::pool_stats().pooled_bytes;
  const SequenceFeatures layer({indicator_column(sequence_ids("a", int64_t{1} << 40))});
  const SequenceBlocks blocks =
      layer.blocks({{"a", Ragged::from_lists<int64_t>({{int64_t{1} << 39, 5}, {7}})}});
  const int64_t after = base::pool_stats().used_bytes + base::pool_stats().pooled_bytes;
  EXPECT_LT(after - before, 1 << 16);
  EXPECT_EQ(blocks.data.dim(2), int64_t{1} << 40);
}

TEST(Blocks, RefuseWhatIsNoBlock) {
  const auto counts = [](const Ints& splits, const Ints& ids, const Floats& values,
                         int64_t width = 3) {
    return IdCounts{width, int64s(splits), int64s(ids),
                    Tensor::of<float>({std::ssize(values)}, std::span<const float>(values))};
  };
  EXPECT_NO_THROW(Blocks({2}, {counts({0, 1, 3}, {2, 0, 2}, {1, 1, 1})}));
  EXPECT_ERROR(InvalidArgument, "at least one block", Blocks({2}, {}));
  EXPECT_ERROR(InvalidArgument, "3 bounds of 2 cells", Blocks({2}, {counts({0, 1}, {1}, {1})}));
  EXPECT_ERROR(InvalidArgument, "bounds", Blocks({2}, {counts({0, 0, 2}, {1}, {1})}));
  EXPECT_ERROR(InvalidArgument, "bounds", Blocks({2}, {counts({0, 0, 1}, {1}, {1, 1})}));
  EXPECT_ERROR(InvalidArgument, "must not fall",
               Blocks({3}, {counts({0, 2, 1, 2}, {1, 2}, {1, 1})}));
  EXPECT_ERROR(InvalidArgument, "must not fall",
               Blocks({3}, {counts({0, 9, 9, 2}, {1, 2}, {1, 1})}));
  EXPECT_ERROR(InvalidArgument, "cell 1 must rise",
               Blocks({2}, {counts({0, 1, 3}, {2, 1, 1}, {1, 1, 1})}));
  EXPECT_ERROR(InvalidArgument, "[0, 3), got 3", Blocks({1}, {counts({0, 1}, {3}, {1})}));
  EXPECT_ERROR(InvalidArgument, "got -1", Blocks({1}, {counts({0, 1}, {-1}, {1})}));
  EXPECT_ERROR(InvalidArgument, "block 1",
               Blocks({2}, {counts({0, 0, 0}, {}, {}), Tensor::zeros(DType::kFloat32, {3, 4})}));
  EXPECT_ERROR(WrongType, "float64",
               Blocks({2}, {counts({0, 0, 0}, {}, {}), Tensor::zeros(DType::kFloat64, {2, 4})}));
  EXPECT_ERROR(WrongType, "int64", Blocks({2}, {Tensor::zeros(DType::kInt64, {2, 4})}));
}

}  // namespace
}  // namespace weft
