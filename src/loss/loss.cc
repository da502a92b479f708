#include "weft/loss.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

#include "base/thread_pool.h"
#include "weft/layer.h"

namespace weft {
namespace {

constexpr double kCut = 1e-7;                 // Keras's epsilon()
constexpr int64_t kGrain = int64_t{1} << 12;  // predictions that one thread takes in about 20 us

// The batch as rows of C predictions, each a sample.
struct Batch {
  int64_t rows, width;
  Shape samples;  // the predictions' shape without C
};

Batch batch_of(const Tensor& predictions) {
  if (predictions.dtype() != DType::kFloat32 && predictions.dtype() != DType::kFloat64) {
    throw WrongType(std::string("predictions must be float32 or float64, got ") +
                    dtype_name(predictions.dtype()));
  }
  if (predictions.rank() < 1 || predictions.shape().back() < 1) {
    throw InvalidArgument("predictions must have shape [B, ..., C], got " +
                          shape_string(predictions.shape()));
  }
  Batch batch{0, predictions.shape().back(), predictions.shape()};
  batch.samples.pop_back();
  batch.rows = predictions.size() / batch.width;
  return batch;
}

// Labels as the predictions have them: their dtype, and one for each.
Tensor labels_like(const Tensor& labels, const Tensor& predictions, const Batch& batch) {
  const bool lacks_last = batch.width == 1 && labels.shape() == batch.samples;
  if (labels.shape() != predictions.shape() && !lacks_last) {
    throw InvalidArgument("labels have shape " + shape_string(labels.shape()) +
                          ", the predictions " + shape_string(predictions.shape()));
  }
  return as_floating(labels, predictions.dtype(), "labels");
}

// One weight for each sample; empty without weights.
std::vector<double> weights_of(const LossOptions& options, const Batch& batch) {
  if (!options.sample_weight) return {};
  const Tensor given = as_floating(*options.sample_weight, DType::kFloat64, "sample_weight");
  const auto values = given.values<double>();
  if (given.shape() == batch.samples) return {values.begin(), values.end()};
  const bool by_row = given.rank() == 1 && !batch.samples.empty() &&
                      given.dim(0) == batch.samples[0] && given.dim(0) > 0;
  if (!by_row) {
    throw InvalidArgument("sample_weight has shape " + shape_string(given.shape()) +
                          ", the samples " + shape_string(batch.samples));
  }
  std::vector<double> weights(static_cast<size_t>(batch.rows));
  const auto each = static_cast<size_t>(batch.rows / given.dim(0));
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = values[i / each];
  return weights;
}

// row(r, x, gradient) gives the loss of row r of predictions x, and writes its gradient.
template <class T, class Row>
Loss reduced(const Tensor& predictions, const Batch& batch, const LossOptions& options,
             const Row& row) {
  const std::vector<double> weights = weights_of(options, batch);
  Loss loss{0, Tensor(predictions.dtype(), batch.samples),
            Tensor(predictions.dtype(), predictions.shape())};
  const T* const x = predictions.values<T>().data();
  T* const gradient = loss.gradient.mutable_values<T>().data();
  T* const samples = loss.samples.mutable_values<T>().data();
  const double share =
      options.reduction == Reduction::kMean ? 1 / static_cast<double>(batch.rows) : 1;
  const int64_t width = batch.width;
  base::parallel_for(batch.rows, kGrain / width + 1, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      T* const own = gradient + r * width;
      const double weight = weights.empty() ? 1 : weights[static_cast<size_t>(r)];
      samples[r] = static_cast<T>(weight * static_cast<double>(row(r, x + r * width, own)));
      const T factor = static_cast<T>(weight * share);
      for (int64_t j = 0; j < width; ++j) own[j] *= factor;
    }
  });
  const auto all = loss.samples.values<T>();
  loss.value = std::accumulate(all.begin(), all.end(), 0.0) * (batch.rows == 0 ? 0 : share);
  return loss;
}

// Calls f with a zero of the predictions' type.
template <class F>
Loss with_type(const Tensor& predictions, const F& f) {
  return predictions.dtype() == DType::kFloat32 ? f(float()) : f(double());
}

template <class T>
T cut(T p) {
  return std::clamp(p, T(kCut), T(1) - T(kCut));
}
template <class T>
bool inside(T p) {
  return p >= T(kCut) && p <= T(1) - T(kCut);
}

template <class T>
T binary_logit(T x, T y, T& gradient) {
  const T e = std::exp(-std::abs(x));
  gradient = (x >= 0 ? 1 / (1 + e) : e / (1 + e)) - y;
  return std::max(x, T(0)) - x * y + std::log1p(e);
}

template <class T>
T binary_probability(T p, T y, T& gradient) {
  const T q = cut(p), yes = q + T(kCut), no = 1 - q + T(kCut);
  gradient = inside(p) ? (1 - y) / no - y / yes : T(0);
  return -(y * std::log(yes) + (1 - y) * std::log(no));
}

// exp(x - max) in place of x; returns their sum and the largest.
template <class T>
std::pair<T, T> exponentials(T* x, int64_t n) {
  const T largest = *std::max_element(x, x + n);
  for (int64_t j = 0; j < n; ++j) x[j] -= largest;
  activate(Activation::kExponential, x, 1, n, n);
  return {std::accumulate(x, x + n, T(0)), largest};
}

// -sum y log softmax(x), for labels y.
template <class T>
T categorical_logits(const T* x, const T* y, T* gradient, int64_t n) {
  std::copy_n(x, n, gradient);
  const auto [sum, largest] = exponentials(gradient, n);
  const T log_sum = std::log(sum) + largest, total = std::accumulate(y, y + n, T(0));
  T loss = 0;
  for (int64_t j = 0; j < n; ++j) {
    if (y[j] != 0) loss += y[j] * (log_sum - x[j]);
    gradient[j] = gradient[j] / sum * total - y[j];
  }
  return loss;
}

template <class T>
T categorical_probabilities(const T* x, const T* y, T* gradient, int64_t n) {
  const T sum = std::accumulate(x, x + n, T(0));
  T loss = 0, along = 0;
  for (int64_t j = 0; j < n; ++j) {
    const T q = x[j] / sum;
    loss -= y[j] * std::log(cut(q));
    gradient[j] = inside(q) ? -y[j] / q : T(0);
    along += gradient[j] * q;
  }
  for (int64_t j = 0; j < n; ++j) gradient[j] = (gradient[j] - along) / sum;
  return loss;
}

// row(y, x, gradient, C) gives the loss of one row of labels and predictions.
template <class Row>
Loss with_labels(const Tensor& labels, const Tensor& predictions, const LossOptions& options,
                 const Row& row) {
  const Batch batch = batch_of(predictions);
  const Tensor like = labels_like(labels, predictions, batch);
  return with_type(predictions, [&](auto type) {
    using T = decltype(type);
    const T* const y = like.values<T>().data();
    return reduced<T>(predictions, batch, options, [&](int64_t r, const T* x, T* gradient) {
      return row(y + r * batch.width, x, gradient, batch.width);
    });
  });
}

}  // namespace

Loss binary_crossentropy(const Tensor& labels, const Tensor& predictions,
                         const LossOptions& options) {
  const auto row = [&]<class T>(const T* y, const T* x, T* gradient, int64_t n) {
    const T keep = static_cast<T>(1 - options.label_smoothing),
            half = static_cast<T>(options.label_smoothing / 2), share = T(1) / static_cast<T>(n);
    T sum = 0;
    for (int64_t j = 0; j < n; ++j) {
      const T label = y[j] * keep + half;
      sum += options.from_logits ? binary_logit(x[j], label, gradient[j])
                                 : binary_probability(x[j], label, gradient[j]);
      gradient[j] *= share;
    }
    return sum * share;
  };
  return with_labels(labels, predictions, options, row);
}

Loss categorical_crossentropy(const Tensor& labels, const Tensor& predictions,
                              const LossOptions& options) {
  const auto row = [&]<class T>(const T* y, const T* x, T* gradient, int64_t n) {
    const T keep = static_cast<T>(1 - options.label_smoothing),
            rest = static_cast<T>(options.label_smoothing / static_cast<double>(n));
    std::vector<T> smooth(y, y + n);
    for (T& label : smooth) label = label * keep + rest;
    return options.from_logits ? categorical_logits(x, smooth.data(), gradient, n)
                               : categorical_probabilities(x, smooth.data(), gradient, n);
  };
  return with_labels(labels, predictions, options, row);
}

Loss sparse_categorical_crossentropy(const Tensor& labels, const Tensor& predictions,
                                     const LossOptions& options) {
  const Batch batch = batch_of(predictions);
  Shape with_one = batch.samples;
  with_one.push_back(1);
  if (labels.shape() != batch.samples && labels.shape() != with_one) {
    throw InvalidArgument("labels have shape " + shape_string(labels.shape()) + ", the samples " +
                          shape_string(batch.samples));
  }
  const Tensor classes = as_int64(labels, "labels");
  const int64_t* const y = classes.values<int64_t>().data();
  for (int64_t r = 0; r < batch.rows; ++r) {
    if (y[r] >= 0 && y[r] < batch.width) continue;
    throw OutOfRange("label " + std::to_string(y[r]) + " at position " + std::to_string(r) +
                     " is outside [0, " + std::to_string(batch.width) + ")");
  }
  return with_type(predictions, [&](auto type) {
    using T = decltype(type);
    return reduced<T>(predictions, batch, options, [&](int64_t r, const T* x, T* gradient) {
      const int64_t label = y[r], n = batch.width;
      if (options.from_logits) {
        std::copy_n(x, n, gradient);
        const auto [sum, largest] = exponentials(gradient, n);
        for (int64_t j = 0; j < n; ++j) gradient[j] /= sum;
        gradient[label] -= 1;
        return std::log(sum) + largest - x[label];
      }
      T sum = 0;
      for (int64_t j = 0; j < n; ++j) sum += cut(x[j]);
      for (int64_t j = 0; j < n; ++j) gradient[j] = inside(x[j]) ? 1 / sum : T(0);
      if (inside(x[label])) gradient[label] -= 1 / x[label];
      return std::log(sum / cut(x[label]));
    });
  });
}

Loss mean_squared_error(const Tensor& labels, const Tensor& predictions,
                        const LossOptions& options) {
  const auto row = []<class T>(const T* y, const T* x, T* gradient, int64_t n) {
    const T share = T(1) / static_cast<T>(n);
    T sum = 0;
    for (int64_t j = 0; j < n; ++j) {
      const T difference = x[j] - y[j];
      sum += difference * difference;
      gradient[j] = 2 * difference * share;
    }
    return sum * share;
  };
  return with_labels(labels, predictions, options, row);
}

}  // namespace weft
