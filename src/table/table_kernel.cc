#include "table/table_kernel.h"

#include <cstddef>
#include <cstdint>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace weft::WEFT_ISA {
namespace {

#if WEFT_ISA_LEVEL >= 4
constexpr int kVectorBytes = 64;
#elif WEFT_ISA_LEVEL >= 3
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif

#define WEFT_INLINE inline __attribute__((always_inline))

constexpr int64_t kPrefetchRows = 12;    // rows on their way while one is copied
constexpr int64_t kPrefetchBytes = 512;  // of each row; the processor fetches on by itself
constexpr int64_t kLine = 64;

// L neighbouring elements. Every operation is element by element, so the width of the vector
// changes no result.
template <class T, int L>
struct Vector {
  typedef T Type __attribute__((vector_size(L * sizeof(T)), aligned(alignof(T)), may_alias));
};
template <class T>
struct Vector<T, 1> {
  typedef T Type;
};

template <class T, int L>
WEFT_INLINE typename Vector<T, L>::Type load(const T* at) {
  return *reinterpret_cast<const typename Vector<T, L>::Type*>(at);
}

template <class T, int L>
WEFT_INLINE void store(T* at, typename Vector<T, L>::Type value) {
  *reinterpret_cast<typename Vector<T, L>::Type*>(at) = value;
}

template <class T, int L>
WEFT_INLINE void stream(T* at, typename Vector<T, L>::Type value) {
#if WEFT_ISA_LEVEL >= 4
  if constexpr (L * sizeof(T) == 64) {
    _mm512_stream_si512(reinterpret_cast<__m512i*>(at), (__m512i)value);
    return;
  }
#endif
#if WEFT_ISA_LEVEL >= 3
  if constexpr (L * sizeof(T) == 32) {
    _mm256_stream_si256(reinterpret_cast<__m256i*>(at), (__m256i)value);
    return;
  }
#endif
#if defined(__x86_64__)
  if constexpr (L * sizeof(T) == 16) {
    _mm_stream_si128(reinterpret_cast<__m128i*>(at), (__m128i)value);
    return;
  }
#endif
  store<T, L>(at, value);
}

WEFT_INLINE void fence() {
#if defined(__x86_64__)
  _mm_sfence();
#endif
}

// The address is a number: an id that has not been checked yet may lead anywhere.
template <class T>
WEFT_INLINE void prefetch_row(const TableView<T>& table, int64_t id) {
  const uint64_t bytes = static_cast<uint64_t>(table.dimension) * sizeof(T);
  const uint64_t row = reinterpret_cast<uint64_t>(table.values) + static_cast<uint64_t>(id) * bytes;
  const uint64_t end = row + (bytes < kPrefetchBytes ? bytes : kPrefetchBytes);
  for (uint64_t line = row; line < end; line += kLine)
    __builtin_prefetch(reinterpret_cast<const void*>(line));
}

// The factor that takes a row to max_norm, or 1. Eight partial sums in a fixed order.
template <class T>
double norm_factor(const T* row, int64_t dimension, double max_norm) {
  double sums[8] = {};
  for (int64_t i = 0; i < dimension; ++i)
    sums[i & 7] += static_cast<double>(row[i]) * static_cast<double>(row[i]);
  for (int half = 4; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) sums[i] += sums[i + half];
  }
  const double norm = __builtin_sqrt(sums[0]);
  return norm > max_norm ? max_norm / norm : 1.0;
}

// The last vector of a row ends where the row ends and may overlap the one before it.
template <class T, int L, bool Stream>
WEFT_INLINE void copy_row(T* out, const T* row, int64_t dimension) {
  int64_t i = 0;
  for (; i + L <= dimension; i += L) {
    if constexpr (Stream) {
      stream<T, L>(out + i, load<T, L>(row + i));
    } else {
      store<T, L>(out + i, load<T, L>(row + i));
    }
  }
  if (i < dimension) store<T, L>(out + dimension - L, load<T, L>(row + dimension - L));
}

template <class T>
WEFT_INLINE void scale_row(T* out, const T* row, int64_t dimension, double max_norm) {
  const T factor = static_cast<T>(norm_factor(row, dimension, max_norm));
  for (int64_t i = 0; i < dimension; ++i) out[i] = row[i] * factor;
}

template <class T, int L, bool Stream>
int64_t gather_rows(const TableView<T>& table, const GatherIds& ids, T* out, int64_t stride) {
  const int64_t dimension = table.dimension;
  for (int64_t i = 0; i < ids.count; ++i, out += stride) {
    if (i + kPrefetchRows < ids.ahead) prefetch_row(table, ids.ids[i + kPrefetchRows]);
    const int64_t id = ids.ids[i];
    if (static_cast<uint64_t>(id) >= static_cast<uint64_t>(table.rows)) {
      if (id != -1) return i;
      for (int64_t e = 0; e < dimension; ++e) out[e] = 0;
      continue;
    }
    const T* row = table.values + id * dimension;
    if (table.max_norm > 0) {
      scale_row(out, row, dimension, table.max_norm);
    } else {
      copy_row<T, L, Stream>(out, row, dimension);
    }
  }
  return ids.count;
}

template <class T, int L>
WEFT_INLINE int64_t gather_with(const TableView<T>& table, const GatherIds& ids, T* out,
                                int64_t stride, bool streaming) {
  constexpr uint64_t kBytes = L * sizeof(T);
  const bool aligned =
      reinterpret_cast<uint64_t>(out) % kBytes == 0 && stride % L == 0 && table.dimension % L == 0;
  if (!streaming || !aligned || kBytes < 16)
    return gather_rows<T, L, false>(table, ids, out, stride);
  const int64_t done = gather_rows<T, L, true>(table, ids, out, stride);
  fence();
  return done;
}

template <class T>
int64_t gather(const TableView<T>& table, const GatherIds& ids, T* out, int64_t stride,
               bool streaming) noexcept {
  constexpr int kMost = kVectorBytes / static_cast<int>(sizeof(T));
  const int64_t dimension = table.dimension;
  if constexpr (kMost >= 16) {
    if (dimension >= 16) return gather_with<T, 16>(table, ids, out, stride, streaming);
  }
  if constexpr (kMost >= 8) {
    if (dimension >= 8) return gather_with<T, 8>(table, ids, out, stride, streaming);
  }
  if constexpr (kMost >= 4) {
    if (dimension >= 4) return gather_with<T, 4>(table, ids, out, stride, streaming);
  }
  if (dimension >= 2) return gather_with<T, 2>(table, ids, out, stride, false);
  return gather_with<T, 1>(table, ids, out, stride, false);
}

// What a bag's rows are divided by.
template <class T>
struct Total {
  T weight = 0;   // sum(w)
  T squared = 0;  // sum(w^2)
  T divisor(CombineMode mode) const {
    if (mode == CombineMode::kMean) return weight;
    if constexpr (sizeof(T) == 4) {
      return __builtin_sqrtf(squared);
    } else {
      return __builtin_sqrt(squared);
    }
  }
};

// K vectors of one combined row, from element `from` on: the last vector may overlap. Returns -1,
// or the position of an id outside the table.
template <class T, int L, int K, bool Factors>
WEFT_INLINE int64_t combine_part(const TableView<T>& table, const CombineBags<T>& bags, int64_t bag,
                                 int64_t from, T* out) {
  using V = typename Vector<T, L>::Type;
  const int64_t end = bags.splits[bag + 1], last = bags.splits[bags.bags];
  int64_t at[K];
  V sums[K];
  for (int k = 0; k < K; ++k) {
    at[k] = from + k * L <= table.dimension - L ? from + k * L : table.dimension - L;
    sums[k] = V{} * 0;
  }
  Total<T> total;
  for (int64_t i = bags.splits[bag]; i < end; ++i) {
    if (from == 0 && i + kPrefetchRows < last) prefetch_row(table, bags.ids[i + kPrefetchRows]);
    const int64_t id = bags.ids[i];
    if (static_cast<uint64_t>(id) >= static_cast<uint64_t>(table.rows)) {
      if (id == -1) continue;
      return i;
    }
    const T* row = table.values + id * table.dimension;
    if constexpr (Factors) {
      const T weight = bags.weights != nullptr ? static_cast<T>(bags.weights[i]) : T{1};
      if (bags.mode != CombineMode::kSum && !(weight > 0)) continue;
      const T factor =
          table.max_norm > 0
              ? weight * static_cast<T>(norm_factor(row, table.dimension, table.max_norm))
              : weight;
      for (int k = 0; k < K; ++k) sums[k] += load<T, L>(row + at[k]) * factor;
      total.weight += weight;
      total.squared += weight * weight;
    } else {
      for (int k = 0; k < K; ++k) sums[k] += load<T, L>(row + at[k]);
      total.weight += 1;
    }
  }
  if constexpr (!Factors) total.squared = total.weight;
  const bool divide = bags.mode != CombineMode::kSum && total.weight != 0;
  const T divisor = divide ? total.divisor(bags.mode) : T{1};
  for (int k = 0; k < K; ++k) store<T, L>(out + at[k], divide ? sums[k] / divisor : sums[k]);
  return -1;
}

template <class T, int L, bool Factors>
int64_t combine_rows(const TableView<T>& table, const CombineBags<T>& bags, T* out,
                     int64_t stride) {
  for (int64_t bag = 0; bag < bags.bags; ++bag, out += stride) {
    int64_t vectors = (table.dimension + L - 1) / L;
    int64_t from = 0, bad = -1;
    while (vectors > 0 && bad < 0) {
      if (vectors >= 8) {
        bad = combine_part<T, L, 8, Factors>(table, bags, bag, from, out);
        vectors -= 8, from += 8 * L;
      } else if (vectors >= 4) {
        bad = combine_part<T, L, 4, Factors>(table, bags, bag, from, out);
        vectors -= 4, from += 4 * L;
      } else if (vectors >= 2) {
        bad = combine_part<T, L, 2, Factors>(table, bags, bag, from, out);
        vectors -= 2, from += 2 * L;
      } else {
        bad = combine_part<T, L, 1, Factors>(table, bags, bag, from, out);
        vectors = 0;
      }
    }
    if (bad >= 0) return bad;
  }
  return -1;
}

template <class T, int L>
WEFT_INLINE int64_t combine_with(const TableView<T>& table, const CombineBags<T>& bags, T* out,
                                 int64_t stride) {
  if (bags.weights != nullptr || table.max_norm > 0)
    return combine_rows<T, L, true>(table, bags, out, stride);
  return combine_rows<T, L, false>(table, bags, out, stride);
}

template <class T>
int64_t combine(const TableView<T>& table, const CombineBags<T>& bags, T* out,
                int64_t stride) noexcept {
  constexpr int kMost = kVectorBytes / static_cast<int>(sizeof(T));
  const int64_t dimension = table.dimension;
  if constexpr (kMost >= 16) {
    if (dimension >= 16) return combine_with<T, 16>(table, bags, out, stride);
  }
  if constexpr (kMost >= 8) {
    if (dimension >= 8) return combine_with<T, 8>(table, bags, out, stride);
  }
  if constexpr (kMost >= 4) {
    if (dimension >= 4) return combine_with<T, 4>(table, bags, out, stride);
  }
  if (dimension >= 2) return combine_with<T, 2>(table, bags, out, stride);
  return combine_with<T, 1>(table, bags, out, stride);
}

}  // namespace

extern const TableKernel table_kernel = {{gather<float>, combine<float>},
                                         {gather<double>, combine<double>}};

}  // namespace weft::WEFT_ISA
