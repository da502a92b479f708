#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "reference.h"
#include "weft/ids.h"

namespace weft {
namespace {

using testing::on_every_isa;
using testing::to_vector;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// TensorFlow's Bucketize: std::upper_bound, for which NaN is above everything.
int64_t reference_bucket(const std::vector<float>& boundaries, float value) {
  int64_t bucket = 0;
  for (float boundary : boundaries) bucket += value < boundary ? 0 : 1;
  return bucket;
}

std::vector<int64_t> buckets(const std::vector<float>& boundaries,
                             const std::vector<float>& values) {
  const std::vector<double> edges(boundaries.begin(), boundaries.end());
  const auto count = static_cast<int64_t>(edges.size()), n = static_cast<int64_t>(values.size());
  const Column column =
      bucketized_column(numeric_column("x"), Tensor::of<double>({count}, std::span(edges)));
  const Tensor x = Tensor::of<float>({n}, std::span<const float>(values));
  return to_vector<int64_t>(column_ids(*column, {{"x", x}}).values());
}

// Every boundary itself, its neighbours, the specials and random numbers.
void check_buckets(const std::vector<float>& boundaries, std::mt19937& random) {
  std::vector<float> values{0.f, -0.f, kInf, -kInf, kNan, -kNan, 1e-45f, 3e38f, -3e38f};
  for (float boundary : boundaries) {
    values.insert(values.end(),
                  {boundary, std::nextafter(boundary, kInf), std::nextafter(boundary, -kInf)});
  }
  std::normal_distribution<float> number(0, 2);
  for (int i = 0; i < 50; ++i) values.push_back(number(random));
  std::ranges::shuffle(values, random);
  std::vector<int64_t> expected;
  for (float value : values) expected.push_back(reference_bucket(boundaries, value));
  on_every_isa([&] {
    ASSERT_EQ(buckets(boundaries, values), expected) << boundaries.size() << " boundaries";
  });
}

TEST(BucketKernel, AnyNumberOfBoundaries) {
  std::mt19937 random(1);
  std::normal_distribution<float> number(0, 2);
  for (int64_t count = 1; count <= 5000; count += count < 300 ? 1 : 97) {
    std::vector<float> boundaries(static_cast<size_t>(count));
    std::ranges::generate(boundaries, [&] { return number(random); });
    std::ranges::sort(boundaries);
    const auto repeated = std::ranges::unique(boundaries);
    boundaries.erase(repeated.begin(), repeated.end());
    check_buckets(boundaries, random);
  }
}

TEST(BucketKernel, BoundariesAtTheLimits) {
  std::mt19937 random(2);
  check_buckets({0}, random);
  check_buckets({-0.f}, random);
  check_buckets({kInf}, random);
  check_buckets({-kInf}, random);
  check_buckets({-kInf, 0, kInf}, random);
  std::vector<float> many{-kInf};
  for (int i = -40; i <= 40; ++i) many.push_back(static_cast<float>(i));
  many.push_back(kInf);
  check_buckets(many, random);
}

// Different doubles, one float: all are reached at once.
TEST(BucketKernel, BoundariesThatAreEqualAsFloats) {
  std::vector<double> edges;
  for (int i = 0; i < 100; ++i) edges.push_back(1 + i * 1e-12);
  for (int count : {3, 40, 100}) {
    const Column column = bucketized_column(
        numeric_column("x"), Tensor::of<double>({count}, std::span<const double>(edges).first(
                                                             static_cast<size_t>(count))));
    on_every_isa([&] {
      const Ragged ids = column_ids(*column, {{"x", Tensor::of<float>({3}, {0.9f, 1.f, 1.1f})}});
      EXPECT_EQ(to_vector<int64_t>(ids.values()), (std::vector<int64_t>{0, count, count}));
    });
  }
}

TEST(BucketKernel, AnyCountOfValues) {
  std::mt19937 random(3);
  std::normal_distribution<float> number(0, 2);
  std::vector<float> few(20), many(60), values;
  for (auto* boundaries : {&few, &many}) {
    std::ranges::generate(*boundaries, [&] { return number(random); });
    std::ranges::sort(*boundaries);
  }
  for (int n = 0; n <= 70; ++n) {
    for (const auto& boundaries : {few, many}) {
      std::vector<int64_t> expected;
      for (float value : values) expected.push_back(reference_bucket(boundaries, value));
      on_every_isa([&] { ASSERT_EQ(buckets(boundaries, values), expected); });
    }
    values.push_back(number(random));
  }
}

// One more row of two values each takes the way of all groups; the rows before it stay the same.
TEST(Crosses, OfOneValueEachAreThoseOfAnyGroups) {
  std::mt19937_64 random(4);
  for (int64_t n : {0, 1, 7, 8, 9, 100}) {
    std::vector<std::vector<int64_t>> a(static_cast<size_t>(n)), b = a;
    std::vector<std::vector<std::string>> c(static_cast<size_t>(n));
    for (size_t row = 0; row < a.size(); ++row) {
      a[row] = {static_cast<int64_t>(random())};
      b[row] = {static_cast<int64_t>(random() % 100)};
      c[row] = {std::to_string(random() % 1000)};
    }
    const Column column =
        crossed_column({CrossKey("a"), CrossKey("b"), CrossKey("c")}, 1'000'003, 7);
    const auto ids = [&] {
      return to_vector<int64_t>(column_ids(*column, {{"a", Ragged::from_lists(a)},
                                                     {"b", Ragged::from_lists(b)},
                                                     {"c", Ragged::from_lists(c)}})
                                    .values());
    };
    std::vector<std::vector<int64_t>> single;
    on_every_isa([&] { single.push_back(ids()); });
    a.push_back({1, 2});
    b.push_back({3, 4});
    c.push_back({"5", "6"});
    on_every_isa([&] {
      const std::vector<int64_t> any = ids();
      ASSERT_EQ(any.size(), static_cast<size_t>(n) + 8);
      for (const auto& found : single)
        EXPECT_TRUE(std::ranges::equal(found, std::span(any).first(static_cast<size_t>(n))));
    });
  }
}

// Values in and out of a vocabulary of 0 to 9, in any order.
TEST(OutOfVocabulary, BucketsOfAnyPattern) {
  std::mt19937 random(5);
  std::vector<int64_t> entries(10);
  std::iota(entries.begin(), entries.end(), 0);
  for (int64_t n : {0, 1, 255, 256, 257, 20'000}) {
    std::vector<int64_t> values(static_cast<size_t>(n)), expected, replaced;
    std::vector<std::string> text;
    for (int64_t& value : values) {
      value = static_cast<int64_t>(random() % 40) - 10;
      text.push_back(std::to_string(value));
      const bool known = value >= 0 && value < 10;
      expected.push_back(known ? value : 10 + static_cast<int64_t>(fingerprint64(text.back()) % 7));
      replaced.push_back(known ? value : 3);
    }
    const Tensor list = Tensor::of<int64_t>({10}, std::span<const int64_t>(entries));
    const Tensor digits =
        Tensor::strings({10}, Bytes::from(std::vector<std::string_view>{"0", "1", "2", "3", "4",
                                                                        "5", "6", "7", "8", "9"}));
    const Features features{{"i", Ragged::from_lists<int64_t>({values})},
                            {"s", Ragged::from_lists<std::string>({text})}};
    on_every_isa([&] {
      const auto ids = [&](const Column& column) {
        return to_vector<int64_t>(column_ids(*column, features).values());
      };
      EXPECT_EQ(ids(categorical_column_with_vocabulary_list("i", list, {}, -1, 7)), expected);
      EXPECT_EQ(ids(categorical_column_with_vocabulary_list("s", digits, {}, -1, 7)), expected);
      EXPECT_EQ(ids(categorical_column_with_vocabulary_list("i", list, {}, 3)), replaced);
    });
  }
}

// Where one key has bags of one value, and another values, the steps are bags.
TEST(Crosses, OfOneValueEachKeepTheLevels) {
  const Ragged flat = Ragged::from_lists<int64_t>({{1, 2}, {3}});
  const std::vector<Tensor> splits{Tensor::of<int64_t>({3}, {0, 2, 3}),
                                   Tensor::of<int64_t>({4}, {0, 1, 2, 3})};
  const Ragged bags = Ragged::from_row_splits(Tensor::of<int64_t>({3}, {4, 5, 6}), splits);
  const Column column = sequence_crossed_column({CrossKey("a"), CrossKey("b")}, 1000);
  const Ragged one = column_ids(*column, {{"a", flat}, {"b", flat.with_values(bags.values())}});
  const Ragged two = column_ids(*column, {{"a", flat}, {"b", bags}});
  EXPECT_EQ(one.levels(), 1);
  EXPECT_EQ(two.levels(), 2);
  EXPECT_EQ(to_vector<int64_t>(one.values()), to_vector<int64_t>(two.values()));
  EXPECT_EQ(to_vector(two.row_splits(1)), (std::vector<int64_t>{0, 1, 2, 3}));
}

}  // namespace
}  // namespace weft
