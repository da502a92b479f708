#include "layer/activation_kernel.h"

#include "base/simd.h"

namespace weft::WEFT_ISA {
namespace {

// Calls f on every vector; the last one is padded with zeros, so each element meets the same
// instructions wherever it stands.
template <class F>
WEFT_INLINE void each(float* x, int64_t n, F f) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(x + i, f(load(x + i)));
  if (i == n) return;
  float rest[kLanes] = {};
  for (int64_t j = i; j < n; ++j) rest[j - i] = x[j];
  store(rest, f(load(rest)));
  for (int64_t j = i; j < n; ++j) x[j] = rest[j - i];
}

WEFT_INLINE Vec sigmoid(Vec x) { return set(1.f) / (set(1.f) + exp(-x)); }

// exp(x) - 1 for x <= 0, without cancellation near 0: tanh(x/2) (exp(x) + 1).
WEFT_INLINE Vec expm1(Vec x) { return tanh(x * set(0.5f)) * (exp(x) + set(1.f)); }

WEFT_INLINE Vec elu(Vec x) { return x > zero() ? x : expm1(min(zero(), x)); }

WEFT_INLINE Vec absolute(Vec x) { return max(-x, x); }

void tanh_all(float* x, int64_t n) noexcept {
  each(x, n, [](Vec v) { return tanh(v); });
}
void sigmoid_all(float* x, int64_t n) noexcept {
  each(x, n, [](Vec v) { return sigmoid(v); });
}
void relu_all(float* x, int64_t n) noexcept {
  each(x, n, [](Vec v) { return max(zero(), v); });
}
void elu_all(float* x, int64_t n) noexcept {
  each(x, n, [](Vec v) { return elu(v); });
}
void selu_all(float* x, int64_t n) noexcept {
  each(x, n, [](Vec v) {
    const Vec slope = v > zero() ? set(1.05070098735548049f) : set(1.75809934084737686f);
    return slope * elu(v);
  });
}
void softsign_all(float* x, int64_t n) noexcept {
  each(x, n, [](Vec v) { return v / (absolute(v) + set(1.f)); });
}
void swish_all(float* x, int64_t n) noexcept {
  each(x, n, [](Vec v) { return v * sigmoid(v); });
}
void hard_sigmoid_all(float* x, int64_t n) noexcept {
  each(x, n, [](Vec v) { return max(zero(), min(set(1.f), fmadd(v, set(0.2f), set(0.5f)))); });
}
void exponential_all(float* x, int64_t n) noexcept {
  each(x, n, [](Vec v) { return exp(v); });
}

void softmax_row(float* x, int64_t n) noexcept {
  float top = x[0];
  for (int64_t i = 1; i < n; ++i) top = x[i] > top ? x[i] : top;
  each(x, n, [top](Vec v) { return exp(v - set(top)); });
  float sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += x[i];
  each(x, n, [sum](Vec v) { return v / set(sum); });
}

}  // namespace

extern const ActivationKernel activation_kernel = {
    tanh_all,     sigmoid_all, relu_all,         elu_all,         selu_all,
    softsign_all, swish_all,   hard_sigmoid_all, exponential_all, softmax_row,
};

}  // namespace weft::WEFT_ISA
