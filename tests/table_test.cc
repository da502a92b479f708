#include "weft/table.h"

#include <gtest/gtest.h>

#include <random>

#include "expect_error.h"
#include "reference.h"
#include "weft/config.h"

namespace weft {
namespace {

using testing::random_table;
using testing::reference_combine;

std::vector<int64_t> random_ids(size_t n, int64_t rows, uint32_t seed, bool absent = true) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<int64_t> any(absent ? -1 : 0, rows - 1);
  std::vector<int64_t> ids(n);
  for (int64_t& id : ids) id = any(random);
  return ids;
}

Tensor int64s(const std::vector<int64_t>& values) {
  return Tensor::of<int64_t>({static_cast<int64_t>(values.size())},
                             std::span<const int64_t>(values));
}

constexpr int64_t kDimensions[] = {1,  2,  3,  4,  5,  7,  8,   10,  15,  16, 17,
                                   24, 31, 32, 33, 64, 65, 100, 128, 200, 257};

template <class T>
void check_gather(int64_t dimension, std::optional<double> max_norm) {
  const Tensor table = random_table<T>(37, dimension, 1);
  const auto ids = random_ids(100, 37, 2);
  const Tensor found = lookup(EmbeddingTable(table, {Combiner::kMean, max_norm}), int64s(ids));
  EXPECT_EQ(found.shape(), (Shape{100, dimension}));
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto expected =
        reference_combine<T>(table, std::span(ids).subspan(i, 1), {}, Combiner::kSum, max_norm);
    const auto row = found.values<T>().subspan(i * static_cast<size_t>(dimension),
                                               static_cast<size_t>(dimension));
    ASSERT_TRUE(std::ranges::equal(row, expected)) << "dimension " << dimension << ", row " << i;
  }
}

TEST(Lookup, EveryDimensionOnEveryCodePath) {
  testing::on_every_isa([] {
    for (int64_t dimension : kDimensions) {
      check_gather<float>(dimension, {});
      check_gather<double>(dimension, {});
      check_gather<float>(dimension, 0.7);
      check_gather<double>(dimension, 0.7);
    }
  });
}

template <class T>
void check_combine(int64_t dimension, Combiner combiner, bool weighted,
                   std::optional<double> max_norm) {
  const Tensor table = random_table<T>(37, dimension, 3);
  std::mt19937 random(4);
  std::vector<std::vector<int64_t>> bags;
  std::vector<float> weights;
  for (uint32_t bag = 0; bag < 40; ++bag)
    bags.push_back(random_ids(bag % 3 == 0 ? 0 : random() % 30, 37, bag));
  const Ragged ids = Ragged::from_lists<int64_t>(bags);
  std::uniform_real_distribution<float> number(-0.5f, 2.0f);
  for (int64_t i = 0; i < ids.values().size(); ++i)
    weights.push_back(i % 7 == 0 ? 0.0f : number(random));
  const Tensor given = Tensor::of<float>({ids.values().size()}, std::span<const float>(weights));
  const Tensor found =
      lookup(EmbeddingTable(table, {combiner, max_norm}), ids, weighted ? &given : nullptr);
  ASSERT_EQ(found.shape(), (Shape{40, dimension}));
  for (size_t bag = 0; bag < bags.size(); ++bag) {
    const auto begin = static_cast<size_t>(ids.row_splits()[bag]);
    const auto its = weighted ? std::span<const float>(weights).subspan(begin, bags[bag].size())
                              : std::span<const float>();
    const auto expected = reference_combine<T>(table, bags[bag], its, combiner, max_norm);
    const auto row = found.values<T>().subspan(bag * static_cast<size_t>(dimension),
                                               static_cast<size_t>(dimension));
    ASSERT_TRUE(std::ranges::equal(row, expected)) << "dimension " << dimension << ", bag " << bag;
  }
}

TEST(Lookup, EveryCombinerOnEveryCodePath) {
  testing::on_every_isa([] {
    for (int64_t dimension : kDimensions) {
      for (Combiner combiner : {Combiner::kMean, Combiner::kSqrtn, Combiner::kSum}) {
        for (bool weighted : {false, true}) {
          check_combine<float>(dimension, combiner, weighted, {});
          check_combine<double>(dimension, combiner, weighted, 0.7);
        }
      }
    }
  });
}

TEST(Lookup, KeepsTheShapeOfTheIds) {
  const EmbeddingTable table(random_table<float>(5, 3, 1));
  EXPECT_EQ(lookup(table, Tensor::of<int64_t>({2, 2}, {0, 1, 2, 3})).shape(), (Shape{2, 2, 3}));
  EXPECT_EQ(lookup(table, Tensor::of<int64_t>({}, {4})).shape(), (Shape{3}));
  EXPECT_EQ(lookup(table, int64s({})).shape(), (Shape{0, 3}));
  EXPECT_EQ(lookup(table, Ragged::from_lists<int64_t>({})).shape(), (Shape{0, 3}));
  EXPECT_EQ(lookup(EmbeddingTable(random_table<float>(0, 3, 1)), int64s({-1})).values<float>()[2],
            0.0f);
  const std::vector<Tensor> splits{int64s({0, 2}), int64s({0, 1, 3})};
  EXPECT_EQ(lookup(table, Ragged::from_row_splits(int64s({0, 1, 2}), splits)).shape(),
            (Shape{2, 3}));
}

TEST(Lookup, ReusesTheOutput) {
  const EmbeddingTable table(random_table<float>(5, 3, 1));
  Tensor out;
  lookup(table, int64s({0, 1}), out);
  const uint8_t* memory = out.buffer().data();
  lookup(table, int64s({2, 3}), out);
  EXPECT_EQ(out.buffer().data(), memory);
  EXPECT_TRUE(std::ranges::equal(out.values<float>().first(3),
                                 testing::reference_row<float>(table.values(), 2)));
}

TEST(Lookup, ReportsTheFirstBadId) {
  testing::on_every_isa([] {
    for (int64_t dimension : {1, 10, 16, 100}) {
      const EmbeddingTable table(random_table<float>(5, dimension, 1));
      for (int64_t bad : {int64_t{5}, int64_t{-2}, INT64_MAX, INT64_MIN}) {
        std::vector<int64_t> ids(50, 1);
        ids[33] = bad;
        EXPECT_ERROR(OutOfRange, "id " + std::to_string(bad) + " at position 33",
                     lookup(table, int64s(ids)));
        const Ragged bags = Ragged::from_row_lengths(int64s(ids), int64s({30, 0, 20}));
        EXPECT_ERROR(OutOfRange, "row 2, step 3", lookup(table, bags));
      }
    }
  });
}

TEST(Lookup, RefusesWhatDoesNotFit) {
  const Tensor values = random_table<float>(5, 3, 1);
  EXPECT_ERROR(InvalidArgument, "[rows, dimension]", EmbeddingTable(values.reshaped({15})));
  EXPECT_ERROR(InvalidArgument, "[rows, dimension]",
               EmbeddingTable(Tensor(DType::kFloat32, {5, 0})));
  EXPECT_ERROR(WrongType, "float16", EmbeddingTable(Tensor(DType::kFloat16, {5, 3})));
  EXPECT_ERROR(InvalidArgument, "max_norm", EmbeddingTable(values, {Combiner::kMean, -1.0}));
  const EmbeddingTable table(values);
  EXPECT_ERROR(WrongType, "int32", lookup(table, Tensor::of<int32_t>({1}, {0})));
  const Ragged ids = Ragged::from_lists<int64_t>({{1, 2}});
  const Tensor one = Tensor::of<float>({1}, {1}), wide = Tensor::of<double>({2}, {1, 1});
  EXPECT_ERROR(InvalidArgument, "1 weights for 2 ids", lookup(table, ids, &one));
  EXPECT_ERROR(WrongType, "float64", lookup(table, ids, &wide));
  EXPECT_ERROR(
      InvalidArgument, "1-D values",
      lookup(table, Ragged::from_row_splits(Tensor::zeros(DType::kInt64, {1, 2}), int64s({0, 1}))));
}

// Enough rows for several threads and for writing past the caches; the answer is the same.
TEST(Lookup, DoesNotDependOnThreadsOrSize) {
  const int before = num_threads();
  for (int64_t dimension : {16, 20, 64}) {
    const EmbeddingTable table(random_table<float>(1000, dimension, 1));
    const auto ids = random_ids(300000, 1000, 5);
    set_num_threads(1);
    const Tensor one = lookup(table, int64s(ids));
    set_num_threads(3);
    const Tensor three = lookup(table, int64s(ids));
    EXPECT_TRUE(std::ranges::equal(one.values<float>(), three.values<float>()));
    for (size_t i = 0; i < ids.size(); i += 997) {
      const auto expected = reference_combine<float>(table.values(), std::span(ids).subspan(i, 1));
      const auto width = static_cast<size_t>(dimension);
      ASSERT_TRUE(std::ranges::equal(one.values<float>().subspan(i * width, width), expected)) << i;
    }
  }
  set_num_threads(before);
}

TEST(EmbeddingTable, WritesAtAnyStrideAndTouchesNothingElse) {
  testing::on_every_isa([] {
    for (int64_t dimension : {1, 3, 10, 16, 33}) {
      const EmbeddingTable table(random_table<float>(9, dimension, 1));
      const int64_t stride = dimension + 5;
      const std::vector<int64_t> ids{8, -1, 0}, splits{0, 2, 2, 3};
      std::vector<float> out(static_cast<size_t>(3 * stride), -7.0f);
      for (bool stream : {false, true}) {
        EXPECT_EQ(table.gather({ids.data(), 3, 3}, out.data(), stride, stream), 3);
        EXPECT_EQ(std::ranges::count(out, -7.0f), 3 * 5);
      }
      EXPECT_EQ(table.combine(ids.data(), nullptr, splits.data(), 3, out.data(), stride), -1);
      EXPECT_EQ(std::ranges::count(out, -7.0f), 3 * 5);
      EXPECT_EQ(out[static_cast<size_t>(stride)], 0.0f);
    }
  });
}

}  // namespace
}  // namespace weft
