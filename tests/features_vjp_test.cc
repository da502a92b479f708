// Gradients of feature layers against differences: a layer is linear in its tables, but for
// max_norm.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/random_columns.h"
#include "tests/rnn_case.h"

namespace weft {
namespace {

using testing_rnn::random_tensor;

double dot(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (int64_t i = 0; i < a.size(); ++i) sum += reference::element(a, i) * reference::element(b, i);
  return sum;
}

// The slope of f along `direction`, both of a table that f reads.
template <class F>
double slope(Tensor table, const Tensor& direction, const F& f) {
  constexpr double kStep = 1e-6;
  const auto x = table.mutable_values<double>();
  const std::vector<double> before(x.begin(), x.end());
  const auto at = [&](double by) {
    for (size_t i = 0; i < x.size(); ++i) x[i] = before[i] + by * direction.values<double>()[i];
    return f();
  };
  const double above = at(kStep), below = at(-kStep);
  at(0);
  return (above - below) / (2 * kStep);
}

template <class Layer, class Vjp, class F>
void expect_differences(const Layer& layer, const Vjp& vjp, const Tensor& data, uint32_t seed,
                        const F& output) {
  const Tensor grad = random_tensor(DType::kFloat64, data.shape(), seed, 1);
  const std::vector<Gradient> found = vjp.pullback(grad);
  ASSERT_EQ(found.size(), layer.parameters().size());
  for (size_t i = 0; i < found.size(); ++i) {
    const Tensor& table = layer.parameters()[i].value;
    SCOPED_TRACE(layer.parameters()[i].name);
    const auto& slices = std::get<IndexedSlices>(found[i]);
    EXPECT_EQ(slices.dense_shape, table.shape());
    const Tensor direction = random_tensor(DType::kFloat64, table.shape(), seed + 1, 1);
    const double expected = slope(table, direction, [&] { return dot(output(), grad); });
    EXPECT_NEAR(dot(slices.to_dense(), direction), expected, 1e-6 * (1 + std::abs(expected)));
  }
}

TEST(FeaturesVjp, OfSequencesIsWhatDifferencesSay) {
  size_t tables = 0;
  for (uint32_t seed = 0; seed < 80; ++seed) {
    SCOPED_TRACE(seed);
    const auto c = testing::random_sequences(seed, DType::kFloat64);
    const auto vjp = c.layer.vjp(c.features);
    EXPECT_TRUE(testing::same_bits(vjp.result.data, c.layer(c.features).data));
    EXPECT_TRUE(testing::same_bits(vjp.result.lengths, c.layer(c.features).lengths));
    tables += c.layer.parameters().size();
    expect_differences(c.layer, vjp, vjp.result.data, seed,
                       [&] { return c.layer(c.features).data; });
  }
  EXPECT_GT(tables, 40u);
}

TEST(FeaturesVjp, OfRowsIsWhatDifferencesSay) {
  for (uint32_t seed = 0; seed < 80; ++seed) {
    SCOPED_TRACE(seed);
    const auto c = testing::random_rows(seed, DType::kFloat64);
    const auto vjp = c.layer.vjp(c.features);
    EXPECT_TRUE(testing::same_bits(vjp.result, c.layer(c.features)));
    expect_differences(c.layer, vjp, vjp.result, seed, [&] { return c.layer(c.features); });
  }
}

// The columns of dense blocks of `grad`, a gradient of the whole output.
Tensor of_dense_blocks(const Tensor& grad, const Blocks& blocks) {
  const int64_t width = grad.shape().back(), cells = width == 0 ? 0 : grad.size() / width;
  std::vector<double> kept;
  int64_t left = 0;
  for (int64_t cell = 0; cell < cells; ++cell) {
    int64_t column = 0;
    for (const Blocks::Block& block : blocks.blocks()) {
      const auto* counts = std::get_if<IdCounts>(&block);
      const int64_t n = counts ? counts->width : std::get<Tensor>(block).shape().back();
      for (int64_t j = 0; j < n && !counts; ++j)
        kept.push_back(reference::element(grad, cell * width + column + j));
      column += n;
    }
  }
  for (const Blocks::Block& block : blocks.blocks()) {
    if (const auto* dense = std::get_if<Tensor>(&block)) left += dense->shape().back();
  }
  Shape shape = grad.shape();
  shape.back() = left;
  return Tensor::of<double>(std::move(shape), std::span<const double>(kept));
}

TEST(FeaturesVjp, OfBlocksIsThatOfTheirDenseOnes) {
  for (uint32_t seed = 0; seed < 80; ++seed) {
    SCOPED_TRACE(seed);
    const auto c = testing::random_sequences(seed, DType::kFloat64);
    const auto whole = c.layer.vjp(c.features);
    const auto blocks = c.layer.blocks_vjp(c.features);
    const Tensor grad = random_tensor(DType::kFloat64, whole.result.data.shape(), seed, 1);
    const auto expected = whole.pullback(grad);
    const auto found = blocks.pullback(of_dense_blocks(grad, blocks.result.data));
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_TRUE(testing::same_bits(std::get<IndexedSlices>(found[i]).values,
                                     std::get<IndexedSlices>(expected[i]).values));
    }
  }
}

}  // namespace
}  // namespace weft
