// Metrics: what is counted over many batches and read at their end.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "weft/export.h"
#include "weft/tensor.h"

namespace weft {

// All take batches one after another, and what other instances took (of other threads or processes,
// say) by merge(): the result is that of one instance that took everything, whatever the order.
// update() takes labels and predictions as the losses do, and an optional weight for each sample.
// It throws InvalidArgument for shapes that do not fit, WrongType for another dtype; result() is
// NaN before the first sample. state() is all that was counted, float64; load_state() of a new
// instance goes on from there, and throws InvalidArgument or WrongType for what is no such state.

// A weighted mean, of losses say.
class WEFT_API Mean {
 public:
  void update(const Tensor& values, const Tensor* sample_weight = nullptr);
  void merge(const Mean& other);
  double result() const;
  Tensor state() const;  // [2]: the sum of all values, times their weights; that of the weights
  void load_state(const Tensor& state);

 private:
  double sum_ = 0, weight_ = 0;
};

// What those have that are a mean over samples or rows: its result and its state.
class WEFT_API MeanOf {
 public:
  double result() const { return mean_.result(); }
  Tensor state() const { return mean_.state(); }
  void load_state(const Tensor& state) { mean_.load_state(state); }

 protected:
  Mean mean_;
};

// The share of right answers. As tf.keras.metrics.BinaryAccuracy for predictions [B, ..., 1]: right
// where prediction > threshold is the label; as SparseCategoricalAccuracy for more classes: right
// where the largest prediction, the first of equal ones, is that of the label.
class WEFT_API Accuracy : public MeanOf {
 public:
  explicit Accuracy(double threshold = 0.5) : threshold_(threshold) {}
  void update(const Tensor& labels, const Tensor& predictions,
              const Tensor* sample_weight = nullptr);
  void merge(const Accuracy& other) { mean_.merge(other.mean_); }

 private:
  double threshold_;
};

// The area under the ROC curve: how often a positive is scored above a negative, ties counting
// half. Exact, unlike Keras's, which reads a curve off 200 thresholds: it keeps every score. Labels
// are 0 or 1, else InvalidArgument.
class WEFT_API AUC {
 public:
  void update(const Tensor& labels, const Tensor& predictions,
              const Tensor* sample_weight = nullptr);
  void merge(const AUC& other);
  double result() const;  // NaN without a positive or without a negative
  Tensor state() const;   // [N, 3]: score, weight as a positive, weight as a negative
  void load_state(const Tensor& state);

 private:
  struct Score {
    double score, positive, negative;  // weights
  };
  std::vector<Score> scores_;
};

// The next two are of ranked lists. scores [B, C], `labels` [B, C]: > 0 where the item is relevant.
// A row without a relevant item does not count. Of equal scores the first item ranks higher.

// The share of a row's relevant items among its first k, over rows.
class WEFT_API RecallAtK : public MeanOf {
 public:
  explicit RecallAtK(int64_t k);
  void update(const Tensor& labels, const Tensor& scores, const Tensor* sample_weight = nullptr);
  void merge(const RecallAtK& other) { mean_.merge(other.mean_); }

 private:
  int64_t k_;
};

// Gains 2^label - 1, discounts 1 / log2(1 + rank), over those of the best order.
class WEFT_API NDCGAtK : public MeanOf {
 public:
  explicit NDCGAtK(int64_t k);
  void update(const Tensor& labels, const Tensor& scores, const Tensor* sample_weight = nullptr);
  void merge(const NDCGAtK& other) { mean_.merge(other.mean_); }

 private:
  int64_t k_;
};

}  // namespace weft
