// Keras's masked recurrence as its documentation tells it: slow, obvious, in double. One row at a
// time, step by step, every masked step by the rule for masked steps.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "weft/rnn.h"

namespace weft::reference {

using Vector = std::vector<double>;

inline Vector apply(Activation activation, Vector x) {
  const auto each = [&](auto f) {
    for (double& v : x) v = f(v);
  };
  switch (activation) {
    case Activation::kLinear:
      break;
    case Activation::kTanh:
      each([](double v) { return std::tanh(v); });
      break;
    case Activation::kSigmoid:
      each([](double v) { return 1 / (1 + std::exp(-v)); });
      break;
    case Activation::kRelu:
      each([](double v) { return v > 0 ? v : 0; });
      break;
    case Activation::kElu:
      each([](double v) { return v > 0 ? v : std::exp(v) - 1; });
      break;
    case Activation::kSelu:
      each([](double v) {
        return 1.05070098735548 * (v > 0 ? v : 1.67326324235438 * (std::exp(v) - 1));
      });
      break;
    case Activation::kSoftplus:
      each([](double v) { return std::log(std::exp(v) + 1); });
      break;
    case Activation::kSoftsign:
      each([](double v) { return v / (std::fabs(v) + 1); });
      break;
    case Activation::kSwish:
      each([](double v) { return v / (1 + std::exp(-v)); });
      break;
    case Activation::kGelu:
      each([](double v) { return v * (1 + std::erf(v / std::sqrt(2.0))) / 2; });
      break;
    case Activation::kHardSigmoid:
      each([](double v) { return std::min(1.0, std::max(0.0, 0.2 * v + 0.5)); });
      break;
    case Activation::kExponential:
      each([](double v) { return std::exp(v); });
      break;
    case Activation::kSoftmax: {
      double sum = 0;
      for (double v : x) sum += std::exp(v);
      each([sum](double v) { return std::exp(v) / sum; });
      break;
    }
  }
  return x;
}

inline double element(const Tensor& tensor, int64_t i) {
  const auto at = static_cast<size_t>(i);
  return tensor.dtype() == DType::kFloat32 ? double{tensor.values<float>()[at]}
                                           : tensor.values<double>()[at];
}

// x w[:, first : first + n]
inline Vector times(const Vector& x, const Tensor& w, int64_t first, int64_t n) {
  Vector y(static_cast<size_t>(n), 0);
  for (size_t k = 0; k < x.size(); ++k) {
    for (int64_t j = 0; j < n; ++j) {
      y[static_cast<size_t>(j)] +=
          x[k] * element(w, static_cast<int64_t>(k) * w.dim(1) + first + j);
    }
  }
  return y;
}

inline Vector operator+(Vector a, const Vector& b) {
  for (size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}
inline Vector operator*(Vector a, const Vector& b) {
  for (size_t i = 0; i < a.size(); ++i) a[i] *= b[i];
  return a;
}

enum class Kind { kSimple, kGruAfter, kGruBefore, kLstm };

struct ReferenceCell {
  Kind kind;
  Activation activation, recurrent_activation;
  std::vector<Tensor> weights;  // kernel, recurrent_kernel, bias if any
  double dropout = 0, recurrent_dropout = 0;
  int implementation = 2;
  std::vector<Vector> x_masks = {}, h_masks = {};  // by gate; empty: no dropout

  int64_t units() const { return weights[1].dim(0); }
  int64_t gates() const { return weights[1].dim(1) / units(); }
  size_t states() const { return kind == Kind::kLstm ? 2 : 1; }

  // Gate g of x W + b, and of h U (+ the second bias of reset_after).
  Vector input(const Vector& x, int64_t gate) const {
    const Vector dropped = x_masks.empty() ? x : x * x_masks[static_cast<size_t>(gate)];
    return times(dropped, weights[0], gate * units(), units()) + bias(0, gate);
  }
  Vector recurrent(const Vector& h, int64_t gate) const {
    const Vector dropped = h_masks.empty() ? h : h * h_masks[static_cast<size_t>(gate)];
    Vector y = times(dropped, weights[1], gate * units(), units());
    return kind == Kind::kGruAfter ? y + bias(1, gate) : y;
  }
  Vector bias(int64_t row, int64_t gate) const {
    Vector b(static_cast<size_t>(units()), 0);
    if (weights.size() < 3) return b;
    const int64_t width = weights[1].dim(1);
    for (int64_t j = 0; j < units(); ++j) {
      b[static_cast<size_t>(j)] = element(weights[2], row * width + gate * units() + j);
    }
    return b;
  }

  // The new states; the first is the output.
  std::vector<Vector> step(const Vector& x, const std::vector<Vector>& state) const {
    const Vector& h = state[0];
    const auto gate = [&](int64_t g) {
      return apply(recurrent_activation, input(x, g) + recurrent(h, g));
    };
    if (kind == Kind::kSimple) return {apply(activation, input(x, 0) + recurrent(h, 0))};
    if (kind == Kind::kLstm) {
      const Vector g = apply(activation, input(x, 2) + recurrent(h, 2));
      const Vector c = gate(1) * state[1] + gate(0) * g;
      return {gate(3) * apply(activation, c), c};
    }
    const Vector z = gate(0), r = gate(1);
    const Vector n = apply(activation, kind == Kind::kGruAfter ? input(x, 2) + r * recurrent(h, 2)
                                                               : input(x, 2) + recurrent(r * h, 2));
    Vector next = z * h;
    for (size_t i = 0; i < next.size(); ++i) next[i] += (1 - z[i]) * n[i];
    return {next};
  }
};

struct ReferenceRow {
  std::vector<Vector> outputs;  // one per step, in the order of processing
  std::vector<Vector> state;
};

// One row: `steps` and `real` in the order of the input; `state` holds all cells' initial states.
inline ReferenceRow run_row(const std::vector<ReferenceCell>& cells, std::vector<Vector> steps,
                            std::vector<bool> real, std::vector<Vector> state, bool go_backwards,
                            bool zero_output_for_mask) {
  if (go_backwards) {
    std::reverse(steps.begin(), steps.end());
    std::reverse(real.begin(), real.end());
  }
  const Vector zeros(static_cast<size_t>(cells.back().units()), 0);
  ReferenceRow result;
  Vector previous = zeros;
  for (size_t t = 0; t < steps.size(); ++t) {
    if (!real[t]) {
      result.outputs.push_back(zero_output_for_mask ? zeros : previous);
      continue;
    }
    Vector x = steps[t];
    size_t at = 0;
    for (const ReferenceCell& cell : cells) {
      const std::vector<Vector> own(state.begin() + static_cast<int64_t>(at),
                                    state.begin() + static_cast<int64_t>(at + cell.states()));
      const std::vector<Vector> next = cell.step(x, own);
      std::copy(next.begin(), next.end(), state.begin() + static_cast<int64_t>(at));
      at += cell.states();
      x = next[0];
    }
    previous = x;
    result.outputs.push_back(x);
  }
  result.state = std::move(state);
  return result;
}

}  // namespace weft::reference
