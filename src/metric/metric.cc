#include "weft/metric.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace weft {
namespace {

Tensor as_double(const Tensor& values, const char* what) {
  return as_floating(values, DType::kFloat64, what);
}

// The batch's rows: labels and predictions in double precision, and a weight for each row.
struct Rows {
  Tensor labels, predictions;
  std::optional<Tensor> weights;
  int64_t rows, width, label_width;

  double label(int64_t row, int64_t j) const {
    return labels.values<double>()[static_cast<size_t>(row * label_width + j)];
  }
  std::span<const double> scores(int64_t row) const {
    return predictions.values<double>().subspan(static_cast<size_t>(row * width),
                                                static_cast<size_t>(width));
  }
  double weight(int64_t row) const {
    return weights ? weights->values<double>()[static_cast<size_t>(row)] : 1;
  }
};

// One weight for each of n samples; given as the samples, or one for each row of the batch.
Tensor weights_of(const Tensor& given, const Shape& samples, int64_t n) {
  const Tensor weights = as_double(given, "sample_weight");
  if (weights.size() == n) return weights;
  if (weights.rank() != 1 || weights.size() == 0 || samples.empty() ||
      weights.dim(0) != samples[0]) {
    throw InvalidArgument("sample_weight has shape " + shape_string(given.shape()) +
                          ", the samples " + shape_string(samples));
  }
  Tensor each(DType::kFloat64, samples);
  const int64_t times = n / weights.size();
  for (int64_t i = 0; i < n; ++i) {
    each.mutable_values<double>()[static_cast<size_t>(i)] =
        weights.values<double>()[static_cast<size_t>(i / times)];
  }
  return each;
}

// `by_class`: labels are one class for each row; otherwise they have the predictions' shape, or
// lack a last dimension of 1.
Rows rows_of(const Tensor& labels, const Tensor& predictions, const Tensor* sample_weight,
             bool by_class) {
  if (predictions.rank() < 1 || predictions.shape().back() < 1) {
    throw InvalidArgument("predictions must have shape [B, ..., C], got " +
                          shape_string(predictions.shape()));
  }
  Rows rows{as_double(labels, "labels"),
            as_double(predictions, "predictions"),
            {},
            0,
            predictions.shape().back(),
            1};
  rows.rows = predictions.size() / rows.width;
  Shape samples(predictions.shape().begin(), predictions.shape().end() - 1);
  const bool one_each = labels.size() == rows.rows && (by_class || rows.width == 1);
  if (!one_each && (by_class || labels.shape() != predictions.shape())) {
    throw InvalidArgument("labels have shape " + shape_string(labels.shape()) +
                          ", the predictions " + shape_string(predictions.shape()));
  }
  rows.label_width = by_class ? 1 : rows.width;
  if (sample_weight != nullptr) rows.weights = weights_of(*sample_weight, samples, rows.rows);
  return rows;
}

// The items of a row, best score first.
std::vector<int64_t> ranked(std::span<const double> scores, int64_t k) {
  std::vector<int64_t> items(scores.size());
  std::iota(items.begin(), items.end(), 0);
  const auto better = [&](int64_t a, int64_t b) {
    const double x = scores[static_cast<size_t>(a)], y = scores[static_cast<size_t>(b)];
    return x != y ? x > y : a < b;
  };
  const auto first = std::min<int64_t>(k, std::ssize(items));
  std::partial_sort(items.begin(), items.begin() + first, items.end(), better);
  items.resize(static_cast<size_t>(first));
  return items;
}

// Adds f(row) of the rows with a relevant item to `mean`.
template <class F>
void add_rows(const Rows& rows, Mean& mean, const F& f) {
  for (int64_t row = 0; row < rows.rows; ++row) {
    for (double score : rows.scores(row)) {
      if (std::isnan(score)) throw InvalidArgument("a score is NaN", {.row = row});
    }
  }
  for (int64_t row = 0; row < rows.rows; ++row) {
    double relevant = 0;
    for (int64_t j = 0; j < rows.width; ++j) relevant += rows.label(row, j) > 0 ? 1 : 0;
    if (relevant == 0) continue;
    const Tensor weight = Tensor::of<double>({}, {rows.weight(row)});
    mean.update(Tensor::of<double>({}, {f(row, relevant)}), &weight);
  }
}

void check_k(int64_t k) {
  if (k < 1) throw InvalidArgument("k must be at least 1, got " + std::to_string(k));
}

[[noreturn]] void refuse_state(const char* shape, const Tensor& state) {
  throw InvalidArgument(std::string("the state of this metric has shape ") + shape + ", got " +
                        shape_string(state.shape()));
}

}  // namespace

void Mean::update(const Tensor& given, const Tensor* sample_weight) {
  const Tensor values = as_double(given, "values");
  if (sample_weight != nullptr && sample_weight->size() != values.size()) {
    throw InvalidArgument("sample_weight has shape " + shape_string(sample_weight->shape()) +
                          ", the values " + shape_string(values.shape()));
  }
  const Tensor weights =
      sample_weight != nullptr ? as_double(*sample_weight, "sample_weight") : Tensor();
  for (size_t i = 0; i < values.values<double>().size(); ++i) {
    const double weight = sample_weight != nullptr ? weights.values<double>()[i] : 1;
    sum_ += weight * values.values<double>()[i];
    weight_ += weight;
  }
}

void Mean::merge(const Mean& other) {
  sum_ += other.sum_;
  weight_ += other.weight_;
}

double Mean::result() const {
  return weight_ == 0 ? std::numeric_limits<double>::quiet_NaN() : sum_ / weight_;
}

Tensor Mean::state() const { return Tensor::of<double>({2}, {sum_, weight_}); }

void Mean::load_state(const Tensor& state) {
  const auto numbers = state.values<double>();
  if (state.shape() != Shape{2}) refuse_state("[2]", state);
  sum_ = numbers[0];
  weight_ = numbers[1];
}

void Accuracy::update(const Tensor& labels, const Tensor& predictions,
                      const Tensor* sample_weight) {
  const bool by_class = predictions.rank() > 0 && predictions.shape().back() > 1;
  const Rows rows = rows_of(labels, predictions, sample_weight, by_class);
  Tensor right(DType::kFloat64, {rows.rows});
  for (int64_t row = 0; row < rows.rows; ++row) {
    const auto scores = rows.scores(row);
    const double answer =
        by_class ? static_cast<double>(std::ranges::max_element(scores) - scores.begin())
        : scores[0] > threshold_ ? 1
                                 : 0;
    right.mutable_values<double>()[static_cast<size_t>(row)] = answer == rows.label(row, 0) ? 1 : 0;
  }
  mean_.update(right, rows.weights ? &*rows.weights : nullptr);
}

void AUC::update(const Tensor& labels, const Tensor& predictions, const Tensor* sample_weight) {
  const Rows rows = rows_of(labels, predictions, sample_weight, false);
  std::vector<Score> added;
  for (int64_t row = 0; row < rows.rows; ++row) {
    for (int64_t j = 0; j < rows.width; ++j) {
      const double label = rows.label(row, j), score = rows.scores(row)[static_cast<size_t>(j)];
      if (label != 0 && label != 1) {
        throw InvalidArgument("a label of an AUC must be 0 or 1, got " + std::to_string(label),
                              {.row = row});
      }
      if (std::isnan(score)) throw InvalidArgument("a score is NaN", {.row = row});
      const double weight = rows.weight(row);
      added.push_back({score, label * weight, (1 - label) * weight});
    }
  }
  scores_.insert(scores_.end(), added.begin(), added.end());
}

void AUC::merge(const AUC& other) {
  const std::vector<Score> more = other.scores_;  // which may be this one's own
  scores_.insert(scores_.end(), more.begin(), more.end());
}

double AUC::result() const {
  std::vector<Score> scores = scores_;
  std::ranges::sort(scores, {}, &Score::score);
  double above = 0, below = 0, positives = 0;  // below: negatives of smaller scores
  for (size_t i = 0; i < scores.size();) {
    double positive = 0, negative = 0;
    const double score = scores[i].score;
    for (; i < scores.size() && scores[i].score == score; ++i) {
      positive += scores[i].positive;
      negative += scores[i].negative;
    }
    above += positive * (below + negative / 2);
    below += negative;
    positives += positive;
  }
  return above / (positives * below);  // 0 / 0 without one of them
}

Tensor AUC::state() const {
  Tensor state(DType::kFloat64, {std::ssize(scores_), 3});
  double* to = state.mutable_values<double>().data();
  for (const Score& s : scores_) {
    *to++ = s.score;
    *to++ = s.positive;
    *to++ = s.negative;
  }
  return state;
}

void AUC::load_state(const Tensor& state) {
  const double* from = state.values<double>().data();
  if (state.rank() != 2 || state.dim(1) != 3) refuse_state("[N, 3]", state);
  for (double number : state.values<double>()) {
    if (std::isnan(number)) throw InvalidArgument("the state of this metric holds NaN");
  }
  scores_.resize(static_cast<size_t>(state.dim(0)));
  for (Score& s : scores_) {
    s = {from[0], from[1], from[2]};
    from += 3;
  }
}

RecallAtK::RecallAtK(int64_t k) : k_(k) { check_k(k); }

void RecallAtK::update(const Tensor& labels, const Tensor& scores, const Tensor* sample_weight) {
  const Rows rows = rows_of(labels, scores, sample_weight, false);
  add_rows(rows, mean_, [&](int64_t row, double relevant) {
    double found = 0;
    for (int64_t item : ranked(rows.scores(row), k_)) found += rows.label(row, item) > 0 ? 1 : 0;
    return found / relevant;
  });
}

NDCGAtK::NDCGAtK(int64_t k) : k_(k) { check_k(k); }

void NDCGAtK::update(const Tensor& labels, const Tensor& scores, const Tensor* sample_weight) {
  const Rows rows = rows_of(labels, scores, sample_weight, false);
  add_rows(rows, mean_, [&](int64_t row, double) {
    std::vector<double> gains(static_cast<size_t>(rows.width));
    for (int64_t j = 0; j < rows.width; ++j)
      gains[static_cast<size_t>(j)] = std::exp2(std::max(0.0, rows.label(row, j))) - 1;
    const auto gained = [&](std::span<const double> by) {
      double sum = 0;
      int64_t rank = 1;
      for (int64_t item : ranked(by, k_))
        sum += gains[static_cast<size_t>(item)] / std::log2(1 + static_cast<double>(rank++));
      return sum;
    };
    return gained(rows.scores(row)) / gained(gains);
  });
}

}  // namespace weft
