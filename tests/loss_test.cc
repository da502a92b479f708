#include "weft/loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

#include "tests/expect_error.h"
#include "tests/rnn_case.h"

namespace weft {
namespace {

using testing_rnn::random_tensor;

using LossFunction = Loss (*)(const Tensor&, const Tensor&, const LossOptions&);

// Predictions and labels that a loss takes.
struct Sample {
  Tensor labels, predictions;
};

Sample random_sample(LossFunction loss, bool logits, const Shape& shape, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0.05, 0.95);
  Sample sample{Tensor(DType::kFloat64, shape), random_tensor(DType::kFloat64, shape, seed, 2)};
  for (double& y : sample.labels.mutable_values<double>()) y = uniform(random);
  if (!logits && loss != mean_squared_error) {
    for (double& p : sample.predictions.mutable_values<double>()) p = uniform(random);
  }
  if (loss != sparse_categorical_crossentropy) return sample;
  Shape outer(shape.begin(), shape.end() - 1);
  sample.labels = Tensor(DType::kInt64, outer);
  for (int64_t& y : sample.labels.mutable_values<int64_t>())
    y = static_cast<int64_t>(random() % static_cast<uint64_t>(shape.back()));
  return sample;
}

constexpr LossFunction kLosses[] = {binary_crossentropy, categorical_crossentropy,
                                    sparse_categorical_crossentropy, mean_squared_error};

TEST(Loss, GradientsAreDifferences) {
  for (size_t which = 0; which < std::size(kLosses); ++which) {
    for (uint32_t seed = 0; seed < 24; ++seed) {
      SCOPED_TRACE(std::to_string(which) + "/" + std::to_string(seed));
      const LossFunction loss = kLosses[which];
      const bool logits = seed % 2 == 0;
      const Shape shape = seed % 3 == 0 ? Shape{5, 1 + seed % 4} : Shape{2, 3, 1 + seed % 5};
      Sample sample = random_sample(loss, logits, shape, seed);
      LossOptions options{.from_logits = logits, .label_smoothing = seed % 4 == 1 ? 0.1 : 0};
      if (seed % 3 == 1) options.sample_weight = random_tensor(DType::kFloat64, {shape[0]}, 1, 1);
      if (seed % 5 == 1) options.reduction = Reduction::kSum;
      const Loss found = loss(sample.labels, sample.predictions, options);
      const auto x = sample.predictions.mutable_values<double>();
      for (size_t i = 0; i < x.size(); ++i) {
        const double before = x[i], step = 1e-5;
        x[i] = before + step;
        const double above = loss(sample.labels, sample.predictions, options).value;
        x[i] = before - step;
        const double below = loss(sample.labels, sample.predictions, options).value;
        x[i] = before;
        ASSERT_NEAR(found.gradient.values<double>()[i], (above - below) / (2 * step), 1e-7);
      }
    }
  }
}

TEST(Loss, Values) {
  const Tensor labels = Tensor::of<float>({2, 1}, {1.f, 0.f});
  const Tensor x = Tensor::of<float>({2, 1}, {0.f, std::log(3.f)});
  const Loss loss = binary_crossentropy(labels, x);
  EXPECT_NEAR(loss.samples.values<float>()[0], std::log(2.0), 1e-6);
  EXPECT_NEAR(loss.samples.values<float>()[1], std::log(4.0), 1e-6);
  EXPECT_NEAR(loss.value, (std::log(2.0) + std::log(4.0)) / 2, 1e-6);
  EXPECT_EQ(loss.samples.shape(), Shape{2});
  const Tensor flat = Tensor::of<int64_t>({2}, {1, 0});
  EXPECT_EQ(binary_crossentropy(flat, x).value, loss.value);
  const LossOptions weighted{.sample_weight = Tensor::of<float>({2}, {0.f, 2.f})};
  EXPECT_NEAR(binary_crossentropy(labels, x, weighted).value, std::log(4.0), 1e-6);
  EXPECT_EQ(binary_crossentropy(labels, x, weighted).gradient.values<float>()[0], 0);

  const Tensor scores = Tensor::of<double>({1, 3}, {1000.0, 1000.0, 0.0});
  const Loss sparse = sparse_categorical_crossentropy(Tensor::of<int32_t>({1}, {1}), scores);
  EXPECT_NEAR(sparse.value, std::log(2.0), 1e-12);
  EXPECT_NEAR(sparse.gradient.values<double>()[1], -0.5, 1e-12);
  const Loss dense = categorical_crossentropy(Tensor::of<double>({1, 3}, {0.0, 1.0, 0.0}), scores);
  EXPECT_NEAR(dense.value, sparse.value, 1e-12);
  EXPECT_NEAR(mean_squared_error(Tensor::of<double>({1, 2}, {1.0, 2.0}),
                                 Tensor::of<double>({1, 2}, {2.0, 4.0}))
                  .value,
              2.5, 1e-12);
}

TEST(Loss, TellsOfNaN) {
  const double nan = std::nan("");
  for (const LossFunction loss : kLosses) {
    for (bool logits : {true, false}) {
      Sample sample = random_sample(loss, logits, {2, 3}, 1);
      sample.predictions.mutable_values<double>()[1] = nan;
      const Loss found = loss(sample.labels, sample.predictions, {.from_logits = logits});
      EXPECT_TRUE(std::isnan(found.value));
      EXPECT_TRUE(std::isnan(found.samples.values<double>()[0]));
      EXPECT_FALSE(std::isnan(found.samples.values<double>()[1]));
    }
  }
}

TEST(Loss, OfNoRowsIsZero) {
  const Loss loss =
      binary_crossentropy(Tensor(DType::kFloat32, {0, 1}), Tensor(DType::kFloat32, {0, 1}));
  EXPECT_EQ(loss.value, 0);
  EXPECT_EQ(loss.gradient.shape(), (Shape{0, 1}));
}

TEST(Loss, RefusesWhatDoesNotFit) {
  const Tensor x = Tensor::zeros(DType::kFloat32, {2, 3}), ids = Tensor::of<int64_t>({2}, {0, 3});
  EXPECT_ERROR(InvalidArgument, "labels have shape [2], the predictions [2, 3]",
               mean_squared_error(ids, x));
  EXPECT_ERROR(OutOfRange, "label 3 at position 1 is outside [0, 3)",
               sparse_categorical_crossentropy(ids, x));
  EXPECT_ERROR(WrongType, "predictions must be float32 or float64, got int64",
               mean_squared_error(ids, ids));
  EXPECT_ERROR(InvalidArgument, "sample_weight has shape [3]",
               mean_squared_error(x, x, {.sample_weight = Tensor::zeros(DType::kFloat32, {3})}));
}

}  // namespace
}  // namespace weft
