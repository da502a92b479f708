#include <gtest/gtest.h>

#include <cmath>

#include "base/philox.h"
#include "tests/expect_error.h"
#include "tests/reference_rnn.h"
#include "weft/config.h"
#include "weft/layer.h"

namespace weft {
namespace {

Tensor counting(DType dtype, const Shape& shape) {
  Tensor x(dtype, shape);
  for (int64_t i = 0; i < x.size(); ++i) {
    const auto at = static_cast<size_t>(i);
    if (dtype == DType::kFloat32) {
      x.mutable_values<float>()[at] = static_cast<float>(i + 1);
    } else {
      x.mutable_values<double>()[at] = static_cast<double>(i + 1);
    }
  }
  return x;
}

// Element i of x times element `number` of the mask.
double expected(const Tensor& x, int64_t i, const Dropout& layer, uint64_t step, int64_t number) {
  const base::Philox numbers(layer.options().seed, layer.options().name, step);
  const auto e = static_cast<uint64_t>(number);
  if (numbers(e / 4)[e % 4] < layer.rate() * 4294967296.0) return 0;
  return reference::element(x, i) / (1 - layer.rate());
}

TEST(Dropout, OfEachElementIsItsOwn) {
  for (DType dtype : {DType::kFloat32, DType::kFloat64}) {
    const double tolerance = dtype == DType::kFloat32 ? 1e-6 : 1e-15;
    for (const Shape& shape : {Shape{}, Shape{0}, Shape{7}, Shape{3, 1}, Shape{5, 60, 7}}) {
      const Tensor x = counting(dtype, shape);
      const Dropout layer(0.3, {.name = "d", .seed = 4});
      const DropoutVjp vjp = layer.vjp(x, 9);
      const Tensor grad = vjp.pullback(x);
      ASSERT_EQ(vjp.result.shape(), shape);
      for (int64_t i = 0; i < x.size(); ++i) {
        const double want = expected(x, i, layer, 9, i);
        ASSERT_NEAR(reference::element(vjp.result, i), want, tolerance * want) << i;
        ASSERT_EQ(reference::element(grad, i), reference::element(vjp.result, i)) << i;
      }
    }
  }
}

TEST(Dropout, IsRepeatedWhereTheNoiseShapeIsOne) {
  const Shape shape = {3, 4, 5};
  const Tensor x = counting(DType::kFloat64, shape);
  for (const Shape& noise :
       {Shape{3, 1, 5}, Shape{-1, 1, -1}, Shape{1, 4, 1}, Shape{3, 4, 1}, Shape{1, 1, 1}}) {
    const Dropout layer(0.5, {.noise_shape = noise});
    const Tensor out = layer(x, 2);
    const auto size = [&](size_t d) { return noise[d] == -1 ? shape[d] : noise[d]; };
    for (int64_t i = 0; i < x.size(); ++i) {
      const int64_t a = i / 20 % size(0), b = i / 5 % 4 % size(1), c = i % 5 % size(2);
      EXPECT_EQ(reference::element(out, i),
                expected(x, i, layer, 2, (a * size(1) + b) * size(2) + c));
    }
  }
}

TEST(Dropout, DropsAtItsRate) {
  constexpr int64_t kCount = 200000;
  for (double rate : {0.001, 0.2, 0.5, 0.95}) {
    const Tensor out = Dropout(rate)(counting(DType::kFloat32, {kCount}), 0);
    const auto dropped = std::ranges::count(out.values<float>(), 0.f);
    EXPECT_NEAR(static_cast<double>(dropped) / kCount, rate,
                4 * std::sqrt(rate * (1 - rate) / kCount));
  }
}

TEST(Dropout, ThreadsChangeNothing) {
  const int before = num_threads();
  const Tensor x = counting(DType::kFloat32, {300, 400});
  const Dropout layer(0.4, {.noise_shape = Shape{-1, 1}});
  set_num_threads(1);
  const Tensor one = Dropout(0.4)(x, 1), other = layer(x, 1);
  set_num_threads(4);
  EXPECT_TRUE(std::ranges::equal(Dropout(0.4)(x, 1).values<float>(), one.values<float>()));
  EXPECT_TRUE(std::ranges::equal(layer(x, 1).values<float>(), other.values<float>()));
  set_num_threads(before);
}

TEST(Dropout, LeavesNothingOfWhatItDrops) {
  Tensor x(DType::kFloat32, {100});
  std::ranges::fill(x.mutable_values<float>(), std::nanf(""));
  const Tensor out = Dropout(0.5)(x, 0);
  const auto nan = std::ranges::count_if(out.values<float>(), [](float v) { return v != v; });
  const auto zeros = std::ranges::count(out.values<float>(), 0.f);
  EXPECT_EQ(nan + zeros, 100);
  EXPECT_GT(zeros, 20);
}

TEST(Dropout, RefusesWhatDoesNotFit) {
  EXPECT_ERROR(InvalidArgument, "`rate` must be between 0 and 1, got 1.5", Dropout(1.5));
  EXPECT_ERROR(InvalidArgument, "`rate` must be between 0 and 1", Dropout(std::nan("")));
  const Tensor x = counting(DType::kFloat32, {3, 4});
  EXPECT_ERROR(InvalidArgument, "the rate of 'dropout' is 1", Dropout(1)(x, 0));
  EXPECT_ERROR(WrongType, "must be float32 or float64, got int64",
               Dropout(0.5)(Tensor::zeros(DType::kInt64, {3}), 0));
  for (const Shape& noise : {Shape{3}, Shape{3, 2}, Shape{-1, -2}, Shape{3, 4, 1}}) {
    EXPECT_ERROR(InvalidArgument, "does not fit inputs [3, 4]",
                 Dropout(0.5, {.noise_shape = noise})(x, 0));
  }
  EXPECT_ERROR(InvalidArgument, "a Dropout's output must have shape [3, 4]",
               Dropout(0.5).vjp(x, 0).pullback(counting(DType::kFloat32, {3})));
}

}  // namespace
}  // namespace weft
