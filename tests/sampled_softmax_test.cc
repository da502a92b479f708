#include "weft/sampled_softmax.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>

#include "base/thread_pool.h"
#include "tests/expect_error.h"
#include "tests/random_columns.h"
#include "tests/rnn_case.h"

namespace weft {
namespace {

using reference::element;
using testing_rnn::on_every_isa;
using testing_rnn::random_tensor;

// Weights, biases and inputs, and rows of several labels, of one and of none.
struct Sample {
  Tensor weights, biases, inputs;
  Ragged labels;
};

Sample random_sample(uint32_t seed, DType dtype = DType::kFloat64) {
  std::mt19937 random(seed);
  const auto upto = [&](int64_t n) {
    return 1 + static_cast<int64_t>(random() % static_cast<uint64_t>(n));
  };
  const int64_t classes = upto(60), depth = upto(40), rows = upto(30);
  std::vector<std::vector<int64_t>> labels(static_cast<size_t>(rows));
  for (auto& row : labels) {
    for (int64_t i = upto(4); i > 1; --i) row.push_back(upto(classes) - 1);
  }
  return {random_tensor(dtype, {classes, depth}, seed, 0.5),
          random_tensor(dtype, {classes}, seed + 1, 0.5),
          random_tensor(dtype, {rows, depth}, seed + 2, 0.5), Ragged::from_lists(labels)};
}

// The losses, the slow way.
double reference_loss(const Sample& s, const SampledClasses& sampled, const Tensor* biases,
                      bool remove) {
  const auto logit = [&](int64_t row, int64_t id, double expected) {
    double sum = biases == nullptr ? 0 : element(*biases, id);
    for (int64_t k = 0; k < s.inputs.dim(1); ++k)
      sum += element(s.inputs, row * s.inputs.dim(1) + k) *
             element(s.weights, id * s.inputs.dim(1) + k);
    return sum - std::log(expected);
  };
  const auto splits = s.labels.row_splits(), ids = s.labels.values<int64_t>(),
             classes = sampled.classes.values<int64_t>();
  double total = 0;
  for (size_t row = 0; row + 1 < splits.size(); ++row) {
    double sum = 0, mean = 0;
    const auto at = static_cast<int64_t>(row), n = splits[row + 1] - splits[row];
    if (n == 0) continue;
    for (int64_t i = splits[row]; i < splits[row + 1]; ++i) {
      const double own = logit(at, ids[static_cast<size_t>(i)], element(sampled.true_expected, i));
      sum += std::exp(own);
      mean += own / static_cast<double>(n);
    }
    for (size_t j = 0; j < classes.size(); ++j) {
      const auto begin = ids.begin() + splits[row], end = ids.begin() + splits[row + 1];
      if (remove && std::find(begin, end, classes[j]) != end) continue;
      sum += std::exp(logit(at, classes[j], sampled.expected.values<double>()[j]));
    }
    total += std::log(sum) - mean;
  }
  return total / static_cast<double>(splits.size() - 1);
}

void expect_slope(Tensor x, const Tensor& gradient, const std::function<double()>& f) {
  ASSERT_EQ(gradient.shape(), x.shape());
  const auto values = x.mutable_values<double>();
  for (size_t i = 0; i < values.size(); ++i) {
    const double before = values[i], step = 1e-5;
    values[i] = before + step;
    const double above = f();
    values[i] = before - step;
    const double below = f();
    values[i] = before;
    ASSERT_NEAR(gradient.values<double>()[i], (above - below) / (2 * step), 1e-8) << i;
  }
}

TEST(SampledSoftmax, IsTheReferenceAndItsSlopes) {
  for (uint32_t seed = 0; seed < 25; ++seed) {
    SCOPED_TRACE(seed);
    const Sample s = random_sample(seed);
    const bool remove = seed % 3 != 0;
    const Tensor* biases = seed % 2 == 0 ? &s.biases : nullptr;
    const auto by_frequency = ClassDistribution::log_uniform(s.weights.dim(0));
    const SampledClasses sampled =
        seed % 4 == 3
            ? batch_classes(by_frequency, s.labels)
            : sample_classes(by_frequency, s.labels,
                             {.num_sampled = 1 + seed % 40, .unique = false, .step = seed});
    const SampledSoftmaxOptions options{.remove_accidental_hits = remove};
    const auto value = [&] {
      return sampled_softmax(s.weights, biases, s.labels, s.inputs, sampled, options).value;
    };
    const auto found = sampled_softmax(s.weights, biases, s.labels, s.inputs, sampled, options);
    EXPECT_NEAR(found.value, reference_loss(s, sampled, biases, remove), 1e-10);
    expect_slope(s.inputs, found.inputs, value);
    expect_slope(s.weights, found.weights.to_dense(), value);
    ASSERT_EQ(found.biases.has_value(), biases != nullptr);
    if (biases != nullptr) expect_slope(s.biases, found.biases->to_dense(), value);
  }
}

TEST(SampledSoftmax, InFloat32IsThatInFloat64WithAnyNumberOfThreads) {
  const int threads = base::num_threads();
  on_every_isa([] {
    for (uint32_t seed = 0; seed < 20; ++seed) {
      SCOPED_TRACE(seed);
      const Sample wide = random_sample(seed);
      const auto narrow = [](const Tensor& x) {
        Tensor made(DType::kFloat32, x.shape());
        for (int64_t i = 0; i < x.size(); ++i)
          made.mutable_values<float>()[static_cast<size_t>(i)] = static_cast<float>(element(x, i));
        return made;
      };
      const Tensor weights = narrow(wide.weights), biases = narrow(wide.biases),
                   inputs = narrow(wide.inputs);
      const SampledClasses sampled = sample_classes(ClassDistribution::uniform(weights.dim(0)),
                                                    wide.labels, {.num_sampled = weights.dim(0)});
      const auto found = sampled_softmax(weights, &biases, wide.labels, inputs, sampled);
      const auto exact =
          sampled_softmax(wide.weights, &wide.biases, wide.labels, wide.inputs, sampled);
      EXPECT_NEAR(found.value, exact.value, 1e-5 * (1 + exact.value));
      for (int64_t i = 0; i < exact.inputs.size(); ++i)
        ASSERT_NEAR(element(found.inputs, i), element(exact.inputs, i), 1e-5);
      for (int64_t i = 0; i < exact.weights.values.size(); ++i)
        ASSERT_NEAR(element(found.weights.values, i), element(exact.weights.values, i), 1e-5);
      base::set_num_threads(3);
      const auto again = sampled_softmax(weights, &biases, wide.labels, inputs, sampled);
      EXPECT_EQ(again.value, found.value);
      EXPECT_TRUE(testing::same_bits(again.inputs, found.inputs));
      EXPECT_TRUE(testing::same_bits(again.weights.values, found.weights.values));
      EXPECT_TRUE(testing::same_bits(again.biases->values, found.biases->values));
    }
  });
  base::set_num_threads(threads);
}

TEST(SampledSoftmax, ReadsSampleWeightsAndReductions) {
  const Sample s = random_sample(3);
  const auto sampled = batch_classes(ClassDistribution::uniform(s.weights.dim(0)), s.labels);
  const auto plain = sampled_softmax(s.weights, nullptr, s.labels, s.inputs, sampled);
  const Tensor weight = random_tensor(DType::kFloat64, {s.inputs.dim(0)}, 1, 1);
  const auto found = sampled_softmax(s.weights, nullptr, s.labels, s.inputs, sampled,
                                     {.sample_weight = weight, .reduction = Reduction::kSum});
  double sum = 0;
  const int64_t rows = s.inputs.dim(0), depth = s.inputs.dim(1);
  for (int64_t row = 0; row < rows; ++row) {
    const double by = element(weight, row);
    EXPECT_NEAR(element(found.samples, row), by * element(plain.samples, row), 1e-12);
    sum += element(found.samples, row);
    for (int64_t k = row * depth; k < (row + 1) * depth; ++k) {
      EXPECT_NEAR(element(found.inputs, k),
                  by * static_cast<double>(rows) * element(plain.inputs, k), 1e-12);
    }
  }
  EXPECT_NEAR(found.value, sum, 1e-12);
}

TEST(SampledSoftmax, OfNoRowsOrNoLabelsIsZero) {
  const Tensor weights = random_tensor(DType::kFloat32, {5, 3}, 1, 1);
  const auto uniform = ClassDistribution::uniform(5);
  const Ragged none = Ragged::from_lists<int64_t>({{}, {}});
  for (const int64_t rows : {0, 2}) {
    const Ragged labels = rows == 0 ? Ragged::from_lists<int64_t>({}) : none;
    const Tensor inputs = random_tensor(DType::kFloat32, {rows, 3}, 1, 1);
    const auto drawn = sample_classes(uniform, labels, {.num_sampled = 2});
    for (const SampledClasses& sampled : {drawn, batch_classes(uniform, labels)}) {
      const auto loss = sampled_softmax(weights, nullptr, labels, inputs, sampled);
      EXPECT_EQ(loss.value, 0);
      EXPECT_EQ(loss.inputs.shape(), (Shape{rows, 3}));
      EXPECT_EQ(loss.weights.ids.size(), sampled.classes.size());
      for (float g : loss.weights.values.values<float>()) EXPECT_EQ(g, 0);
    }
  }
}

TEST(ClassDistribution, DrawsAsItsProbabilities) {
  const Tensor counts = Tensor::of<int64_t>({4}, {5, 1, 3, 1});
  for (const auto& distribution : {ClassDistribution::uniform(4), ClassDistribution::log_uniform(4),
                                   ClassDistribution::of_counts(counts)}) {
    std::mt19937_64 random(1);
    std::vector<double> met(4, 0);
    constexpr int kDraws = 200000;
    double total = 0;
    for (int i = 0; i < kDraws; ++i) met[static_cast<size_t>(distribution.draw(random()))] += 1;
    for (int64_t id = 0; id < 4; ++id) {
      const double p = distribution.probability(id);
      total += p;
      EXPECT_NEAR(met[static_cast<size_t>(id)] / kDraws, p, 4 * std::sqrt(p / kDraws));
    }
    EXPECT_NEAR(total, 1, 1e-12);
    EXPECT_EQ(distribution.draw(0), 0);
    EXPECT_EQ(distribution.draw(UINT64_MAX), 3);
  }
}

TEST(ClassDistribution, KnowsSmallCountsBesideLargeOnes) {
  const auto distribution = ClassDistribution::of_counts(Tensor::of<double>({2}, {1e17, 1}));
  EXPECT_DOUBLE_EQ(distribution.probability(1), 1e-17);
  EXPECT_ERROR(LimitExceeded, "num_sampled",
               sample_classes(distribution, Tensor::of<int64_t>({1}, {0}),
                              {.num_sampled = int64_t{1} << 40, .unique = false}));
}

TEST(SampledSoftmax, OfInputsWithoutColumnsIsThatOfTheBiases) {
  const Tensor weights(DType::kFloat32, {5, 0}), inputs(DType::kFloat32, {1, 0});
  const Tensor labels = Tensor::of<int64_t>({1}, {1});
  const SampledClasses sampled =
      sample_classes(ClassDistribution::uniform(5), labels, {.num_sampled = 2});
  const SampledSoftmaxLoss loss = sampled_softmax(weights, nullptr, labels, inputs, sampled);
  EXPECT_TRUE(std::isfinite(loss.value));
  EXPECT_EQ(loss.weights.values.size(), 0);
}

TEST(ClassDistribution, FindsDifferentClassesAsFarAsThereAre) {
  const Ragged labels = Ragged::from_lists<int64_t>({{2}});
  const auto all = sample_classes(ClassDistribution::log_uniform(50), labels, {.num_sampled = 50});
  std::vector<int64_t> ids(all.classes.values<int64_t>().begin(),
                           all.classes.values<int64_t>().end());
  std::ranges::sort(ids);
  for (int64_t i = 0; i < 50; ++i) EXPECT_EQ(ids[static_cast<size_t>(i)], i);
  const auto uneven = ClassDistribution::of_counts(Tensor::of<double>({3}, {1e18, 1.0, 1.0}));
  EXPECT_EQ(sample_classes(uneven, labels, {.num_sampled = 3}).classes.size(), 1);
  const auto half = ClassDistribution::of_counts(Tensor::of<double>({2}, {1.0, 1.0}));
  const Ragged two = Ragged::from_lists<int64_t>({{1, 1}});
  EXPECT_NEAR(batch_classes(half, two).expected.values<double>()[0], 0.75, 1e-12);
}

TEST(TopClasses, AreThoseOfAllScores) {
  const int threads = base::num_threads();
  on_every_isa([] {
    for (uint32_t seed = 0; seed < 20; ++seed) {
      SCOPED_TRACE(seed);
      std::mt19937 random(seed);
      const int64_t classes = 1 + random() % 700, depth = 1 + random() % 40, rows = random() % 90;
      Tensor weights = random_tensor(DType::kFloat32, {classes, depth}, seed, 1);
      std::copy_n(weights.values<float>().data(), depth,  // two classes with equal scores
                  weights.mutable_values<float>().data() + (classes - 1) * depth);
      const Tensor inputs = random_tensor(DType::kFloat32, {rows, depth}, seed + 1, 1);
      const int64_t k = 1 + static_cast<int64_t>(random() % std::min<uint64_t>(classes, 30));
      base::set_num_threads(1 + static_cast<int>(seed % 3));
      const Tensor scores = class_scores(weights, nullptr, inputs);
      const TopClasses top = top_classes(weights, nullptr, inputs, k);
      for (int64_t row = 0; row < rows; ++row) {
        std::vector<int64_t> order(static_cast<size_t>(classes));
        for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(i);
        std::ranges::stable_sort(order, [&](int64_t a, int64_t b) {
          return element(scores, row * classes + a) > element(scores, row * classes + b);
        });
        double exact = 0;
        for (int64_t i = 0; i < depth; ++i)
          exact += element(inputs, row * depth + i) * element(weights, i);
        ASSERT_NEAR(element(scores, row * classes), exact, 1e-4);
        for (int64_t i = 0; i < k; ++i) {
          const int64_t id = order[static_cast<size_t>(i)];
          ASSERT_EQ(top.ids.values<int64_t>()[static_cast<size_t>(row * k + i)], id);
          ASSERT_EQ(element(top.scores, row * k + i), element(scores, row * classes + id));
        }
      }
    }
  });
  base::set_num_threads(threads);
}

TEST(SampledSoftmax, RefusesWhatDoesNotFit) {
  const Tensor weights = random_tensor(DType::kFloat32, {5, 3}, 1, 1),
               inputs = random_tensor(DType::kFloat32, {2, 3}, 1, 1);
  const Tensor labels = Tensor::of<int64_t>({2}, {0, 4}), wrong = Tensor::of<int64_t>({2}, {0, 5});
  const auto uniform = ClassDistribution::uniform(5);
  SampledClasses sampled = sample_classes(uniform, labels, {.num_sampled = 2});
  EXPECT_ERROR(OutOfRange, "label 5 at position 1 is outside [0, 5)",
               sampled_softmax(weights, nullptr, wrong, inputs, sampled));
  EXPECT_ERROR(OutOfRange, "label 5 at position 1", batch_classes(uniform, wrong));
  EXPECT_ERROR(InvalidArgument, "do not fit one another: [5, 3], [2, 3] and [2, 3]",
               sampled_softmax(weights, &inputs, labels, inputs, sampled));
  sampled.expected.mutable_values<double>()[1] = 0;
  EXPECT_ERROR(InvalidArgument, "expected must be greater than 0, got 0",
               sampled_softmax(weights, nullptr, labels, inputs, sampled));
  sampled = batch_classes(uniform, labels);
  sampled.classes.mutable_values<int64_t>()[0] = -1;
  EXPECT_ERROR(OutOfRange, "the sampled class -1 is outside [0, 5)",
               sampled_softmax(weights, nullptr, labels, inputs, sampled));
  sampled.true_expected = Tensor::zeros(DType::kFloat64, {1});
  EXPECT_ERROR(InvalidArgument, "true_expected must be float64 [2], got float64 [1]",
               sampled_softmax(weights, nullptr, labels, inputs, sampled));
  EXPECT_ERROR(InvalidArgument, "at most the 5 classes, got 6",
               sample_classes(uniform, labels, {.num_sampled = 6}));
  EXPECT_ERROR(InvalidArgument, "there must be at least one class, got 0",
               ClassDistribution::log_uniform(0));
}

}  // namespace
}  // namespace weft
