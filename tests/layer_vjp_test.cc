#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/random_columns.h"
#include "tests/rnn_case.h"
#include "weft/layer.h"

namespace weft {
namespace {

using testing_rnn::on_every_isa;
using testing_rnn::random_tensor;

double dot(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (int64_t i = 0; i < a.size(); ++i) sum += reference::element(a, i) * reference::element(b, i);
  return sum;
}

// The slope of f along `direction` from x, for a double tensor x that f reads.
template <class F>
double slope(Tensor& x, const Tensor& direction, const F& f) {
  const Tensor before = Tensor::of<double>(x.shape(), x.values<double>());
  const auto move = [&](double by) {
    for (size_t i = 0; i < before.values<double>().size(); ++i)
      x.mutable_values<double>()[i] =
          before.values<double>()[i] + by * direction.values<double>()[i];
  };
  constexpr double kStep = 1e-6;
  move(kStep);
  const double above = f();
  move(-kStep);
  const double below = f();
  move(0);
  return (above - below) / (2 * kStep);
}

TEST(DenseVjp, IsWhatDifferencesSay) {
  for (int i = 0; i <= static_cast<int>(Activation::kSoftmax); ++i) {
    const auto activation = static_cast<Activation>(i);
    SCOPED_TRACE(activation_name(activation));
    for (uint32_t seed = 0; seed < 6; ++seed) {
      const int64_t depth = 1 + seed * 3, units = 1 + (seed * 7) % 11;
      const Dense dense(units, {.activation = activation,
                                .use_bias = seed % 2 == 0,
                                .dtype = DType::kFloat64,
                                .seed = seed});
      Tensor x = random_tensor(DType::kFloat64, {3, 5, depth}, seed, 1);
      const DenseVjp vjp = dense.vjp(x);
      const Tensor grad = random_tensor(DType::kFloat64, vjp.result.shape(), seed + 1, 1);
      const DenseGradients found = vjp.pullback(grad);
      const auto f = [&] { return dot(dense(x), grad); };
      const auto expect = [&](Tensor value, const Tensor& gradient) {
        const Tensor direction = random_tensor(DType::kFloat64, value.shape(), seed + 2, 1);
        const double expected = slope(value, direction, f);
        EXPECT_NEAR(dot(gradient, direction), expected, 1e-6 * (1 + std::abs(expected)));
      };
      const Tensor direction = random_tensor(DType::kFloat64, x.shape(), seed + 3, 1);
      const double along = slope(x, direction, f);
      EXPECT_NEAR(dot(found.inputs, direction), along, 1e-6 * (1 + std::abs(along)));
      for (size_t p = 0; p < found.parameters.size(); ++p)
        expect(dense.parameters()[p].value, std::get<Tensor>(found.parameters[p]));
    }
  }
}

void expect_near(const Tensor& found, const Tensor& expected, double tolerance) {
  ASSERT_EQ(found.shape(), expected.shape());
  for (int64_t i = 0; i < expected.size(); ++i) {
    const double x = reference::element(expected, i);
    ASSERT_NEAR(reference::element(found, i), x, tolerance * (1 + std::abs(x))) << "element " << i;
  }
}

Tensor widened(const Tensor& x) {
  Tensor wide(DType::kFloat64, x.shape());
  for (size_t i = 0; i < x.values<float>().size(); ++i)
    wide.mutable_values<double>()[i] = x.values<float>()[i];
  return wide;
}

TEST(DenseVjp, InFloat32IsThatInFloat64) {
  on_every_isa([] {
    for (uint32_t seed = 0; seed < 30; ++seed) {
      SCOPED_TRACE(seed);
      const int64_t depth = 1 + (seed * 37) % 90, units = 1 + (seed * 53) % 130,
                    rows = (seed * 71) % 300;
      const auto activation = seed % 2 == 0 ? Activation::kTanh : Activation::kLinear;
      Dense dense(units, {.activation = activation, .seed = seed});
      Dense wide(units, {.activation = activation, .dtype = DType::kFloat64});
      dense.build(depth);
      wide.build(depth);
      const Tensor weights[] = {widened(dense.parameters()[0].value),
                                widened(dense.parameters()[1].value)};
      wide.set_weights(weights);
      const Tensor x = random_tensor(DType::kFloat32, {rows, depth}, seed, 1);
      const Tensor grad = random_tensor(DType::kFloat32, {rows, units}, seed + 1, 1);
      const DenseGradients found = dense.vjp(x).pullback(grad);
      const DenseGradients expected = wide.vjp(widened(x)).pullback(widened(grad));
      expect_near(found.inputs, expected.inputs, 1e-4);
      for (size_t p = 0; p < 2; ++p) {
        expect_near(std::get<Tensor>(found.parameters[p]), std::get<Tensor>(expected.parameters[p]),
                    1e-4);
      }
    }
  });
}

TEST(DenseVjp, OfBlocksIsThatOfTheTensor) {
  int64_t sparse = 0;
  for (uint32_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    const auto c = testing::random_sequences(seed, DType::kFloat64);
    const Sequence dense = c.layer(c.features);
    const SequenceBlocks blocks = c.layer.blocks(c.features);
    const Dense layer(7, {.activation = Activation::kSigmoid, .dtype = DType::kFloat64});
    const DenseVjp one = layer.vjp(blocks.data), other = layer.vjp(dense.data);
    EXPECT_TRUE(testing::same_bits(one.result, layer(blocks.data)));
    const Tensor grad = random_tensor(DType::kFloat64, one.result.shape(), seed, 1);
    const DenseGradients found = one.pullback(grad), expected = other.pullback(grad);
    const auto* rows = std::get_if<IndexedSlices>(&found.parameters[0]);
    EXPECT_EQ(rows != nullptr, testing::id_blocks(blocks.data) > 0);
    sparse += rows != nullptr;
    expect_near(rows ? rows->to_dense() : std::get<Tensor>(found.parameters[0]),
                std::get<Tensor>(expected.parameters[0]), 1e-12);
    expect_near(std::get<Tensor>(found.parameters[1]), std::get<Tensor>(expected.parameters[1]),
                1e-12);
  }
  EXPECT_GT(sparse, 10);
}

}  // namespace
}  // namespace weft
