#include "weft/sequence.h"

#include <gtest/gtest.h>

#include <cmath>

#include "feature_layers.h"

namespace weft {
namespace {

using testing::doubling;
using testing::Floats;
using testing::int64s;
using testing::Ints;
using testing::sequence_layer;
using testing::sparse;
using testing::to_vector;

TEST(SequenceNumeric, AsTensorFlow) {
  const auto call = [](Shape shape, const Feature& feature, double missing = 9) {
    return sequence_layer({sequence_numeric_column("v", std::move(shape), missing)})(
        {{"v", feature}});
  };
  const Tensor values = Tensor::of<float>({3}, {1, 2, 3});
  const Sequence pairs = call({2}, sparse({0, 0, 0, 1, 0, 2}, values, {2, 4}));
  EXPECT_EQ(to_vector<float>(pairs.data), (Floats{1, 2, 3, 9, 9, 9, 9, 9}));
  EXPECT_EQ(to_vector<int64_t>(pairs.lengths), (Ints{2, 0}));
  EXPECT_ERROR(InvalidArgument, "3 values, which 2",
               call({2}, sparse({0, 0, 0, 1, 0, 2}, values, {2, 3})));
  const Sequence holes = call({1}, sparse({0, 0, 0, 2, 1, 1}, values, {2, 3}));
  EXPECT_EQ(to_vector<float>(holes.data), (Floats{1, 9, 2, 9, 3, 9}));
  EXPECT_EQ(to_vector<int64_t>(holes.lengths), (Ints{3, 2}));
  // Rank 3 whose steps are two elements each: twice the steps, but lengths count the middle
  // dimension.
  const Sequence cube = call({2}, sparse({0, 0, 0, 0, 1, 1, 1, 0, 0}, values, {2, 4, 4}));
  EXPECT_EQ(cube.data.shape(), (Shape{2, 8, 2}));
  EXPECT_EQ(to_vector<int64_t>(cube.lengths), (Ints{2, 1}));
  Floats expected(32, 9);
  expected[0] = 1, expected[5] = 2, expected[16] = 3;
  EXPECT_EQ(to_vector<float>(cube.data), expected);
  const Sequence even = call({2}, sparse({0, 0, 0, 0, 1, 1, 1, 0, 0}, values, {2, 4, 2}));
  EXPECT_EQ(to_vector<float>(even.data), (Floats{1, 9, 9, 2, 9, 9, 9, 9, 3, 9, 9, 9, 9, 9, 9, 9}));
  EXPECT_EQ(to_vector<float>(call({1}, sparse({0, 2}, Tensor::of<float>({2}, {1, 2}), {3})).data),
            (Floats{1, 9, 2}));
}

TEST(SequenceNumeric, RaggedOfSeveralLevels) {
  const auto layer = sequence_layer({sequence_numeric_column("v", {2}, 9)});
  const std::vector<Tensor> splits{int64s({0, 2, 3}), int64s({0, 2, 2, 4})};
  const Sequence nested =
      layer({{"v", Ragged::from_row_splits(Tensor::of<float>({4}, {1, 2, 3, 4}), splits)}});
  EXPECT_EQ(to_vector<float>(nested.data), (Floats{1, 2, 9, 9, 3, 4, 9, 9}));
  EXPECT_EQ(to_vector<int64_t>(nested.lengths), (Ints{2, 1}));
  const Sequence wide = layer(
      {{"v", Ragged::from_row_splits(Tensor::of<float>({2, 2}, {1, 2, 3, 4}), int64s({0, 0, 2}))}});
  EXPECT_EQ(to_vector<float>(wide.data), (Floats{9, 9, 9, 9, 1, 2, 3, 4}));
  const std::vector<Tensor> nothing{int64s({0, 2}), int64s({0, 0, 0})};
  const Sequence empty =
      layer({{"v", Ragged::from_row_splits(Tensor(DType::kFloat32, {0}), nothing)}});
  EXPECT_EQ(to_vector<float>(empty.data), Floats(4, 9));
  EXPECT_EQ(to_vector<int64_t>(empty.lengths), (Ints{2}));
}

TEST(SequenceNumeric, RefusesWhatDoesNotFit) {
  const auto layer = sequence_layer({sequence_numeric_column("v", {2})});
  EXPECT_ERROR(WrongType, "must be a SparseTensor or ragged",
               layer({{"v", Tensor(DType::kFloat32, {2, 2})}}));
  EXPECT_ERROR(InvalidArgument, "Feature v is not in features", layer({}));
  EXPECT_ERROR(WrongType, "not numbers",
               layer({{"v", Ragged::from_lists<std::string>({{"a", "b"}})}}));
  SequenceFeaturesOptions options;
  options.pad = Pad::kLeft;
  const auto left = sequence_layer({sequence_numeric_column("v", {2})}, options);
  EXPECT_ERROR(InvalidArgument, "not one element",
               left({{"v", sparse({0, 0, 0}, Tensor::of<float>({1}, {1}), {1, 4, 4})}}));
  const int64_t far = int64_t{1} << 40;
  EXPECT_ERROR(LimitExceeded, "holes included",
               layer({{"v", sparse({0, far - 1}, Tensor::of<float>({1}, {1}), {1, far})}}));
  EXPECT_ERROR(InvalidArgument, "overflows",
               layer({{"v", sparse({}, Tensor(DType::kFloat32, {0}), {1, far, far})}}));
}

TEST(SequenceNumeric, NormalizerSeesPresentValuesOnly) {
  const Column column = sequence_numeric_column("v", {1}, 9, DType::kFloat32, doubling());
  EXPECT_EQ(to_vector<float>(
                sequence_layer({column})(
                    {{"v", sparse({0, 0, 0, 2, 1, 0}, Tensor::of<float>({3}, {1, 2, 3}), {2, 3})}})
                    .data),
            (Floats{2, 9, 4, 6, 9, 9}));
  const normalizers::Custom wrong{[](const Tensor&) { return Tensor(DType::kFloat32, {7}); },
                                  nullptr, "wrong"};
  EXPECT_ERROR(InvalidArgument, "was given shape [1] and returned [7]",
               sequence_layer({sequence_numeric_column("v", {1}, 9, DType::kFloat32, wrong)})(
                   {{"v", Ragged::from_lists<float>({{1}})}}));
}

TEST(SequenceNumeric, AnyNumbersAreTaken) {
  const auto layer = sequence_layer({sequence_numeric_column("v")});
  const auto value = [&](const Tensor& values) {
    return layer({{"v", Ragged::from_row_splits(values, int64s({0, 1}))}}).data.values<float>()[0];
  };
  EXPECT_EQ(value(Tensor::of<int64_t>({1}, {-3})), -3.0f);
  EXPECT_EQ(value(Tensor::of<uint8_t>({1}, {200})), 200.0f);
  EXPECT_EQ(value(Tensor::of<double>({1}, {0.5})), 0.5f);
  EXPECT_EQ(value(Tensor::of<bool>({1}, {true})), 1.0f);
  const auto half = [&](uint16_t bits) {
    return value(Tensor::from_buffer(DType::kFloat16, {1}, Buffer::copy_of(&bits, 2)));
  };
  EXPECT_EQ(half(0x3c00), 1.0f);
  EXPECT_EQ(half(0xc500), -5.0f);
  EXPECT_EQ(half(0x0001), 0x1p-24f);
  EXPECT_EQ(half(0x7bff), 65504.0f);
  EXPECT_EQ(half(0xfc00), -INFINITY);
  EXPECT_TRUE(std::isnan(half(0x7e00)));
}

}  // namespace
}  // namespace weft
