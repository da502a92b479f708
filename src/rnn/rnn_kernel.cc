#include "rnn/rnn_kernel.h"

#include "base/simd.h"

namespace weft::WEFT_ISA {
namespace {

// Rows of a tile whose sums, for that many vectors, stay in registers beside one row of `b` and
// one broadcast element of `a`.
constexpr int kMaxRows[] = {0,
#if WEFT_ISA_LEVEL >= 4
                            12, 12, 8, 6
#elif WEFT_ISA_LEVEL >= 3
                            8, 6, 4, 3
#else
                            6, 5, 3, 2
#endif
};

template <int kRows, int kVectors>
struct Tile {
  Vec sums[kRows][kVectors];
};

template <int kRows, int kVectors>
WEFT_INLINE void load_rows(Tile<kRows, kVectors>& tile, const float* from, int64_t ld) {
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) tile.sums[r][v] = load(from + r * ld + v * kLanes);
  }
}

template <int kRows, int kVectors>
WEFT_INLINE void multiply(Tile<kRows, kVectors>& tile, int64_t depth, const float* a, int64_t lda,
                          const float* b) {
  for (int64_t k = 0; k < depth; ++k, ++a, b += kVectors * kLanes) {
    Vec row[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) row[v] = load(b + v * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const Vec x = set(a[r * lda]);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) tile.sums[r][v] = fmadd(x, row[v], tile.sums[r][v]);
    }
  }
}

// Runs `op` on `n` rows from `row` on, n <= kRows known at run time.
template <int kRows, class Op>
WEFT_INLINE void run_tile(const Op& op, int64_t panel, int64_t row, int64_t n) {
  if constexpr (kRows == 1) {
    op.template run<1>(panel, row);
  } else {
    if (n == kRows) {
      op.template run<kRows>(panel, row);
    } else {
      run_tile<kRows - 1>(op, panel, row, n);
    }
  }
}

// Runs `op` on every panel and every tile of rows: panels outside, so that one stays in the L1
// cache; tiles of nearly equal height, because a low one keeps too few sums in flight.
template <int kVectors, class Op>
WEFT_INLINE void run_tiles(const Op& op, int64_t panels, int64_t rows) {
  constexpr int kMost = kMaxRows[kVectors];
  const int64_t tiles = (rows + kMost - 1) / kMost;
  if (tiles == 0) return;
  const int64_t low = rows / tiles, higher = rows % tiles;
  for (int64_t panel = 0; panel < panels; ++panel) {
    int64_t row = 0;
    for (int64_t i = 0; i < tiles; ++i) {
      const int64_t n = low + (i < higher ? 1 : 0);
      run_tile<kMost>(op, panel, row, n);
      row += n;
    }
  }
}

template <int kVectors>
struct ProductOp {
  const Product& p;

  template <int kRows>
  __attribute__((noinline)) void run(int64_t panel, int64_t row) const {
    constexpr int kWidth = kVectors * kLanes;
    Tile<kRows, kVectors> tile;
    load_rows(tile, p.start + row * p.ld_start + panel * kWidth, p.ld_start);
    multiply(tile, p.depth, p.a + row * p.lda, p.lda, p.b + panel * p.depth * kWidth);
    float* out = p.out + row * p.ld_out + panel * kWidth;
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) store(out + r * p.ld_out + v * kLanes, tile.sums[r][v]);
    }
  }
};

struct Tanh {
  static WEFT_INLINE Vec apply(Vec x) {
    const Fraction f = tanh_fraction(x);
    return f.n / f.d;
  }
};
struct Relu {
  static WEFT_INLINE Vec apply(Vec x) { return max(zero(), x); }
};

template <class Activation, int kVectors>
struct SimpleOp {
  const CellStep& s;

  template <int kRows>
  __attribute__((noinline)) void run(int64_t panel, int64_t row) const {
    constexpr int kWidth = kVectors * kLanes;
    Tile<kRows, kVectors> tile;
    load_rows(tile, s.p + row * s.ld_p + panel * kWidth, s.ld_p);
    multiply(tile, s.depth, s.h + row * s.ld, s.ld, s.u + panel * s.depth * kWidth);
    float* out = s.h_next + row * s.ld + panel * kWidth;
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        store(out + r * s.ld + v * kLanes, Activation::apply(tile.sums[r][v]));
      }
    }
  }
};

// h' = z h + (1 - z) n = n + z (h - n), with z and n as fractions: one division.
WEFT_INLINE Vec blend(Fraction z, Fraction n, Vec h) {
  const Vec rest = fnmadd(n.n, z.n, n.n * z.d);  // n (1 - z), over n.d z.d
  return fmadd(h * n.d, z.n, rest) / (z.d * n.d);
}

struct GruAfterOp {
  const CellStep& s;

  template <int kRows>
  __attribute__((noinline)) void run(int64_t panel, int64_t row) const {
    constexpr int kWidth = 3 * kLanes;
    const float* p = s.p + row * s.ld_p + panel * kWidth;
    const int64_t at = row * s.ld + panel * kLanes;
    const Vec bias = load(s.recurrent_bias + panel * kLanes);
    Tile<kRows, 3> tile;
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      tile.sums[r][0] = load(p + r * s.ld_p);
      tile.sums[r][1] = load(p + r * s.ld_p + kLanes);
      tile.sums[r][2] = bias;
    }
    multiply(tile, s.depth, s.h + row * s.ld, s.ld, s.u + panel * s.depth * kWidth);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const Fraction reset = sigmoid_fraction(tile.sums[r][1]);
      const Vec input = load(p + r * s.ld_p + 2 * kLanes);
      const Fraction n = tanh_fraction(fmadd(reset.n / reset.d, tile.sums[r][2], input));
      const Vec h = load(s.h + at + r * s.ld);
      store(s.h_next + at + r * s.ld, blend(sigmoid_fraction(tile.sums[r][0]), n, h));
    }
  }
};

struct GruGatesOp {
  const CellStep& s;

  template <int kRows>
  __attribute__((noinline)) void run(int64_t panel, int64_t row) const {
    const int64_t at = row * s.ld + panel * kLanes;
    Tile<kRows, 2> tile;
    load_rows(tile, s.p + row * s.ld_p + panel * 3 * kLanes, s.ld_p);
    multiply(tile, s.depth, s.h + row * s.ld, s.ld, s.u + panel * s.depth * 2 * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const Fraction reset = sigmoid_fraction(tile.sums[r][1]);
      store(s.rh + at + r * s.ld, load(s.h + at + r * s.ld) * reset.n / reset.d);
      store(s.z + at + r * s.ld, tile.sums[r][0]);
    }
  }
};

struct GruCandidateOp {
  const CellStep& s;

  template <int kRows>
  __attribute__((noinline)) void run(int64_t panel, int64_t row) const {
    const int64_t at = row * s.ld + panel * kLanes;
    Tile<kRows, 1> tile;
    load_rows(tile, s.p + row * s.ld_p + (panel * 3 + 2) * kLanes, s.ld_p);
    multiply(tile, s.depth, s.rh + row * s.ld, s.ld, s.u_candidate + panel * s.depth * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const Fraction z = sigmoid_fraction(load(s.z + at + r * s.ld));
      const Vec h = load(s.h + at + r * s.ld);
      store(s.h_next + at + r * s.ld, blend(z, tanh_fraction(tile.sums[r][0]), h));
    }
  }
};

struct LstmOp {
  const CellStep& s;

  template <int kRows>
  __attribute__((noinline)) void run(int64_t panel, int64_t row) const {
    constexpr int kWidth = 4 * kLanes;
    const int64_t at = row * s.ld + panel * kLanes;
    Tile<kRows, 4> tile;
    load_rows(tile, s.p + row * s.ld_p + panel * kWidth, s.ld_p);
    multiply(tile, s.depth, s.h + row * s.ld, s.ld, s.u + panel * s.depth * kWidth);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const Fraction i = sigmoid_fraction(tile.sums[r][0]), f = sigmoid_fraction(tile.sums[r][1]);
      const Fraction g = tanh_fraction(tile.sums[r][2]), o = sigmoid_fraction(tile.sums[r][3]);
      float* c = s.c + at + r * s.ld;
      // f c + i g over one denominator.
      const Vec both = i.d * g.d;
      const Vec next = fmadd(f.n * load(c), both, i.n * g.n * f.d) / (f.d * both);
      store(c, next);
      const Fraction t = tanh_fraction(next);
      store(s.h_next + at + r * s.ld, o.n * t.n / (o.d * t.d));
    }
  }
};

void product(const Product& p) noexcept {
  switch (p.vectors) {
    case 1: return run_tiles<1>(ProductOp<1>{p}, p.panels, p.rows);
    case 2: return run_tiles<2>(ProductOp<2>{p}, p.panels, p.rows);
    case 3: return run_tiles<3>(ProductOp<3>{p}, p.panels, p.rows);
    default: return run_tiles<4>(ProductOp<4>{p}, p.panels, p.rows);
  }
}

template <class Activation>
void simple(const CellStep& s) noexcept {
  switch (s.vectors) {
    case 1: return run_tiles<1>(SimpleOp<Activation, 1>{s}, s.panels, s.rows);
    case 2: return run_tiles<2>(SimpleOp<Activation, 2>{s}, s.panels, s.rows);
    case 3: return run_tiles<3>(SimpleOp<Activation, 3>{s}, s.panels, s.rows);
    default: return run_tiles<4>(SimpleOp<Activation, 4>{s}, s.panels, s.rows);
  }
}

void gru_after(const CellStep& s) noexcept { run_tiles<3>(GruAfterOp{s}, s.panels, s.rows); }

void gru_before(const CellStep& s) noexcept {
  run_tiles<2>(GruGatesOp{s}, s.panels, s.rows);
  run_tiles<1>(GruCandidateOp{s}, s.panels, s.rows);
}

void lstm(const CellStep& s) noexcept { run_tiles<4>(LstmOp{s}, s.panels, s.rows); }

}  // namespace

extern const RnnKernel rnn_kernel = {
    kLanes, product, simple<Tanh>, simple<Relu>, gru_after, gru_before, lstm,
};

}  // namespace weft::WEFT_ISA
