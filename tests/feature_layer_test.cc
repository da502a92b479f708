#include "weft/sequence.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "feature_layers.h"

namespace weft {
namespace {

using testing::bag_ids;
using testing::dense_layer;
using testing::doubling;
using testing::Floats;
using testing::int64s;
using testing::sequence_ids;
using testing::sequence_layer;
using testing::to_vector;

TEST(DenseFeatures, CombinesARow) {
  const auto layer = dense_layer({embedding_column(bag_ids("a"), 2), indicator_column(bag_ids("a")),
                                  numeric_column("x", {2})});
  EXPECT_EQ(layer.name(), "dense_features");
  const Tensor x = Tensor::of<float>({3, 2}, {1, 2, 3, 4, 5, 6});
  const Tensor out = layer({{"a", Ragged::from_lists<int64_t>({{0, 2}, {}, {1, 1}})}, {"x", x}});
  EXPECT_EQ(out.shape(), (Shape{3, 9}));
  EXPECT_EQ(to_vector<float>(out), (Floats{2, 1, 1, 0, 1, 0, 0, 1, 2, 0, 0, 0, 0, 0,
                                           0, 0, 3, 4, 2, 1, 0, 2, 0, 0, 0, 5, 6}));
  EXPECT_EQ(layer({{"a", Tensor::of<int64_t>({0, 4}, {})}, {"x", Tensor(DType::kFloat32, {0, 2})}})
                .shape(),
            (Shape{0, 9}));
}

TEST(DenseFeatures, NumericInputs) {
  const auto layer = dense_layer({numeric_column("x", {2, 2})});
  const auto call = [&](const Feature& feature) { return layer({{"x", feature}}); };
  EXPECT_EQ(to_vector<float>(call(Tensor::of<int64_t>({1, 2, 2}, {1, 2, 3, 4}))),
            (Floats{1, 2, 3, 4}));
  EXPECT_EQ(to_vector<float>(call(Ragged::from_lists<double>({{1, 2, 3, 4}}))),
            (Floats{1, 2, 3, 4}));
  const std::vector<Tensor> splits{int64s({0, 2}), int64s({0, 2, 4})};
  EXPECT_EQ(
      to_vector<float>(call(Ragged::from_row_splits(Tensor::of<float>({4}, {1, 2, 3, 4}), splits))),
      (Floats{1, 2, 3, 4}));
  EXPECT_ERROR(InvalidArgument, "4 values in a row, got an array of shape [2, 2]",
               call(Tensor(DType::kFloat32, {2, 2})));
  EXPECT_ERROR(InvalidArgument, "4 values in a row, got 3 (key 'x', row 1)",
               call(Ragged::from_lists<float>({{1, 2, 3, 4}, {1, 2, 3}})));
  EXPECT_ERROR(InvalidArgument, "SparseTensor is not supported. key: x", call(SparseTensor()));
  EXPECT_ERROR(InvalidArgument, "rank 0", call(Tensor(DType::kFloat32, {})));
  EXPECT_ERROR(WrongType, "not numbers", call(Tensor(DType::kString, {1, 4})));
  EXPECT_EQ(to_vector<float>(dense_layer({numeric_column("x")})({{"x", int64s({1, 2})}})),
            (Floats{1, 2}));
  EXPECT_EQ(
      to_vector<float>(dense_layer({numeric_column("x", {1}, {}, DType::kFloat32, doubling())})(
          {{"x", Tensor::of<float>({2}, {1, 2})}})),
      (Floats{2, 4}));
}

TEST(DenseFeatures, RowsMustAgree) {
  const auto layer = dense_layer({numeric_column("x"), numeric_column("y")});
  EXPECT_ERROR(InvalidArgument, "('x', 'y'): (2, 3)",
               layer({{"x", int64s({1, 2})}, {"y", int64s({1, 2, 3})}}));
}

TEST(FeatureLayer, RefusesWhatCannotWork) {
  const auto sequence = [](std::vector<Column> columns) {
    return SequenceFeatures(std::move(columns)).width();
  };
  const auto dense = [](std::vector<Column> columns) {
    return DenseFeatures(std::move(columns)).width();
  };
  EXPECT_ERROR(InvalidArgument, "must not be empty", dense({}));
  EXPECT_ERROR(InvalidArgument, "Given: None", dense({nullptr}));
  EXPECT_ERROR(InvalidArgument, "Duplicate feature column name",
               dense({numeric_column("c"), numeric_column("c", {2})}));
  EXPECT_ERROR(InvalidArgument, "You can wrap a categorical column", dense({bag_ids("a")}));
  EXPECT_ERROR(InvalidArgument, "must not be of type SequenceCategoricalColumn",
               dense({embedding_column(sequence_ids("a"), 1)}));
  EXPECT_ERROR(InvalidArgument, "must be of type SequenceCategoricalColumn to use SequenceFeatures",
               sequence({embedding_column(bag_ids("a"), 1)}));
  EXPECT_ERROR(InvalidArgument, "'c': it must be a sequence column to use SequenceFeatures",
               sequence({numeric_column("c")}));
  EXPECT_ERROR(InvalidArgument, "'c': it must not be a sequence column to use DenseFeatures",
               dense({sequence_numeric_column("c")}));
  EXPECT_ERROR(InvalidArgument, "ckpt_to_load_from",
               dense({embedding_column(bag_ids("a"), 1,
                                       {.ckpt_to_load_from = "x", .tensor_name_in_ckpt = "y"})}));
  FeatureLayer::Options options;
  options.dtype = DType::kFloat16;
  EXPECT_ERROR(InvalidArgument, "float32 or float64",
               DenseFeatures({numeric_column("c")}, options).width());
}

TEST(FeatureLayer, WeightsComeFromTheSeed) {
  const auto table = [](int64_t seed, DType dtype = DType::kFloat32) {
    FeatureLayer::Options options;
    options.seed = seed, options.dtype = dtype;
    const DenseFeatures layer(
        {embedding_column(bag_ids("a", 100), 4), embedding_column(bag_ids("b", 100), 4)}, options);
    EXPECT_EQ(layer.parameters().size(), 2u);
    EXPECT_FALSE(std::ranges::equal(layer.parameters()[0].value.buffer().data(),
                                    layer.parameters()[0].value.buffer().data() + 64,
                                    layer.parameters()[1].value.buffer().data(),
                                    layer.parameters()[1].value.buffer().data() + 64));
    return layer.parameters()[0].value;
  };
  EXPECT_EQ(to_vector<float>(table(1)), to_vector<float>(table(1)));
  EXPECT_NE(to_vector<float>(table(1)), to_vector<float>(table(2)));
  EXPECT_EQ(table(1, DType::kFloat64).dtype(), DType::kFloat64);
  for (float value : table(1).values<float>())
    EXPECT_LE(std::abs(value), 1.0f);  // two deviations of 1 / sqrt(4)
}

TEST(FeatureLayer, WeightsDifferFromLayerToLayer) {
  const auto table = [](const char* name) {
    FeatureLayer::Options options;
    options.name = name;
    return to_vector<float>(
        DenseFeatures({embedding_column(bag_ids("a"), 4)}, options).parameters()[0].value);
  };
  EXPECT_EQ(table("one"), table("one"));
  EXPECT_NE(table("one"), table("two"));
}

TEST(FeatureLayer, TrainableIsBothColumnsAndLayers) {
  const Column frozen = embedding_column(bag_ids("a"), 1, {.trainable = false}),
               free = embedding_column(bag_ids("b"), 1);
  const DenseFeatures layer({frozen, free});
  EXPECT_FALSE(layer.parameters()[0].trainable);
  EXPECT_TRUE(layer.parameters()[1].trainable);
  FeatureLayer::Options options;
  options.trainable = false;
  EXPECT_FALSE(DenseFeatures({free}, options).parameters()[0].trainable);
}

TEST(FeatureLayer, WeightsOfAnotherShapeAreRefused) {
  auto layer = dense_layer({embedding_column(bag_ids("a"), 2)});
  layer.parameters()[0].value = Tensor::zeros(DType::kFloat32, {4, 2});
  EXPECT_ERROR(InvalidArgument, "must be float32 [5, 2], got float32 [4, 2]",
               layer({{"a", int64s({1})}}));
  layer.parameters()[0].value = Tensor::zeros(DType::kFloat64, {5, 2});
  EXPECT_ERROR(InvalidArgument, "got float64", layer({{"a", int64s({1})}}));
}

TEST(FeatureLayer, Counts) {
  const Column a = sequence_categorical_column_with_identity("a", 5, 0);
  auto layer = sequence_layer({embedding_column(a, 1), indicator_column(a)});
  const Features features{{"a", Tensor::of<int64_t>({2, 2}, {1, 99, 3, -1})}};
  layer(features);
  layer(features);
  EXPECT_EQ(layer.counters(),
            (std::map<std::string, IdsCounters>{{"a", {.seen = 6, .replaced = 2, .dropped = 2}}}));
  layer.reset_counters();
  EXPECT_EQ(layer.counters().at("a"), IdsCounters{});
  FeatureLayer::Options options;
  options.ids.strict = true;
  EXPECT_ERROR(InvalidArgument, "absent",
               dense_layer({indicator_column(bag_ids("a"))}, options)({{"a", int64s({-1})}}));
}

TEST(FeatureLayer, CountsDifferentColumnsOfOneNameApart) {
  const Column a = categorical_column_with_identity("a", 5),
               with_default = categorical_column_with_identity("a", 5, 0);
  const Features features{{"a", Ragged::from_lists<int64_t>({{1, 2}})}};
  const auto apart = dense_layer({embedding_column(a, 1), indicator_column(with_default)});
  apart(features);
  EXPECT_EQ(apart.counters(), (std::map<std::string, IdsCounters>{{"a_embedding", {.seen = 2}},
                                                                  {"a_indicator", {.seen = 2}}}));
  // The column "a_embedding" is read by another one than the layer's "a_embedding".
  const auto confused = dense_layer({embedding_column(a, 1), indicator_column(with_default),
                                     indicator_column(bag_ids("a_embedding"))});
  confused({{"a", Ragged::from_lists<int64_t>({{1, 2}})},
            {"a_embedding", Ragged::from_lists<int64_t>({{1}})}});
  EXPECT_EQ(confused.counters(),
            (std::map<std::string, IdsCounters>{{"a_embedding", {.seen = 2}},
                                                {"a_embedding_indicator", {.seen = 1}},
                                                {"a_indicator", {.seen = 2}}}));
}

TEST(FeatureLayer, Float64) {
  SequenceFeaturesOptions options;
  options.dtype = DType::kFloat64;
  const SequenceFeatures layer(
      {embedding_column(sequence_ids("a"), 3), indicator_column(sequence_ids("a")),
       sequence_numeric_column("x", {1}, 0.1)},
      options);
  const Sequence out = layer({{"a", Ragged::from_lists<int64_t>({{1}, {}})},
                              {"x", Ragged::from_lists<double>({{1e-300}, {}})}});
  EXPECT_EQ(out.data.values<double>()[8], 1e-300);
  EXPECT_EQ(out.data.values<double>()[17], 0.1);
  EXPECT_EQ(out.data.values<double>()[0], layer.parameters()[0].value.values<double>()[3]);
}

}  // namespace

TEST(FeatureLayer, OverReadsOtherTablesAndSharesTheCounters) {
  const Features features{{"a", Ragged::from_lists<int64_t>({{0, 4}, {2}})}};
  const SequenceFeatures layer({embedding_column(sequence_ids("a"), 2)});
  const Tensor& own = layer.parameters()[0].value;
  const Tensor table = Tensor::of<float>({5, 2}, std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  const SequenceFeatures other = layer.over(std::vector<Tensor>{table});
  EXPECT_EQ(to_vector<float>(other(features).data), (Floats{0, 1, 8, 9, 4, 5, 0, 0}));
  EXPECT_EQ(other.parameters()[0].value.buffer().data(), table.buffer().data());
  EXPECT_EQ(layer.parameters()[0].value.buffer().data(), own.buffer().data());
  layer(features);
  EXPECT_EQ(other.counters().at("a").seen, 6);

  const DenseFeatures bags({embedding_column(bag_ids("a"), 2)});
  EXPECT_EQ(to_vector<float>(bags.over(std::vector<Tensor>{table})(features)),
            (Floats{4, 5, 4, 5}));
  EXPECT_ERROR(InvalidArgument, "has 1 weights, got 0", bags.over({}));
  EXPECT_ERROR(InvalidArgument, "shape",
               bags.over(std::vector<Tensor>{Tensor(DType::kFloat32, {4, 2})}));
}

}  // namespace weft
