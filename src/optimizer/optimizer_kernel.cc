#include "optimizer/optimizer_kernel.h"

namespace weft::WEFT_ISA {
namespace {

#define WEFT_INLINE inline __attribute__((always_inline))

WEFT_INLINE float root(float x) { return __builtin_sqrtf(x); }
WEFT_INLINE double root(double x) { return __builtin_sqrt(x); }

template <class T>
WEFT_INLINE T larger(T a, T b) {
  return a > b ? a : b;
}

// rule(w, g, s0, s1, s2), all by reference but g. Pieces do not overlap; kStates are there.
template <int kStates, bool kGrad, class T, class Rule>
WEFT_INLINE void each(const OptimizerStep<T>& s, const Rule& rule) {
  T* __restrict weight = s.weight;
  T* __restrict s0 = s.states[0];
  T* __restrict s1 = s.states[1];
  T* __restrict s2 = s.states[2];
  const T* __restrict grad = s.grad;
  const T scale = s.scale, limit = s.limit, keep = s.keep;
  for (int64_t i = 0; i < s.n; ++i) {
    T g = 0;
    if constexpr (kGrad) {
      g = grad[i] * scale;
      g = g > limit ? limit : g;
      g = g < -limit ? -limit : g;
    }
    T w = weight[i] * keep, a = 0, b = 0, c = 0;
    if constexpr (kStates & 1) a = s0[i];
    if constexpr (kStates & 2) b = s1[i];
    if constexpr (kStates & 4) c = s2[i];
    rule(w, g, a, b, c);
    weight[i] = w;
    if constexpr (kStates & 1) s0[i] = a;
    if constexpr (kStates & 2) s1[i] = b;
    if constexpr (kStates & 4) s2[i] = c;
  }
}

template <int kStates, class T, class Rule>
WEFT_INLINE void run(const OptimizerStep<T>& s, const Rule& rule) {
  s.grad == nullptr ? each<kStates, false>(s, rule) : each<kStates, true>(s, rule);
}

template <class T>
void sgd(const OptimizerStep<T>& s) noexcept {
  const T lr = s.a, momentum = s.b;
  if (s.states[0] == nullptr) return run<0>(s, [=](T& w, T g, T&, T&, T&) { w -= lr * g; });
  if (s.nesterov) {
    return run<1>(s, [=](T& w, T g, T& m, T&, T&) {
      m = momentum * m - lr * g;
      w += momentum * m - lr * g;
    });
  }
  run<1>(s, [=](T& w, T g, T& m, T&, T&) {
    m = momentum * m - lr * g;
    w += m;
  });
}

template <class T>
void rmsprop(const OptimizerStep<T>& s) noexcept {
  const T lr = s.a, rho = s.b, epsilon = s.c, momentum = s.d;
  const auto increment = [=](T g, T& v, T& average, bool centered) {
    v = rho * v + (1 - rho) * g * g;
    T denominator = v + epsilon;
    if (centered) {
      average = rho * average + (1 - rho) * g;
      denominator = v - average * average + epsilon;
    }
    return lr * g / root(denominator);
  };
  const auto plain = [=](bool centered) {
    return [=](T& w, T g, T& v, T&, T& average) { w -= increment(g, v, average, centered); };
  };
  const auto moving = [=](bool centered) {
    return [=](T& w, T g, T& v, T& m, T& average) {
      m = momentum * m + increment(g, v, average, centered);
      w -= m;
    };
  };
  const bool centered = s.states[2] != nullptr;
  if (s.states[1] == nullptr) return centered ? run<5>(s, plain(true)) : run<1>(s, plain(false));
  centered ? run<7>(s, moving(true)) : run<3>(s, moving(false));
}

template <class T>
void adagrad(const OptimizerStep<T>& s) noexcept {
  const T lr = s.a, epsilon = s.c;
  run<1>(s, [=](T& w, T g, T& sum, T&, T&) {
    sum += g * g;
    w -= lr * g / root(sum + epsilon);
  });
}

template <class T>
void adam(const OptimizerStep<T>& s) noexcept {
  const T lr = s.a, away_1 = s.b, away_2 = s.d, epsilon = s.c;
  if (s.states[2] == nullptr) {
    return run<3>(s, [=](T& w, T g, T& m, T& v, T&) {
      m += (g - m) * away_1;
      v += (g * g - v) * away_2;
      w -= m * lr / (root(v) + epsilon);
    });
  }
  run<7>(s, [=](T& w, T g, T& m, T& v, T& most) {
    m += (g - m) * away_1;
    v += (g * g - v) * away_2;
    most = larger(most, v);
    w -= m * lr / (root(most) + epsilon);
  });
}

template <class T>
void ftrl(const OptimizerStep<T>& s) noexcept {
  const T lr = s.a, l2 = s.b, l1 = s.c, shrinkage = s.d;
  run<3>(s, [=](T& w, T g, T& sum, T& linear, T&) {
    const T before = root(sum);
    sum += g * g;
    const T after = root(sum);
    linear += g + shrinkage * w - (after - before) / lr * w;
    T clipped = linear > l1 ? l1 : linear;
    clipped = clipped < -l1 ? -l1 : clipped;
    w = (clipped - linear) / (after / lr + 2 * l2);
  });
}

}  // namespace

extern const OptimizerKernel optimizer_kernel = {
    {sgd<float>, rmsprop<float>, adagrad<float>, adam<float>, ftrl<float>},
    {sgd<double>, rmsprop<double>, adagrad<double>, adam<double>, ftrl<double>}};

}  // namespace weft::WEFT_ISA
