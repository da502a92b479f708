#include <cmath>
#include <numbers>

#include "weft/layer.h"

namespace weft {
namespace {

// f'(x), given y = f(x).
template <class T>
T slope(Activation activation, T x, T y) {
  constexpr T kScale = T(1.05070098735548049342), kAlpha = T(1.67326324235437728481);
  switch (activation) {
    case Activation::kTanh:
      return 1 - y * y;
    case Activation::kSigmoid:
      return y * (1 - y);
    case Activation::kRelu:
      return x > 0 ? T(1) : T(0);
    case Activation::kElu:
      return x > 0 ? T(1) : y + 1;
    case Activation::kSelu:
      return x > 0 ? kScale : y + kScale * kAlpha;
    case Activation::kSoftplus:
      return 1 / (1 + std::exp(-x));
    case Activation::kSoftsign:
      return 1 / ((1 + std::abs(x)) * (1 + std::abs(x)));
    case Activation::kSwish: {
      const T s = 1 / (1 + std::exp(-x));
      return s + y * (1 - s);
    }
    case Activation::kGelu: {
      constexpr T kDensity = std::numbers::inv_sqrtpi_v<T> / std::numbers::sqrt2_v<T>;
      return T(0.5) * (1 + std::erf(x / std::numbers::sqrt2_v<T>)) +
             x * kDensity * std::exp(-x * x / 2);
    }
    case Activation::kHardSigmoid:
      return x >= T(-2.5) && x <= T(2.5) ? T(0.2) : T(0);
    case Activation::kExponential:
      return y;
    default:
      return 1;
  }
}

template <class T>
void softmax_backward(const T* y, T* grad, int64_t n) {
  T sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += y[i] * grad[i];
  for (int64_t i = 0; i < n; ++i) grad[i] = y[i] * (grad[i] - sum);
}

template <class T>
void backward_rows(Activation activation, const T* x, const T* y, T* grad, int64_t rows,
                   int64_t width, int64_t stride) {
  if (activation == Activation::kLinear) return;
  for (int64_t row = 0; row < rows; ++row, x += stride, y += stride, grad += stride) {
    if (activation == Activation::kSoftmax) {
      softmax_backward(y, grad, width);
      continue;
    }
    for (int64_t i = 0; i < width; ++i) grad[i] *= slope(activation, x[i], y[i]);
  }
}

}  // namespace

void activate_backward(Activation activation, const float* x, const float* y, float* grad,
                       int64_t rows, int64_t width, int64_t stride) {
  backward_rows(activation, x, y, grad, rows, width, stride);
}

void activate_backward(Activation activation, const double* x, const double* y, double* grad,
                       int64_t rows, int64_t width, int64_t stride) {
  backward_rows(activation, x, y, grad, rows, width, stride);
}

}  // namespace weft
