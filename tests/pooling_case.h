// Random histories to pool, and what a slow reference says of them.
#pragma once

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "tests/rnn_case.h"
#include "weft/pooling.h"

namespace weft::testing_pooling {

using reference::element;
using reference::Vector;
using testing_rnn::random_tensor;

inline constexpr Pooling kPoolings[] = {Pooling::kMean, Pooling::kSum, Pooling::kMax,
                                        Pooling::kLast};

struct Histories {
  Tensor inputs;  // NaN in masked steps, as in keys
  AttentionArguments arguments;
  AttentionPoolingOptions options;
  std::vector<std::vector<int64_t>> real;  // the steps of each row

  int64_t key_size() const { return (arguments.keys ? *arguments.keys : inputs).dim(2); }
  PoolingArguments steps() const { return arguments; }
  AttentionPooling layer() const {
    AttentionPooling made(options);
    made.build(key_size());
    std::vector<Tensor> weights;
    for (const Parameter& parameter : made.parameters())
      weights.push_back(random_tensor(options.dtype, parameter.value.shape(), 17, 1));
    made.set_weights(weights);
    return made;
  }
};

inline void set(Tensor& tensor, int64_t i, double x) {
  if (tensor.dtype() == DType::kFloat32) {
    tensor.mutable_values<float>()[static_cast<size_t>(i)] = static_cast<float>(x);
  } else {
    tensor.mutable_values<double>()[static_cast<size_t>(i)] = x;
  }
}

inline void poison(Tensor& tensor, const std::vector<std::vector<int64_t>>& real) {
  const int64_t steps = tensor.dim(1), width = tensor.dim(2);
  for (int64_t row = 0; row < tensor.dim(0); ++row) {
    const auto& own = real[static_cast<size_t>(row)];
    for (int64_t step = 0; step < steps; ++step) {
      if (std::ranges::find(own, step) != own.end()) continue;
      for (int64_t j = 0; j < width; ++j)
        set(tensor, (row * steps + step) * width + j, std::numeric_limits<double>::quiet_NaN());
    }
  }
}

// A mask, lengths or neither, and the steps that are real then.
inline void take_steps(Histories& h, int64_t batch, int64_t steps, std::mt19937& random) {
  h.real.assign(static_cast<size_t>(batch), {});
  const uint64_t kind = random() % 4;
  if (kind == 0) {
    Tensor lengths(DType::kInt64, {batch});
    for (int64_t& length : lengths.mutable_values<int64_t>())
      length = static_cast<int64_t>(random() % static_cast<uint64_t>(steps + 1));
    h.arguments.lengths = lengths;
  } else if (kind < 3) {
    h.arguments.mask = testing_rnn::random_mask(batch, steps, random);
  }
  for (int64_t row = 0; row < batch; ++row) {
    for (int64_t step = 0; step < steps; ++step) {
      const auto at = static_cast<size_t>(row);
      bool real = true;
      if (h.arguments.lengths) real = step < h.arguments.lengths->values<int64_t>()[at];
      if (h.arguments.mask)
        real = h.arguments.mask->values<bool>()[static_cast<size_t>(row * steps + step)];
      if (real) h.real[at].push_back(step);
    }
  }
}

inline Histories random_histories(uint32_t seed, DType dtype, int64_t most_rows = 9) {
  std::mt19937 random(seed);
  const auto upto = [&](int64_t n) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(n + 1));
  };
  const int64_t batch = upto(most_rows), steps = upto(12), width = 1 + upto(50);
  Histories h;
  h.inputs = random_tensor(dtype, {batch, steps, width}, seed, 1);
  h.options = {.learned_query = random() % 2 == 0,
               .use_scale = random() % 2 == 0,
               .divide_by_root = random() % 2 == 0,
               .dtype = dtype};
  if (random() % 2 == 0)
    h.arguments.keys = random_tensor(dtype, {batch, steps, 1 + upto(50)}, seed + 1, 0.3);
  if (!h.options.learned_query)
    h.arguments.query = random_tensor(dtype, {batch, h.key_size()}, seed + 2, 0.3);
  take_steps(h, batch, steps, random);
  poison(h.inputs, h.real);
  if (h.arguments.keys) poison(*h.arguments.keys, h.real);
  return h;
}

// One element of pool().
inline double pooled(const Histories& h, Pooling pooling, int64_t row, int64_t j) {
  const auto& steps = h.real[static_cast<size_t>(row)];
  if (steps.empty()) return 0;
  const auto at = [&](int64_t step) {
    return element(h.inputs, (row * h.inputs.dim(1) + step) * h.inputs.dim(2) + j);
  };
  double sum = 0, largest = at(steps[0]);
  for (int64_t step : steps) {
    sum += at(step);
    largest = std::max(largest, at(step));
  }
  if (pooling == Pooling::kMax) return largest;
  if (pooling == Pooling::kLast) return at(steps.back());
  return pooling == Pooling::kSum ? sum : sum / static_cast<double>(steps.size());
}

// One row of an AttentionPooling.
inline Vector attended(const Histories& h, const AttentionPooling& layer, int64_t row) {
  const Tensor& keys = h.arguments.keys ? *h.arguments.keys : h.inputs;
  const int64_t steps = h.inputs.dim(1), size = keys.dim(2), width = h.inputs.dim(2);
  double factor = h.options.divide_by_root ? 1 / std::sqrt(static_cast<double>(size)) : 1;
  if (h.options.use_scale) factor *= element(layer.parameters().back().value, 0);
  Vector weights, result(static_cast<size_t>(width), 0);
  double sum = 0;
  for (int64_t step : h.real[static_cast<size_t>(row)]) {
    double score = 0;
    for (int64_t j = 0; j < size; ++j) {
      const double query = h.options.learned_query ? element(layer.parameters()[0].value, j)
                                                   : element(*h.arguments.query, row * size + j);
      score += query * element(keys, (row * steps + step) * size + j);
    }
    weights.push_back(std::exp(score * factor));
    sum += weights.back();
  }
  for (size_t i = 0; i < weights.size(); ++i) {
    const int64_t cell = row * steps + h.real[static_cast<size_t>(row)][i];
    for (int64_t j = 0; j < width; ++j)
      result[static_cast<size_t>(j)] += weights[i] / sum * element(h.inputs, cell * width + j);
  }
  return result;
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() &&
         (a.size() == 0 || std::memcmp(a.buffer().data(), b.buffer().data(),
                                       static_cast<size_t>(a.size() * dtype_size(a.dtype()))) == 0);
}

}  // namespace weft::testing_pooling
