#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "tests/reference_rnn.h"
#include "weft/table.h"

namespace weft {
namespace {

Tensor random_tensor(DType dtype, Shape shape, std::mt19937& random) {
  std::normal_distribution<double> normal(0, 1);
  Tensor tensor(dtype, std::move(shape));
  if (dtype == DType::kFloat32) {
    for (float& x : tensor.mutable_values<float>()) x = static_cast<float>(normal(random));
  } else {
    for (double& x : tensor.mutable_values<double>()) x = normal(random);
  }
  return tensor;
}

double dot(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (int64_t i = 0; i < a.size(); ++i) sum += reference::element(a, i) * reference::element(b, i);
  return sum;
}

struct Bags {
  Ragged ids;
  std::optional<Tensor> weights;
};

// Bags of ids in [-1, rows), some of them empty; weights of any sign.
Bags random_bags(int64_t rows, bool weighted, std::mt19937& random) {
  std::vector<int64_t> ids, splits = {0};
  for (int bag = 0; bag < 40; ++bag) {
    for (uint64_t n = random() % 4; n > 0; --n)
      ids.push_back(static_cast<int64_t>(random() % static_cast<uint64_t>(rows + 1)) - 1);
    splits.push_back(static_cast<int64_t>(ids.size()));
  }
  const auto tensor = [](const std::vector<int64_t>& of) {
    return Tensor::of<int64_t>({static_cast<int64_t>(of.size())}, std::span<const int64_t>(of));
  };
  Bags bags{Ragged::from_row_splits(tensor(ids), tensor(splits)), {}};
  if (weighted)
    bags.weights = random_tensor(DType::kFloat32, {static_cast<int64_t>(ids.size())}, random);
  return bags;
}

void expect_rising(const IndexedSlices& slices) {
  const auto ids = slices.ids.values<int64_t>();
  for (size_t i = 1; i < ids.size(); ++i) EXPECT_LT(ids[i - 1], ids[i]);
}

// <J v, g> = <v, J^T g> for a random direction v, J being differences.
TEST(TableGradient, IsWhatDifferencesSay) {
  std::mt19937 random(1);
  for (int trial = 0; trial < 60; ++trial) {
    SCOPED_TRACE(trial);
    const int64_t rows = 1 + static_cast<int64_t>(random() % 30), width = 1 + trial % 19;
    LookupOptions options{static_cast<Combiner>(trial % 3), {}};
    if (trial % 2 == 0) options.max_norm = 0.7 * std::sqrt(static_cast<double>(width));
    const Bags bags = random_bags(rows, trial % 4 < 2, random);
    const Tensor* weights = bags.weights ? &*bags.weights : nullptr;
    const Tensor values = random_tensor(DType::kFloat64, {rows, width}, random);
    const Tensor direction = random_tensor(DType::kFloat64, {rows, width}, random);
    const auto moved = [&](double by) {
      Tensor at(DType::kFloat64, values.shape());
      for (size_t i = 0; i < values.values<double>().size(); ++i)
        at.mutable_values<double>()[i] =
            values.values<double>()[i] + by * direction.values<double>()[i];
      return lookup(EmbeddingTable(at, options), bags.ids, weights);
    };
    const Tensor grad = random_tensor(DType::kFloat64, moved(0).shape(), random);
    const double expected = (dot(moved(1e-6), grad) - dot(moved(-1e-6), grad)) / 2e-6;
    const IndexedSlices found =
        lookup_backward(EmbeddingTable(values, options), bags.ids, weights, grad);
    expect_rising(found);
    EXPECT_NEAR(dot(found.to_dense(), direction), expected, 1e-6 * (1 + std::abs(expected)));
  }
}

TEST(TableGradient, OfSingleIdsSumsTheRowsOfEach) {
  std::mt19937 random(2);
  for (int64_t width : {1, 3, 16, 70}) {
    for (int64_t rows : {1, 5, 3000, 300000}) {
      std::vector<int64_t> ids;
      for (int i = 0; i < 500; ++i)
        ids.push_back(static_cast<int64_t>(random() % static_cast<uint64_t>(rows + 1)) - 1);
      const Tensor table = Tensor::zeros(DType::kFloat32, {rows, width});
      const Tensor grad = random_tensor(DType::kFloat32, {50, 10, width}, random);
      const IndexedSlices found =
          lookup_backward(EmbeddingTable(table),
                          Tensor::of<int64_t>({50, 10}, std::span<const int64_t>(ids)), grad);
      expect_rising(found);
      std::map<int64_t, std::vector<float>> expected;
      for (size_t i = 0; i < ids.size(); ++i) {
        if (ids[i] < 0) continue;
        auto& sum = expected[ids[i]];
        sum.resize(static_cast<size_t>(width));
        for (size_t j = 0; j < sum.size(); ++j)
          sum[j] += grad.values<float>()[i * static_cast<size_t>(width) + j];
      }
      ASSERT_EQ(found.ids.size(), static_cast<int64_t>(expected.size()));
      size_t row = 0;
      for (const auto& [id, sum] : expected) {
        EXPECT_EQ(found.ids.values<int64_t>()[row], id);
        for (size_t j = 0; j < sum.size(); ++j)
          EXPECT_EQ(found.values.values<float>()[row * sum.size() + j], sum[j]);
        ++row;
      }
    }
  }
}

TEST(Gradient, IsFiniteOrNot) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (double wrong : {kInfinity, -kInfinity, std::nan("")}) {
    for (size_t place : {0, 1, 63, 64, 99}) {
      std::vector<double> values(100, std::numeric_limits<double>::max());
      values[50] = std::numeric_limits<double>::denorm_min();
      const Tensor ids = Tensor::of<int64_t>({100}, std::vector<int64_t>(100));
      EXPECT_TRUE(all_finite(Tensor::of<double>({100}, values)));
      values[place] = wrong;
      EXPECT_FALSE(all_finite(Tensor::of<double>({100}, values)));
      EXPECT_FALSE(all_finite(IndexedSlices{ids, Tensor::of<double>({100, 1}, values), {200, 1}}));
      std::vector<float> floats(100, std::numeric_limits<float>::max());
      EXPECT_TRUE(all_finite(Tensor::of<float>({10, 10}, floats)));
      floats[place] = static_cast<float>(wrong);
      EXPECT_FALSE(all_finite(Tensor::of<float>({10, 10}, floats)));
    }
  }
  EXPECT_TRUE(all_finite(Tensor::of<float>({0}, std::vector<float>())));
}

}  // namespace
}  // namespace weft
