#include "pooling/pooling_kernel.h"

#include "base/simd.h"

namespace weft::WEFT_ISA {
namespace {

template <class T, int L>
struct Lanes {
  typedef T Type __attribute__((vector_size(L * sizeof(T)), aligned(alignof(T)), may_alias));
};
template <class T>
struct Lanes<T, 1> {
  typedef T Type;
};

// Calls job.run<L, K>(at) until each column of [0, width) was in one of the K vectors of L columns
// that begin at at[0], at[1], ...; the last ones may overlap.
template <int L, int K, class Job>
WEFT_INLINE void run_at(const Job& job, int64_t width, int64_t from) {
  int64_t at[K];
  for (int k = 0; k < K; ++k) at[k] = from + k * L <= width - L ? from + k * L : width - L;
  job.template run<L, K>(at);
}

template <int L, class Job>
void run_all(const Job& job, int64_t width) {
  int64_t from = 0;
  for (; width - from > 2 * L; from += 4 * L) run_at<L, 4>(job, width, from);
  if (width - from > L) {
    run_at<L, 2>(job, width, from);
  } else if (width > from) {
    run_at<L, 1>(job, width, from);
  }
}

template <class T, class Job>
void each_column(const Job& job, int64_t width) {
  constexpr int kMost = kLanes * 4 / static_cast<int>(sizeof(T));
  if constexpr (kMost >= 16) {
    if (width >= 16) return run_all<16>(job, width);
  }
  if constexpr (kMost >= 8) {
    if (width >= 8) return run_all<8>(job, width);
  }
  if constexpr (kMost >= 4) {
    if (width >= 4) return run_all<4>(job, width);
  }
  if (width >= 2) return run_all<2>(job, width);
  run_all<1>(job, width);
}

template <class T>
struct Largest {
  const T* data;
  const int64_t* sources;
  int64_t n;
  T* out;

  template <int L, int K>
  WEFT_INLINE void run(const int64_t (&at)[K]) const {
    using V = typename Lanes<T, L>::Type;
    V top[K];
    for (int k = 0; k < K; ++k) top[k] = *reinterpret_cast<const V*>(data + sources[0] + at[k]);
    for (int64_t i = 1; i < n; ++i) {
      const T* const step = data + sources[i];
      for (int k = 0; k < K; ++k) {
        const V x = *reinterpret_cast<const V*>(step + at[k]);
        top[k] = (x > top[k]) | (x != x) ? x : top[k];  // NaN comes in and stays
      }
    }
    for (int k = 0; k < K; ++k) *reinterpret_cast<V*>(out + at[k]) = top[k];
  }
};

template <class T>
void largest(const T* data, const int64_t* sources, int64_t n, int64_t width, T* out) noexcept {
  each_column<T>(Largest<T>{data, sources, n, out}, width);
}

template <class T>
struct LargestBackward {
  const T* data;
  const int64_t* sources;
  int64_t n;
  const T* out;
  const T* grad;
  T* grad_data;

  template <int L, int K>
  WEFT_INLINE void run(const int64_t (&at)[K]) const {
    using V = typename Lanes<T, L>::Type;
    const V none = V{} * 0, one = none + 1;
    V top[K], share[K];
    for (int k = 0; k < K; ++k) {
      top[k] = *reinterpret_cast<const V*>(out + at[k]);
      share[k] = none;
    }
    for (int64_t i = 0; i < n; ++i) {
      for (int k = 0; k < K; ++k) share[k] += is_top<V>(i, at[k], top[k]) ? one : none;
    }
    for (int k = 0; k < K; ++k) share[k] = *reinterpret_cast<const V*>(grad + at[k]) / share[k];
    for (int64_t i = 0; i < n; ++i) {
      T* const step = grad_data + sources[i];
      for (int k = 0; k < K; ++k) {
        *reinterpret_cast<V*>(step + at[k]) = is_top<V>(i, at[k], top[k]) ? share[k] : none;
      }
    }
  }
  template <class V>
  WEFT_INLINE auto is_top(int64_t i, int64_t at, V top) const {
    return *reinterpret_cast<const V*>(data + sources[i] + at) == top;
  }
};

template <class T>
void largest_backward(const T* data, const int64_t* sources, int64_t n, int64_t width, const T* out,
                      const T* grad, T* grad_data) noexcept {
  each_column<T>(LargestBackward<T>{data, sources, n, out, grad, grad_data}, width);
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
void outer(const T* a, const T* __restrict x, const T* b, const T* __restrict y,
           const int64_t* sources, int64_t n, int64_t width, T* data) noexcept {
  for (int64_t i = 0; i < n; ++i) {
    T* __restrict const step = data + sources[i];
    const T of_x = a[i];
    if (y == nullptr) {
      for (int64_t j = 0; j < width; ++j) step[j] = of_x * x[j];
    } else {
      const T of_y = b[i];
      for (int64_t j = 0; j < width; ++j) step[j] = of_x * x[j] + of_y * y[j];
    }
  }
}

}  // namespace

extern const PoolingKernel pooling_kernel = {
    {largest<float>, largest_backward<float>, dots<float>, outer<float>},
    {largest<double>, largest_backward<double>, dots<double>, outer<double>}};

}  // namespace weft::WEFT_ISA
