#include "weft/metric.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/expect_error.h"

namespace weft {
namespace {

Tensor doubles(Shape shape, const std::vector<double>& values) {
  return Tensor::of<double>(std::move(shape), std::span<const double>(values));
}

// Labels and scores with ties, and weights.
struct Sample {
  std::vector<double> labels, scores, weights;
  Sample(int64_t n, uint32_t seed) {
    std::mt19937 random(seed);
    for (int64_t i = 0; i < n; ++i) {
      labels.push_back(static_cast<double>(random() % 2));
      scores.push_back(static_cast<double>(random() % 20) + labels.back() * 3);
      weights.push_back(static_cast<double>(1 + random() % 5));
    }
  }
  // How often a positive is above a negative, ties by halves: pair by pair.
  double auc(bool weighted) const {
    double above = 0, pairs = 0;
    for (size_t i = 0; i < labels.size(); ++i) {
      for (size_t j = 0; j < labels.size(); ++j) {
        if (labels[i] != 1 || labels[j] != 0) continue;
        const double weight = weighted ? weights[i] * weights[j] : 1;
        pairs += weight;
        above += weight * (scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0);
      }
    }
    return above / pairs;
  }
};

TEST(AUC, IsTheShareOfPairsInOrder) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    const Sample sample(50 + seed, seed);
    const auto n = static_cast<int64_t>(sample.labels.size());
    const Tensor labels = doubles({n}, sample.labels), scores = doubles({n, 1}, sample.scores),
                 weights = doubles({n}, sample.weights);
    AUC auc, weighted;
    auc.update(labels, scores);
    weighted.update(labels, scores, &weights);
    EXPECT_NEAR(auc.result(), sample.auc(false), 1e-12);
    EXPECT_NEAR(weighted.result(), sample.auc(true), 1e-12);
  }
  EXPECT_TRUE(std::isnan(AUC().result()));
  AUC positives;
  positives.update(doubles({1}, {1}), doubles({1, 1}, {3}));
  EXPECT_TRUE(std::isnan(positives.result()));
}

template <class Metric>
void expect_mergeable(const Metric& empty, const Tensor& labels, const Tensor& scores) {
  const int64_t rows = scores.dim(0), width = scores.dim(1), label_width = labels.size() / rows;
  const auto part = [](const Tensor& of, int64_t each, int64_t begin, int64_t end, Shape shape) {
    const auto values = of.values<double>().subspan(static_cast<size_t>(begin * each),
                                                    static_cast<size_t>((end - begin) * each));
    return Tensor::of<double>(std::move(shape), values);
  };
  Metric whole = empty, first = empty, second = empty;
  whole.update(labels, scores);
  for (const auto& [metric, begin, end] :
       {std::tuple{&second, rows / 3, rows}, std::tuple{&first, int64_t{0}, rows / 3}}) {
    const int64_t n = end - begin;
    metric->update(
        part(labels, label_width, begin, end, label_width == 1 ? Shape{n} : Shape{n, label_width}),
        part(scores, width, begin, end, {n, width}));
  }
  second.merge(first);
  EXPECT_NEAR(second.result(), whole.result(), 1e-12);
}

TEST(Metric, OfPartsMergesToThatOfTheWhole) {
  const Sample sample(60, 1);
  expect_mergeable(AUC(), doubles({60}, sample.labels), doubles({60, 1}, sample.scores));
  expect_mergeable(Accuracy(10), doubles({60}, sample.labels), doubles({60, 1}, sample.scores));
  expect_mergeable(RecallAtK(2), doubles({12, 5}, sample.labels), doubles({12, 5}, sample.scores));
  expect_mergeable(NDCGAtK(3), doubles({12, 5}, sample.labels), doubles({12, 5}, sample.scores));
}

TEST(Accuracy, OfTwoOrMoreClasses) {
  Accuracy binary;
  binary.update(doubles({4}, {1, 0, 1, 0}), doubles({4, 1}, {0.6, 0.5, 0.5, 0.9}));
  EXPECT_EQ(binary.result(), 0.5);  // 0.5 is not above the threshold
  Accuracy classes;
  classes.update(Tensor::of<int64_t>({3}, {2, 0, 1}), doubles({3, 3}, {1, 2, 3, 5, 5, 1, 3, 2, 1}));
  EXPECT_NEAR(classes.result(), 2.0 / 3, 1e-15);  // of equal ones the first
}

TEST(RankedMetrics, ByHand) {
  const Tensor labels = doubles({3, 4}, {1, 0, 0, 1, 0, 0, 0, 0, 0, 3, 1, 0});
  const Tensor scores = doubles({3, 4}, {9, 8, 7, 6, 1, 2, 3, 4, 5, 4, 5, 1});
  RecallAtK recall(2);
  recall.update(labels, scores);  // row 1 has nothing relevant
  EXPECT_NEAR(recall.result(), (0.5 + 0.5) / 2, 1e-15);
  NDCGAtK ndcg(3);
  ndcg.update(labels, scores);
  const double first = 1 / (1 + 1 / std::log2(3.0));
  const double third = (1 / std::log2(3.0) + 7 / std::log2(4.0)) / (7 + 1 / std::log2(3.0));
  EXPECT_NEAR(ndcg.result(), (first + third) / 2, 1e-15);
}

TEST(Mean, IsWeighted) {
  Mean mean;
  EXPECT_TRUE(std::isnan(mean.result()));
  const Tensor weights = doubles({2}, {3, 1});
  mean.update(doubles({2}, {1, 5}), &weights);
  EXPECT_EQ(mean.result(), 2);
}

TEST(Metric, GoesOnFromItsState) {
  const Tensor labels = doubles({4}, {1, 0, 1, 0}), weights = doubles({4}, {1, 2, 3, 4});
  const Tensor scores = doubles({4, 1}, {4, 3, 2, 1});
  const auto check = [&](auto whole, auto begun, auto resumed) {
    whole.update(labels, scores, &weights);
    whole.update(labels, scores);
    begun.update(labels, scores, &weights);
    resumed.load_state(begun.state());
    resumed.update(labels, scores);
    EXPECT_EQ(resumed.result(), whole.result());
    EXPECT_ERROR(InvalidArgument, "the state of this metric has shape",
                 resumed.load_state(doubles({5}, {0, 0, 0, 0, 0})));
    EXPECT_THROW(resumed.load_state(Tensor(DType::kFloat32, {2})), WrongType);
  };
  check(AUC(), AUC(), AUC());
  check(Accuracy(), Accuracy(), Accuracy());
  AUC auc;
  EXPECT_ERROR(InvalidArgument, "NaN", auc.load_state(doubles({1, 3}, {std::nan(""), 1, 0})));
  auc.update(labels, scores);
  const double before = auc.result();
  auc.merge(auc);
  EXPECT_EQ(auc.result(), before);
}

TEST(Metric, RefusesWhatDoesNotFit) {
  AUC auc;
  EXPECT_ERROR(InvalidArgument, "0 or 1, got 2",
               auc.update(doubles({1}, {2}), doubles({1, 1}, {1})));
  EXPECT_ERROR(InvalidArgument, "NaN",
               auc.update(doubles({1}, {1}), doubles({1, 1}, {std::nan("")})));
  EXPECT_ERROR(InvalidArgument, "labels have shape [3], the predictions [2, 1]",
               auc.update(doubles({3}, {1, 0, 1}), doubles({2, 1}, {1, 2})));
  EXPECT_ERROR(InvalidArgument, "k must be at least 1", RecallAtK(0));
  const Tensor weights = doubles({3}, {1, 1, 1});
  EXPECT_ERROR(InvalidArgument, "sample_weight has shape [3]",
               auc.update(doubles({2}, {1, 0}), doubles({2, 1}, {1, 2}), &weights));
  EXPECT_TRUE(std::isnan(auc.result()));
}

}  // namespace
}  // namespace weft
