#include "weft/ids.h"

#include <gtest/gtest.h>

#include <random>

#include "expect_error.h"
#include "reference.h"
#include "weft/config.h"

namespace weft {
namespace {

using Values = std::vector<int64_t>;

Tensor int64s(const Values& values) {
  return Tensor::of<int64_t>({static_cast<int64_t>(values.size())},
                             std::span<const int64_t>(values));
}

SparseTensor sparse(const Values& indices, const Values& values, Shape dense_shape) {
  const auto rank = static_cast<int64_t>(dense_shape.size());
  return SparseTensor(int64s(indices).reshaped({static_cast<int64_t>(values.size()), rank}),
                      int64s(values), std::move(dense_shape));
}

Column sequence() { return sequence_categorical_column_with_identity("a", 10); }
Column bag() { return categorical_column_with_identity("a", 10); }

IdWeightPair ids(const Feature& feature, const Column& column = sequence(),
                 const IdsOptions& options = {}) {
  return id_weight_pair(*column, {{"a", feature}}, options);
}

// The rows of a result as TensorFlow would print its ragged form.
std::string text(const IdWeightPair& pair) {
  std::string out;
  const auto outer = pair.ids.row_splits();
  for (size_t row = 0; row + 1 < outer.size(); ++row) {
    out += '[';
    for (int64_t step = outer[row]; step < outer[row + 1]; ++step) {
      if (pair.ids.levels() == 1) {
        out += (step > outer[row] ? " " : "") +
               std::to_string(pair.ids.values<int64_t>()[static_cast<size_t>(step)]);
        continue;
      }
      const auto inner = pair.ids.row_splits(1);
      out += '(';
      for (int64_t i = inner[static_cast<size_t>(step)]; i < inner[static_cast<size_t>(step) + 1];
           ++i) {
        out += (i > inner[static_cast<size_t>(step)] ? " " : "") +
               std::to_string(pair.ids.values<int64_t>()[static_cast<size_t>(i)]);
      }
      out += ')';
    }
    out += ']';
  }
  return out + " T=" + std::to_string(pair.steps);
}

TEST(ColumnIds, SharesWhatIsInRange) {
  const Ragged ragged = Ragged::from_lists<int64_t>({{1, 2}, {}, {3}});
  for (const Feature& feature : {Feature(ragged), Feature(SparseTensor::from_ragged(ragged))}) {
    const IdWeightPair pair = ids(feature);
    EXPECT_EQ(text(pair), "[1 2][][3] T=2");
    EXPECT_EQ(pair.ids.values().buffer().data(), ragged.values().buffer().data());
    EXPECT_EQ(pair.ids.row_splits().data(), ragged.row_splits().data());
    EXPECT_EQ(column_ids(*bag(), {{"a", feature}}).values().buffer().data(),
              ragged.values().buffer().data());
  }
}

TEST(ColumnIds, EmptyThings) {
  EXPECT_EQ(text(ids(Ragged::from_lists<int64_t>({}))), " T=0");
  EXPECT_EQ(text(ids(Ragged::from_lists<int64_t>({{}, {}}))), "[][] T=0");
  EXPECT_EQ(text(ids(sparse({}, {}, {0, 4}))), " T=4");
  EXPECT_EQ(text(ids(sparse({}, {}, {2, 0}))), "[][] T=0");
  EXPECT_EQ(text(ids(Tensor(DType::kInt64, {0, 3}))), " T=3");
  EXPECT_EQ(text(ids(Tensor(DType::kInt64, {2, 0}))), "[][] T=0");
  EXPECT_EQ(text(ids(Tensor(DType::kInt64, {2, 3, 0}))), "[][] T=3");
  EXPECT_EQ(text(ids(Tensor(DType::kInt64, {0}))), " T=1");
  EXPECT_EQ(text(ids(Ragged::from_lists<int64_t>({{}, {}}), bag())), "[][] T=0");
}

TEST(ColumnIds, SparseHolesAreEmptySteps) {
  EXPECT_EQ(text(ids(sparse({0, 0, 0, 2, 2, 0}, {1, 2, 3}, {3, 5}))), "[(1)()(2)][][(3)] T=5");
  EXPECT_EQ(text(ids(sparse({0, 0, 0, 1, 2, 0}, {1, 2, 3}, {3, 5}))), "[1 2][][3] T=5");
  EXPECT_EQ(text(ids(sparse({0, 1}, {1}, {1, 2}))), "[()(1)] T=2");
  EXPECT_EQ(text(ids(sparse({0, 0, 0, 2, 2, 0}, {1, 2, 3}, {3, 5}), bag())), "[1 2][][3] T=0");
  EXPECT_EQ(text(ids(sparse({0, 2}, {1, 2}, {3}))), "[1][][2] T=1");
}

TEST(ColumnIds, SeveralIdsAStep) {
  EXPECT_EQ(text(ids(sparse({0, 0, 0, 0, 0, 1, 0, 2, 0, 1, 1, 1}, {1, 2, 3, 4}, {2, 3, 2}))),
            "[(1 2)()(3)][()(4)] T=3");
  EXPECT_EQ(text(ids(sparse({0, 0, 0, 0, 0, 1, 1, 1}, {1, 2}, {2, 3, 2, 2}))), "[(1)(2)][] T=3");
  const std::vector<Tensor> two{int64s({0, 2, 3}), int64s({0, 2, 2, 3})};
  EXPECT_EQ(text(ids(Ragged::from_row_splits(int64s({1, 2, 3}), two))), "[(1 2)()][(3)] T=2");
  const std::vector<Tensor> three{int64s({0, 2, 3}), int64s({0, 2, 2, 3}), int64s({0, 1, 3, 3})};
  EXPECT_EQ(text(ids(Ragged::from_row_splits(int64s({1, 2, 3}), three))), "[(1 2 3)()][()] T=2");
  EXPECT_EQ(text(ids(Ragged::from_row_splits(Tensor::of<int64_t>({2, 2}, {1, 2, 3, 4}),
                                             int64s({0, 1, 2})))),
            "[(1 2)][(3 4)] T=1");
  EXPECT_EQ(text(ids(Tensor::of<int64_t>({2, 1, 2}, {1, 2, 3, 4}))), "[(1 2)][(3 4)] T=1");
}

TEST(ColumnIds, DenseArraysLeaveOutMinusOne) {
  EXPECT_EQ(text(ids(Tensor::of<int64_t>({2, 3}, {5, -1, -1, 1, 2, 3}))), "[5][1 2 3] T=3");
  EXPECT_EQ(text(ids(Tensor::of<int64_t>({2, 3}, {-1, 5, -1, 1, 2, 3}))), "[()(5)][(1)(2)(3)] T=3");
  EXPECT_EQ(text(ids(Tensor::of<int64_t>({1, 2, 2}, {1, -1, -1, -1}))), "[1] T=2");
  EXPECT_EQ(text(ids(Tensor::of<int64_t>({1, 2, 2}, {-1, -1, 1, 2}))), "[()(1 2)] T=2");
  EXPECT_EQ(text(ids(int64s({1, 2, -1}))), "[1][2][] T=1");
  EXPECT_EQ(text(ids(Tensor::of<int64_t>({2, 3}, {-1, 5, -1, 1, 2, 3}), bag())), "[5][1 2 3] T=0");
  EXPECT_EQ(text(ids(Tensor::of<int32_t>({1, 2}, {7, -1}))), "[7] T=2");
  EXPECT_EQ(text(ids(Tensor::of<uint8_t>({1, 2}, {7, 255}))), "[7] T=2");  // as TensorFlow casts -1
}

TEST(ColumnIds, MissingSaysWhatIsAbsent) {
  const IdsOptions nowhere{.missing = {.integer = {}, .text = {}}};
  const IdsOptions everywhere{.missing = {.everywhere = true}};
  const IdsOptions zeros{.missing = {.integer = 0, .everywhere = true}};
  const IdsOptions large{.missing = {.integer = 263, .everywhere = true}};
  EXPECT_ERROR(OutOfRange, "id -1 of column 'a'",
               ids(Tensor::of<int64_t>({1, 2}, {7, -1}), sequence(), nowhere));
  EXPECT_EQ(text(ids(Ragged::from_lists<int64_t>({{7, -1, 8, -1}, {-1}}), sequence(), everywhere)),
            "[(7)()(8)][] T=4");
  EXPECT_EQ(text(ids(Ragged::from_lists<int64_t>({{7, -1, -1}, {-1}}), sequence(), everywhere)),
            "[7][] T=3");
  EXPECT_EQ(text(ids(sparse({0, 0, 0, 1}, {-1, 2}, {1, 2}), sequence(), everywhere)),
            "[()(2)] T=2");
  const std::vector<Tensor> two{int64s({0, 2}), int64s({0, 2, 3})};
  EXPECT_EQ(text(ids(Ragged::from_row_splits(int64s({-1, 2, -1}), two), sequence(), everywhere)),
            "[(2)()] T=2");
  EXPECT_EQ(text(ids(Tensor::of<int64_t>({1, 3}, {7, 0, 1}), sequence(), zeros)), "[(7)()(1)] T=3");
  EXPECT_EQ(text(ids(Tensor::of<uint8_t>({1, 2}, {7, 7}), sequence(), large)),
            "[7 7] T=2");  // 263 is no uint8
}

TEST(ColumnIds, StrictRefusesSilentDrops) {
  IdsOptions options;
  options.strict = true;
  EXPECT_ERROR(InvalidArgument, "counts as absent",
               ids(Tensor::of<int64_t>({2, 2}, {1, 2, 3, -1}), sequence(), options));
  EXPECT_ERROR(InvalidArgument, "row 1, step 1",
               ids(Tensor::of<int64_t>({2, 2}, {1, 2, 3, -1}), sequence(), options));
  options.missing.everywhere = true;  // said aloud: not silent
  EXPECT_EQ(text(ids(Tensor::of<int64_t>({2, 2}, {1, 2, 3, -1}), sequence(), options)),
            "[1 2][3] T=2");
}

TEST(ColumnIds, EveryIntegerTypeIsWidened) {
  const auto check = [](const Tensor& values) {
    EXPECT_EQ(text(ids(values)), "[3 9] T=2") << dtype_name(values.dtype());
  };
  check(Tensor::of<int8_t>({1, 2}, {3, 9}));
  check(Tensor::of<int16_t>({1, 2}, {3, 9}));
  check(Tensor::of<int32_t>({1, 2}, {3, 9}));
  check(Tensor::of<int64_t>({1, 2}, {3, 9}));
  check(Tensor::of<uint8_t>({1, 2}, {3, 9}));
  check(Tensor::of<uint16_t>({1, 2}, {3, 9}));
  check(Tensor::of<uint32_t>({1, 2}, {3, 9}));
  check(Tensor::of<uint64_t>({1, 2}, {3, 9}));
  for (const Feature& feature :
       {Feature(Tensor(DType::kFloat32, {1, 1})), Feature(Tensor(DType::kBool, {1, 1})),
        Feature(Ragged::from_lists<float>({{1}})),
        Feature(Ragged::from_lists<std::string>({{"1"}}))}) {
    EXPECT_ERROR(WrongType, "Invalid input, not integer. key: a", ids(feature));
  }
}

TEST(ColumnIds, OutOfRangeSaysWhere) {
  EXPECT_ERROR(OutOfRange, "id 10 of column 'a' is outside [0, 10)",
               ids(Ragged::from_lists<int64_t>({{1}, {2, 10}})));
  EXPECT_ERROR(OutOfRange, "row 1, step 1", ids(Ragged::from_lists<int64_t>({{1}, {2, 10}})));
  EXPECT_ERROR(OutOfRange, "missing=-1", ids(Ragged::from_lists<int64_t>({{-1}})));
  EXPECT_ERROR(OutOfRange, "id -2", ids(Tensor::of<int64_t>({1, 1}, {-2}), bag()));
  EXPECT_ERROR(OutOfRange, "id 18446744073709551614",
               ids(Tensor::of<uint64_t>({1, 1}, {UINT64_MAX - 1})));
  EXPECT_ERROR(OutOfRange, "row 2, step 3", ids(sparse({0, 0, 2, 3}, {1, 99}, {3, 5})));
  EXPECT_ERROR(OutOfRange, "row 2, step 3", ids(sparse({0, 0, 2, 3}, {1, 99}, {3, 5}), bag()));
  EXPECT_ERROR(OutOfRange, "row 1, step 2",
               ids(Tensor::of<int64_t>({2, 3}, {1, -1, -1, -1, 2, 99}), bag()));
}

TEST(ColumnIds, DefaultReplacesWhatIsOutOfRange) {
  const Column column = sequence_categorical_column_with_identity("a", 10, 4);
  IdsCounters counters;
  const Features features{
      {"a", Tensor::of<int64_t>({2, 3}, {1, 10, -1, -5, INT64_MAX, INT64_MIN})}};
  EXPECT_EQ(text(id_weight_pair(*column, features, {}, &counters)), "[1 4][4 4 4] T=3");
  EXPECT_EQ(counters, (IdsCounters{.seen = 5, .replaced = 4, .dropped = 1}));
  id_weight_pair(*column, features, {}, &counters);
  EXPECT_EQ(counters.seen, 10);
  EXPECT_EQ(text(ids(Tensor::of<uint64_t>({1, 2}, {3, UINT64_MAX - 1}), column)), "[3 4] T=2");
  IdsCounters sum = counters;
  sum += counters;
  EXPECT_EQ(sum.replaced, 16);
}

TEST(ColumnIds, RefusesWhatDoesNotFit) {
  EXPECT_ERROR(InvalidArgument, "Feature a is not in features dictionary",
               id_weight_pair(*bag(), {}));
  EXPECT_ERROR(InvalidArgument, "cannot have rank 0", ids(Tensor::zeros(DType::kInt64, {})));
  EXPECT_ERROR(InvalidArgument, "only a categorical column",
               id_weight_pair(*numeric_column("a"), {}));
  EXPECT_ERROR(InvalidArgument, "not a sequence",
               ids(Tensor::zeros(DType::kInt64, {2, 2, 2}), bag()));
  EXPECT_ERROR(InvalidArgument, "not a sequence", ids(sparse({0, 1, 0}, {1}, {1, 2, 1}), bag()));
  EXPECT_EQ(text(ids(Tensor::zeros(DType::kInt64, {1, 1, 2}), bag())), "[0 0] T=0");
  const std::vector<Tensor> two{int64s({0, 1}), int64s({0, 1})};
  EXPECT_ERROR(InvalidArgument, "2 levels", ids(Ragged::from_row_splits(int64s({1}), two), bag()));
}

TEST(ColumnIds, SortedByHearsay) {  // a SparseFeature with already_sorted
  const auto trusted = [](const Values& indices) {
    return SparseTensor::trusted(int64s(indices).reshaped({2, 2}), int64s({1, 2}), {2, 3});
  };
  EXPECT_EQ(text(ids(trusted({0, 1, 0, 1}))), "[()(1 2)][] T=3");
  EXPECT_ERROR(InvalidArgument, "out of order at value 1", ids(trusted({0, 1, 0, 0})));
  EXPECT_ERROR(InvalidArgument, "out of order at value 1", ids(trusted({1, 0, 0, 2})));
}

TEST(ColumnIds, HolesAreLimited) {
  const int64_t far = int64_t{1} << 40;
  EXPECT_ERROR(LimitExceeded, "steps", ids(sparse({0, far - 1}, {1}, {1, far})));
  EXPECT_ERROR(LimitExceeded, "steps",
               ids(sparse({0, 0, 1, INT64_MAX - 1}, {1, 1}, {2, INT64_MAX})));
  EXPECT_ERROR(LimitExceeded, "rows", ids(sparse({far - 1, 0}, {1}, {far, 1})));
  EXPECT_ERROR(LimitExceeded, "rows", ids(Tensor(DType::kInt64, {far, 0})));
  EXPECT_EQ(ids(sparse({0, 0}, {1}, {1, far})).steps, far);
}

// Long enough for several threads and every vector width, with one bad id at each kind of place.
TEST(ColumnIds, EveryCodePathFindsTheSame) {
  const int64_t n = 300000;
  std::mt19937_64 random(7);
  Values values(static_cast<size_t>(n));
  for (int64_t& value : values) value = static_cast<int64_t>(random() % 10);
  testing::on_every_isa([&] {
    EXPECT_EQ(column_ids(*bag(), {{"a", Ragged::from_lists<int64_t>({values})}}).values().size(),
              n);
    for (int64_t bad : {int64_t{0}, int64_t{63}, int64_t{64}, int64_t{70001}, n - 1}) {
      Values with = values;
      with[static_cast<size_t>(bad)] = bad % 2 == 0 ? 10 : -1;
      if (bad + 100 < n) with[static_cast<size_t>(bad) + 100] = 11;
      const Ragged ragged = Ragged::from_lists<int64_t>({with});
      EXPECT_ERROR(OutOfRange, "step " + std::to_string(bad) + ")", ids(ragged));
      const Ragged replaced =
          column_ids(*categorical_column_with_identity("a", 10, 0), {{"a", ragged}});
      for (size_t i = 0; i < with.size(); ++i) {
        ASSERT_EQ(replaced.values<int64_t>()[i], with[i] < 0 || with[i] >= 10 ? 0 : with[i]);
      }
    }
  });
}

TEST(BucketizedIds, StepsOfTheWidestShape) {
  const double bounds[] = {1};
  const Column column =
      bucketized_column(sequence_numeric_column("x", {2}), Tensor::of<double>({1}, bounds));
  const SparseTensor wide(int64s({0, 0}).reshaped({1, 2}), Tensor::of<float>({1}, {3}),
                          {1, INT64_MAX});
  EXPECT_EQ(id_weight_pair(*column, {{"x", wide}}).steps, int64_t{1} << 62);
}

TEST(StepsUntil, TimesBeyondInt64AreRefused) {
  const auto times = [](const std::vector<uint64_t>& values, const std::vector<int64_t>& splits) {
    return Ragged::from_row_splits(
        Tensor::of<uint64_t>({std::ssize(values)}, std::span<const uint64_t>(values)),
        {Tensor::of<int64_t>({std::ssize(splits)}, std::span<const int64_t>(splits))});
  };
  constexpr uint64_t kLast = INT64_MAX;
  const Ragged good = times({1, kLast, kLast}, {0, 2, 3}), now = times({5, kLast}, {0, 1, 2});
  EXPECT_EQ(steps_until({{"t", good}, {"now", now}}, "t", "now").values().values<bool>()[1], false);
  EXPECT_ERROR(OutOfRange, "the time 9223372036854775808 is beyond int64 (key 't', row 1, step 0)",
               steps_until({{"t", times({1, 2, kLast + 1}, {0, 2, 3})}, {"now", now}}, "t", "now"));
  EXPECT_ERROR(OutOfRange, "(key 'now', row 1",
               steps_until({{"t", good}, {"now", times({5, kLast + 1}, {0, 1, 2})}}, "t", "now"));
}

}  // namespace
}  // namespace weft
