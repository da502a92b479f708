#include "weft/ragged.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "expect_error.h"
#include "reference.h"

namespace weft {
namespace {

using testing::to_vector;

Tensor int64s(std::vector<int64_t> values) {
  return Tensor::of<int64_t>({static_cast<int64_t>(values.size())},
                             std::span<const int64_t>(values));
}

TEST(Ragged, FromLists) {
  const Ragged ragged = Ragged::from_lists<int64_t>({{1, 2}, {}, {3}});
  EXPECT_EQ(ragged.rows(), 3);
  EXPECT_EQ(ragged.levels(), 1);
  EXPECT_EQ(ragged.longest_row(), 2);
  EXPECT_EQ(to_vector(ragged.row_splits()), (std::vector<int64_t>{0, 2, 2, 3}));
  EXPECT_EQ(to_vector(ragged.values<int64_t>()), (std::vector<int64_t>{1, 2, 3}));
  const Ragged text = Ragged::from_lists<std::string>({{"a", "bc"}, {""}});
  EXPECT_EQ(text.values().bytes()[1], "bc");
  EXPECT_EQ(Ragged::from_lists<float>({}).rows(), 0);
  EXPECT_EQ(Ragged().rows(), 0);
  EXPECT_EQ(Ragged().longest_row(), 0);
}

TEST(Ragged, FromRowSplits) {
  const std::vector<Tensor> splits{int64s({0, 2, 2}), Tensor::of<int32_t>({3}, {0, 1, 4})};
  const Ragged ragged = Ragged::from_row_splits(int64s({1, 2, 3, 4}), splits);
  EXPECT_EQ(ragged.levels(), 2);
  EXPECT_EQ(ragged.rows(), 2);
  EXPECT_EQ(to_vector(ragged.row_splits(1)), (std::vector<int64_t>{0, 1, 4}));
  const Ragged wide =
      Ragged::from_row_splits(Tensor::of<float>({2, 3}, {1, 2, 3, 4, 5, 6}), int64s({0, 2}));
  EXPECT_EQ(wide.rows(), 1);
}

TEST(Ragged, RefusesBadSplits) {
  const Tensor values = int64s({1, 2, 3});
  EXPECT_ERROR(InvalidArgument, "start at 0, got 1 at level 0",
               Ragged::from_row_splits(values, int64s({1, 3})));
  EXPECT_ERROR(InvalidArgument, "decrease from 2 to 1 at position 2",
               Ragged::from_row_splits(values, int64s({0, 2, 1, 3})));
  EXPECT_ERROR(InvalidArgument, "end at 4 but there are 3",
               Ragged::from_row_splits(values, int64s({0, 4})));
  EXPECT_ERROR(InvalidArgument, "end at 2 but there are 3",
               Ragged::from_row_splits(values, int64s({0, 2})));
  EXPECT_ERROR(InvalidArgument, "at least one entry", Ragged::from_row_splits(values, int64s({})));
  EXPECT_ERROR(InvalidArgument, "1-D",
               Ragged::from_row_splits(values, int64s({0, 3}).reshaped({1, 2})));
  EXPECT_ERROR(WrongType, "float32",
               Ragged::from_row_splits(values, Tensor::of<float>({2}, {0, 3})));
  EXPECT_ERROR(InvalidArgument, "at least one level",
               Ragged::from_row_splits(values, std::span<const Tensor>()));
  const std::vector<Tensor> two{int64s({0, 2}), int64s({0, 1})};
  EXPECT_ERROR(InvalidArgument, "at level 0", Ragged::from_row_splits(values, two));
  const std::vector<Tensor> inner{int64s({0, 2}), int64s({0, 5, 3})};
  EXPECT_ERROR(InvalidArgument, "at level 1", Ragged::from_row_splits(values, inner));
  EXPECT_ERROR(InvalidArgument, "dimension",
               Ragged::from_row_splits(Tensor(DType::kInt64, {}), int64s({0, 1})));
}

TEST(Ragged, FromRowLengths) {
  const Ragged ragged = Ragged::from_row_lengths(int64s({1, 2, 3}), int64s({0, 3, 0}));
  EXPECT_EQ(to_vector(ragged.row_splits()), (std::vector<int64_t>{0, 0, 3, 3}));
  EXPECT_ERROR(InvalidArgument, "negative row length -1 at position 1",
               Ragged::from_row_lengths(int64s({1}), int64s({2, -1})));
  EXPECT_ERROR(InvalidArgument, "2^63",
               Ragged::from_row_lengths(int64s({1}), int64s({INT64_MAX, 1})));
}

TEST(Ragged, OwnsItsSplits) {
  auto memory = std::make_shared<std::vector<int64_t>>(std::vector<int64_t>{0, 3});
  const Tensor borrowed =
      Tensor::from_buffer(DType::kInt64, {2}, Buffer::borrow(memory->data(), 16, memory));
  const Ragged ragged = Ragged::from_row_splits(int64s({1, 2, 3}), borrowed);
  (*memory)[1] = 1000000;
  EXPECT_EQ(ragged.row_splits()[1], 3);
}

TEST(Ragged, WithValues) {
  const Ragged ragged = Ragged::from_lists<int64_t>({{1, 2}, {3}});
  EXPECT_EQ(ragged.with_values(Tensor::of<float>({3}, {1, 2, 3})).dtype(), DType::kFloat32);
  EXPECT_ERROR(InvalidArgument, "3 values, got 2", ragged.with_values(int64s({1, 2})));
}

SparseTensor sparse(std::vector<int64_t> indices, int64_t n, Shape dense_shape) {
  const auto rank = static_cast<int64_t>(dense_shape.size());
  return SparseTensor(int64s(std::move(indices)).reshaped({n, rank}),
                      Tensor::zeros(DType::kFloat32, {n}), std::move(dense_shape));
}

TEST(SparseTensor, FromRagged) {
  const SparseTensor made =
      SparseTensor::from_ragged(Ragged::from_lists<int64_t>({{1, 2}, {}, {3}}));
  EXPECT_EQ(made.dense_shape(), (Shape{3, 2}));
  EXPECT_EQ(to_vector<int64_t>(made.indices()), (std::vector<int64_t>{0, 0, 0, 1, 2, 0}));
  ASSERT_NE(made.rows(), nullptr);
  EXPECT_EQ(SparseTensor().dense_shape(), (Shape{0, 0}));
  EXPECT_ERROR(InvalidArgument, "1-D values",
               SparseTensor::from_ragged(
                   Ragged::from_row_splits(int64s({1, 2}).reshaped({1, 2}), int64s({0, 1}))));
}

TEST(SparseTensor, FromRaggedOfTwoLevels) {
  const std::vector<Tensor> splits{int64s({0, 3, 3, 4}), int64s({0, 2, 2, 3, 3})};
  const SparseTensor made =
      SparseTensor::from_ragged(Ragged::from_row_splits(int64s({7, 8, 9}), splits));
  EXPECT_EQ(made.dense_shape(), (Shape{3, 3, 2}));
  EXPECT_EQ(to_vector<int64_t>(made.indices()), (std::vector<int64_t>{0, 0, 0, 0, 0, 1, 0, 2, 0}));
}

TEST(SparseTensor, RefusesBadIndices) {
  EXPECT_EQ(sparse({0, 0, 0, 2, 1, 0}, 3, {2, 3}).rank(), 2);
  EXPECT_EQ(sparse({1, 3}, 2, {4}).rank(), 1);
  EXPECT_ERROR(InvalidArgument, "index [0, 3] of value 0 is outside dense_shape [2, 3]",
               sparse({0, 3}, 1, {2, 3}));
  EXPECT_ERROR(InvalidArgument, "outside", sparse({-1, 0}, 1, {2, 3}));
  EXPECT_ERROR(InvalidArgument, "out of order or repeated", sparse({0, 1, 0, 0}, 2, {2, 3}));
  EXPECT_ERROR(InvalidArgument, "out of order or repeated", sparse({0, 1, 0, 1}, 2, {2, 3}));
  EXPECT_ERROR(InvalidArgument, "negative dimension", sparse({}, 0, {2, -3}));
  EXPECT_ERROR(WrongType, "int64", SparseTensor(Tensor::of<float>({1, 1}, {0}), int64s({1}), {1}));
  EXPECT_ERROR(InvalidArgument, "needs indices", SparseTensor(int64s({0, 0}), int64s({1}), {1, 1}));
  EXPECT_ERROR(InvalidArgument, "needs indices",
               SparseTensor(int64s({0}).reshaped({1, 1}), int64s({1, 2}), {1}));
}

TEST(SparseTensor, Unordered) {
  const Tensor indices = Tensor::of<int64_t>({3, 2}, {1, 2, 0, 0, 1, 2});
  const Tensor values = Tensor::of<int64_t>({3}, {7, 8, 9});
  const SparseTensor sparse = SparseTensor::unordered(indices, values, {2, 3});
  EXPECT_EQ(sparse.indices().values<int64_t>()[1], 2);
  EXPECT_EQ(sparse.values().values<int64_t>()[2], 9);
  EXPECT_ERROR(InvalidArgument, "index [1, 2] of value 0 is outside dense_shape [2, 2]",
               SparseTensor::unordered(indices, values, {2, 2}));
  EXPECT_ERROR(InvalidArgument, "index [0, 0] of value 1 is out of order",
               SparseTensor(indices, values, {2, 3}));
}

TEST(Ragged, LevelsAreBounded) {
  const std::vector<Tensor> splits(Ragged::kMaxLevels + 1, Tensor::of<int64_t>({2}, {0, 1}));
  EXPECT_ERROR(InvalidArgument, "at most 32 levels, got 33",
               Ragged::from_row_splits(Tensor::of<int64_t>({1}, {5}), splits));
}

TEST(SparseTensor, ToSparse) {
  const std::vector<Tensor> splits{int64s({0, 2, 2, 3}), int64s({0, 0, 2, 3})};
  const SparseTensor made = to_sparse(Ragged::from_row_splits(int64s({1, 2, 3}), splits));
  EXPECT_EQ(made.dense_shape(), (Shape{3, 2, 2}));
  EXPECT_EQ(to_vector<int64_t>(made.indices()), (std::vector<int64_t>{0, 1, 0, 0, 1, 1, 2, 0, 0}));
  EXPECT_EQ(to_sparse(Ragged()).dense_shape(), (Shape{0, 0}));
}

// Rows of `inner` elements, padded with a filler whose elements differ.
template <class T>
void check_padded(int64_t rows, int64_t most, int64_t inner, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<int64_t> splits{0};
  for (int64_t row = 0; row < rows; ++row)
    splits.push_back(splits.back() + static_cast<int64_t>(random()) % (most + 1));
  std::vector<T> values(static_cast<size_t>(splits.back() * inner)), filler;
  std::ranges::generate(values, [&] { return static_cast<T>(random()); });
  for (int64_t i = 0; i < inner; ++i) filler.push_back(static_cast<T>(i + 1));
  const Ragged ragged = Ragged::from_row_splits(
      Tensor::of<T>({splits.back(), inner}, std::span<const T>(values)), int64s(splits));
  const int64_t steps = ragged.longest_row();
  std::vector<T> expected;
  for (size_t row = 0; row + 1 < splits.size(); ++row) {
    const auto begin = values.begin() + splits[row] * inner,
               end = values.begin() + splits[row + 1] * inner;
    expected.insert(expected.end(), begin, end);
    for (int64_t i = splits[row + 1] - splits[row]; i < steps; ++i)
      expected.insert(expected.end(), filler.begin(), filler.end());
  }
  testing::on_every_isa([&] {
    const Tensor padded = to_tensor(ragged, Tensor::of<T>({inner}, std::span<const T>(filler)));
    EXPECT_EQ(padded.shape(), (Shape{rows, steps, inner}));
    EXPECT_TRUE(to_vector<T>(padded) == expected) << rows << " x " << steps << " x " << inner;
  });
}

TEST(Ragged, ToTensor) {
  const Tensor minus_one = Tensor::of<int64_t>({}, {-1});
  const Ragged ragged = Ragged::from_lists<int64_t>({{1, 2}, {}, {3}});
  EXPECT_EQ(to_vector<int64_t>(to_tensor(ragged, minus_one)),
            (std::vector<int64_t>{1, 2, -1, -1, 3, -1}));
  EXPECT_EQ(to_tensor(Ragged::from_lists<int64_t>({{}, {}}), minus_one).shape(), (Shape{2, 0}));
  for (uint32_t seed = 0; seed < 20; ++seed) {
    check_padded<int64_t>(seed, 30, 1, seed);
    check_padded<float>(100, 9, seed, seed);
    check_padded<uint8_t>(50, seed, 3, seed);
  }
  check_padded<float>(3000, 100, 16, 1);  // more than the caches are to hold
  check_padded<float>(7000, 100, 7, 2);
  EXPECT_ERROR(WrongType, "int64 cannot be padded with float32",
               to_tensor(ragged, Tensor::of<float>({}, {0})));
  EXPECT_ERROR(InvalidArgument, "values of shape [3] cannot be padded with [1]",
               to_tensor(ragged, Tensor::of<int64_t>({1}, {0})));
  EXPECT_ERROR(InvalidArgument, "a ragged of 2 levels",
               to_tensor(Ragged::from_row_splits(
                             int64s({1}), std::vector<Tensor>{int64s({0, 1}), int64s({0, 1})}),
                         minus_one));
  std::vector<int64_t> splits(int64_t{1} << 17, 1 << 15);
  splits[0] = 0;
  EXPECT_ERROR(
      LimitExceeded, "padded to [131071, 32768]",
      to_tensor(Ragged::from_row_splits(Tensor::zeros(DType::kUInt8, {1 << 15}), int64s(splits)),
                Tensor::zeros(DType::kUInt8, {})));
}

TEST(Feature, RowsAndDType) {
  EXPECT_EQ(feature_rows(Tensor(DType::kInt64, {4, 2})), 4);
  EXPECT_EQ(feature_rows(Tensor(DType::kInt64, {})), 1);
  EXPECT_EQ(feature_rows(Ragged::from_lists<float>({{}, {}})), 2);
  EXPECT_EQ(feature_rows(sparse({}, 0, {5, 0})), 5);
  EXPECT_EQ(feature_dtype(Ragged::from_lists<float>({{}})), DType::kFloat32);
}

}  // namespace
}  // namespace weft
