#include "base/product_kernel.h"

#include "base/tile.h"

namespace weft::WEFT_ISA {
namespace {

template <int kVectorsPerPanel>
struct ProductOp {
  static constexpr int kVectors = kVectorsPerPanel, kWidth = kVectors * kLanes;
  const Product& p;

  WEFT_INLINE int64_t depth() const { return p.depth; }
  WEFT_INLINE Operands operands(int64_t panel, int64_t row) const {
    return {.a = p.a + row * p.lda,
            .b = p.b + panel * p.depth * kWidth,
            .a_row = p.lda,
            .a_step = 1,
            .b_step = kWidth,
            .b_panel = p.depth * kWidth};
  }

  template <int kRows>
  WEFT_INLINE void start(Tile<kRows, kVectors>& tile, int64_t panel, int64_t row) const {
    load_rows(tile, p.start + row * p.ld_start + panel * kWidth, p.ld_start);
  }
  template <int kRows>
  WEFT_INLINE void finish(Tile<kRows, kVectors>& tile, int64_t panel, int64_t row) const {
    store_rows(tile, p.out + row * p.ld_out + panel * kWidth, p.ld_out);
  }
};

void product(const Product& p) noexcept {
  switch (p.vectors) {
    case 1:
      return run_tiles(ProductOp<1>{p}, p.panels, p.rows);
    case 2:
      return run_tiles(ProductOp<2>{p}, p.panels, p.rows);
    case 3:
      return run_tiles(ProductOp<3>{p}, p.panels, p.rows);
    default:
      return run_tiles(ProductOp<4>{p}, p.panels, p.rows);
  }
}

// Rows of the result are columns of `a`.
template <int kVectorsPerPanel>
struct TransposedOp {
  static constexpr int kVectors = kVectorsPerPanel, kWidth = kVectors * kLanes;
  const TransposedProduct& p;
  int64_t first, count;  // rows of `a` and `b`

  WEFT_INLINE int64_t depth() const { return count; }
  WEFT_INLINE Operands operands(int64_t panel, int64_t row) const {
    return {.a = p.a + first * p.lda + row,
            .b = p.b + first * p.ldb + panel * kWidth,
            .a_row = 1,
            .a_step = p.lda,
            .b_step = p.ldb,
            .b_panel = kWidth};
  }
  WEFT_INLINE float* out(int64_t panel, int64_t row) const {
    return p.out + row * p.ld_out + panel * kWidth;
  }

  template <int kRows>
  WEFT_INLINE void start(Tile<kRows, kVectors>& tile, int64_t panel, int64_t row) const {
    load_rows(tile, out(panel, row), p.ld_out);
  }
  template <int kRows>
  WEFT_INLINE void finish(Tile<kRows, kVectors>& tile, int64_t panel, int64_t row) const {
    store_rows(tile, out(panel, row), p.ld_out);
  }
};

// A few rows of `a` and `b` at a time, as many as stay in the cache for all tiles.
template <int kVectors>
void transposed(const TransposedProduct& p) {
  constexpr int64_t kAtOnce = 256;
  for (int64_t first = 0; first < p.depth; first += kAtOnce) {
    const int64_t left = p.depth - first;
    run_tiles(TransposedOp<kVectors>{p, first, left < kAtOnce ? left : kAtOnce}, p.panels, p.rows);
  }
}

void add_transposed(const TransposedProduct& p) noexcept {
  switch (p.vectors) {
    case 1:
      return transposed<1>(p);
    case 2:
      return transposed<2>(p);
    case 3:
      return transposed<3>(p);
    default:
      return transposed<4>(p);
  }
}

// The first `n` floats of `from`, then zeros.
WEFT_INLINE Vec load_some(const float* from, int64_t n) {
  if (n >= kLanes) return load(from);
#if WEFT_ISA_LEVEL >= 4
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1 << n) - 1), from);
#else
  Vec v = zero();
  for (int64_t i = 0; i < n; ++i) v[i] = from[i];
  return v;
#endif
}

// Vectors `at` to at + kVectors - 1 of one result row.
template <int kVectors>
WEFT_INLINE void add_entries(const SparseProduct& p, int64_t begin, int64_t end, int64_t at,
                             float* out) {
  Vec sums[kVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) sums[v] = load(out + (at + v) * kLanes);
  for (int64_t i = begin; i < end; ++i) {
    const float* w = p.w + p.columns[i] * p.ld_w;
    const Vec x = set(p.values[i]);
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const VectorSource& from = p.sources[at + v];
      sums[v] = fmadd(x, load_some(w + from.column, from.count), sums[v]);
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) store(out + (at + v) * kLanes, sums[v]);
}

void add_sparse(const SparseProduct& p) noexcept {
  constexpr int64_t kAhead = 4;
  for (int64_t r = 0; r < p.rows; ++r) {
    const int64_t row = p.row_of == nullptr ? r : p.row_of[r];
    const int64_t begin = p.splits[row], end = p.splits[row + 1];
    if (r + kAhead < p.rows) {
      const int64_t next = p.splits[p.row_of == nullptr ? r + kAhead : p.row_of[r + kAhead]];
      if (next < p.entries) __builtin_prefetch(p.w + p.columns[next] * p.ld_w);
    }
    if (begin == end) continue;
    float* out = p.out + r * p.ld_out;
    int64_t at = 0;
    for (; at + 4 <= p.vectors; at += 4) add_entries<4>(p, begin, end, at, out);
    for (; at < p.vectors; ++at) add_entries<1>(p, begin, end, at, out);
  }
}

}  // namespace

extern const ProductKernel product_kernel = {kLanes, product, add_transposed, add_sparse};

}  // namespace weft::WEFT_ISA
