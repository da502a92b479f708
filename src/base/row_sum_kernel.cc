#include "base/row_sum_kernel.h"

#include "base/simd.h"

namespace weft::WEFT_ISA {
namespace {

constexpr int64_t kAhead = 8;  // rows on their way while one is added

template <class T, int L>
struct Lanes {
  typedef T Type __attribute__((vector_size(L * sizeof(T)), aligned(alignof(T)), may_alias));
};
template <class T>
struct Lanes<T, 1> {
  typedef T Type;
};

// K vectors of one sum, from column `from` on; the last one ends where the row ends.
template <class T, int L, int K>
WEFT_INLINE void add_rows(const RowSum<T>& s, int64_t sum, int64_t from) {
  using V = typename Lanes<T, L>::Type;
  int64_t at[K];
  V sums[K];
  for (int k = 0; k < K; ++k) {
    at[k] = from + k * L <= s.width - L ? from + k * L : s.width - L;
    sums[k] = V{} * 0;
  }
  const int64_t last = s.splits[s.sums];
  for (int64_t i = s.splits[sum]; i < s.splits[sum + 1]; ++i) {
    const T* const row = s.rows + s.sources[i];
    if (i + kAhead < last) __builtin_prefetch(s.rows + s.sources[i + kAhead] + from);
    if (s.weights == nullptr) {
      for (int k = 0; k < K; ++k) sums[k] += *reinterpret_cast<const V*>(row + at[k]);
    } else {
      for (int k = 0; k < K; ++k)
        sums[k] += *reinterpret_cast<const V*>(row + at[k]) * s.weights[i];
    }
  }
  T* const out = s.out + sum * s.width;
  for (int k = 0; k < K; ++k) *reinterpret_cast<V*>(out + at[k]) = sums[k];
}

template <class T, int L>
void all_sums(const RowSum<T>& s) {
  for (int64_t sum = 0; sum < s.sums; ++sum) {
    int64_t from = 0;
    for (; s.width - from > 2 * L; from += 4 * L) add_rows<T, L, 4>(s, sum, from);
    if (s.width - from > L) {
      add_rows<T, L, 2>(s, sum, from);
    } else if (s.width > from) {
      add_rows<T, L, 1>(s, sum, from);
    }
  }
}

template <class T>
void row_sums(const RowSum<T>& s) noexcept {
  constexpr int kMost = kLanes * 4 / static_cast<int>(sizeof(T));
  if constexpr (kMost >= 16) {
    if (s.width >= 16) return all_sums<T, 16>(s);
  }
  if constexpr (kMost >= 8) {
    if (s.width >= 8) return all_sums<T, 8>(s);
  }
  if constexpr (kMost >= 4) {
    if (s.width >= 4) return all_sums<T, 4>(s);
  }
  if (s.width >= 2) return all_sums<T, 2>(s);
  all_sums<T, 1>(s);
}

}  // namespace

extern const RowSumKernel row_sum_kernel = {row_sums<float>, row_sums<double>};

}  // namespace weft::WEFT_ISA
