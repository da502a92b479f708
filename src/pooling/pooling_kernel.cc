#include "pooling/pooling_kernel.h"

#include "base/simd.h"

namespace weft::WEFT_ISA {
namespace {

template <class T>
void largest(const T* data, const int64_t* sources, int64_t n, int64_t width,
             T* __restrict out) noexcept {
  for (int64_t j = 0; j < width; ++j) out[j] = data[sources[0] + j];
  for (int64_t i = 1; i < n; ++i) {
    const T* __restrict const step = data + sources[i];
    for (int64_t j = 0; j < width; ++j) {
      const T x = step[j], top = out[j];
      const T larger = x > top ? x : top;
      out[j] = x != x ? x : larger;
    }
  }
}

template <class T>
void largest_backward(const T* data, const int64_t* sources, int64_t n, int64_t width,
                      const T* __restrict out, const T* __restrict grad, T* __restrict scratch,
                      T* __restrict grad_data) noexcept {
  for (int64_t j = 0; j < width; ++j) scratch[j] = 0;
  for (int64_t i = 0; i < n; ++i) {
    const T* __restrict const step = data + sources[i];
    for (int64_t j = 0; j < width; ++j) scratch[j] += step[j] == out[j] ? T(1) : T(0);
  }
  for (int64_t j = 0; j < width; ++j) scratch[j] = grad[j] / scratch[j];
  for (int64_t i = 0; i < n; ++i) {
    const T* __restrict const step = data + sources[i];
    T* __restrict const to = grad_data + sources[i];
    for (int64_t j = 0; j < width; ++j) to[j] = step[j] == out[j] ? scratch[j] : T(0);
  }
}

// Products of x with N steps. Lanes add up by halves, and then what is left of the width: a
// product has the same bits whatever N is.
template <int N, class T>
WEFT_INLINE void some_dots(const T* x, const T* data, const int64_t* sources, int64_t width,
                           T* out) {
  constexpr int kWide = kLanes * 4 / static_cast<int>(sizeof(T));
  typedef T Wide __attribute__((vector_size(kLanes * 4), aligned(alignof(T)), may_alias));
  const T* steps[N];
  Wide sums[N];
  for (int k = 0; k < N; ++k) {
    steps[k] = data + sources[k];
    sums[k] = Wide{};
  }
  int64_t j = 0;
  for (; j + kWide <= width; j += kWide) {
    const Wide at = *reinterpret_cast<const Wide*>(x + j);
    for (int k = 0; k < N; ++k) sums[k] += at * *reinterpret_cast<const Wide*>(steps[k] + j);
  }
  for (int k = 0; k < N; ++k) {
    T lanes[kWide];
    *reinterpret_cast<Wide*>(lanes) = sums[k];
    for (int half = kWide / 2; half > 0; half /= 2) {
      for (int lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
    }
    for (int64_t rest = j; rest < width; ++rest) lanes[0] += x[rest] * steps[k][rest];
    out[k] = lanes[0];
  }
}

template <class T>
void dots(const T* x, const T* data, const int64_t* sources, int64_t n, int64_t width,
          T* out) noexcept {
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) some_dots<4>(x, data, sources + i, width, out + i);
  for (; i < n; ++i) some_dots<1>(x, data, sources + i, width, out + i);
}

template <class T>
void add_outer(const T* weights, const T* __restrict x, const int64_t* sources, int64_t n,
               int64_t width, T* data) noexcept {
  for (int64_t i = 0; i < n; ++i) {
    T* __restrict const step = data + sources[i];
    const T weight = weights[i];
    for (int64_t j = 0; j < width; ++j) step[j] += weight * x[j];
  }
}

}  // namespace

extern const PoolingKernel pooling_kernel = {
    {largest<float>, largest_backward<float>, dots<float>, add_outer<float>},
    {largest<double>, largest_backward<double>, dots<double>, add_outer<double>}};

}  // namespace weft::WEFT_ISA
