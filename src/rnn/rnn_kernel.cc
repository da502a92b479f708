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

// Tiles of so few rows take so many panels at once: one alone would wait for its own sums.
#if WEFT_ISA_LEVEL >= 4
constexpr int kLowTile = 2, kPanelsAtOnce = 2;
#else
constexpr int kLowTile = 1, kPanelsAtOnce = 2;
#endif

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

// Every tile of `tiles` gets a * b of its own panel; panels stand `panel_size` apart.
template <int kRows, int kVectors, int kPanels>
WEFT_INLINE void multiply(Tile<kRows, kVectors> (&tiles)[kPanels], int64_t depth, const float* a,
                          int64_t lda, const float* b) {
  const int64_t panel_size = depth * kVectors * kLanes;
  for (int64_t k = 0; k < depth; ++k, ++a, b += kVectors * kLanes) {
#pragma GCC unroll 4
    for (int p = 0; p < kPanels; ++p) {
      Vec row[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) row[v] = load(b + p * panel_size + v * kLanes);
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
        const Vec x = set(a[r * lda]);
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) {
          tiles[p].sums[r][v] = fmadd(x, row[v], tiles[p].sums[r][v]);
        }
      }
    }
  }
}

// kRows rows from `row` on, of kPanels panels from `panel` on.
template <int kRows, int kPanels, class Op>
__attribute__((noinline)) void run_tile(const Op& op, int64_t panel, int64_t row) {
  Tile<kRows, Op::kVectors> tiles[kPanels];
#pragma GCC unroll 4
  for (int p = 0; p < kPanels; ++p) op.start(tiles[p], panel + p, row);
  multiply(tiles, op.depth(), op.a(row), op.lda(), op.b(panel));
#pragma GCC unroll 4
  for (int p = 0; p < kPanels; ++p) op.finish(tiles[p], panel + p, row);
}

// The same for 1 <= n <= kRows rows and kPanels panels or one, both known at run time.
template <int kRows, class Op>
WEFT_INLINE void run_tile_of(const Op& op, int64_t panel, int64_t row, int64_t n, int64_t panels) {
  if constexpr (kRows > 1) {
    if (n != kRows) return run_tile_of<kRows - 1>(op, panel, row, n, panels);
  }
  if constexpr (kRows <= kLowTile) {
    if (panels > 1) return run_tile<kRows, kPanelsAtOnce>(op, panel, row);
  }
  run_tile<kRows, 1>(op, panel, row);
}

// Runs `op` on every panel and every tile of rows: panels outside, so that one stays in the L1
// cache; tiles of nearly equal height, because a low one keeps too few sums in flight. Where all
// tiles are low, several panels make up for it.
template <class Op>
WEFT_INLINE void run_tiles(const Op& op, int64_t panels, int64_t rows) {
  constexpr int kMost = kMaxRows[Op::kVectors];
  const int64_t tiles = (rows + kMost - 1) / kMost;
  if (tiles == 0) return;
  const int64_t low = rows / tiles, higher = rows % tiles;
  const int64_t at_once = rows <= kLowTile ? kPanelsAtOnce : 1;
  for (int64_t panel = 0; panel < panels;) {
    const int64_t n_panels = panels - panel >= at_once ? at_once : 1;
    int64_t row = 0;
    for (int64_t i = 0; i < tiles; ++i) {
      const int64_t n = low + (i < higher ? 1 : 0);
      run_tile_of<kMost>(op, panel, row, n, n_panels);
      row += n;
    }
    panel += n_panels;
  }
}

template <int kVectorsPerPanel>
struct ProductOp {
  static constexpr int kVectors = kVectorsPerPanel, kWidth = kVectors * kLanes;
  const Product& p;

  WEFT_INLINE int64_t depth() const { return p.depth; }
  WEFT_INLINE const float* a(int64_t row) const { return p.a + row * p.lda; }
  WEFT_INLINE int64_t lda() const { return p.lda; }
  WEFT_INLINE const float* b(int64_t panel) const { return p.b + panel * p.depth * kWidth; }

  template <int kRows>
  WEFT_INLINE void start(Tile<kRows, kVectors>& tile, int64_t panel, int64_t row) const {
    load_rows(tile, p.start + row * p.ld_start + panel * kWidth, p.ld_start);
  }
  template <int kRows>
  WEFT_INLINE void finish(Tile<kRows, kVectors>& tile, int64_t panel, int64_t row) const {
    float* out = p.out + row * p.ld_out + panel * kWidth;
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) store(out + r * p.ld_out + v * kLanes, tile.sums[r][v]);
    }
  }
};

// What all steps share: the product of the previous state with panels of u.
template <int kVectorsPerPanel>
struct StepOp {
  static constexpr int kVectors = kVectorsPerPanel, kWidth = kVectors * kLanes;
  const CellStep& s;

  WEFT_INLINE int64_t depth() const { return s.depth; }
  WEFT_INLINE const float* a(int64_t row) const { return s.h + row * s.ld; }
  WEFT_INLINE int64_t lda() const { return s.ld; }
  WEFT_INLINE const float* b(int64_t panel) const { return s.u + panel * s.depth * kWidth; }
  WEFT_INLINE const float* p(int64_t panel, int64_t row) const {
    return s.p + row * s.ld_p + panel * kWidth;
  }
};

// sigmoid(x) = 1 / sigmoid_divisor(x)
WEFT_INLINE Vec sigmoid_divisor(Vec x) { return set(1.f) + exp_of_minus(x); }

struct Tanh {
  static WEFT_INLINE Vec apply(Vec x) {
    const Fraction f = tanh_fraction(x);
    return f.n / f.d;
  }
};
struct Relu {
  static WEFT_INLINE Vec apply(Vec x) { return max(zero(), x); }
};

template <class Activation, int kVectorsPerPanel>
struct SimpleOp : StepOp<kVectorsPerPanel> {
  using Base = StepOp<kVectorsPerPanel>;
  using Base::kVectors, Base::kWidth, Base::s;

  template <int kRows>
  WEFT_INLINE void start(Tile<kRows, kVectors>& tile, int64_t panel, int64_t row) const {
    load_rows(tile, Base::p(panel, row), s.ld_p);
  }
  template <int kRows>
  WEFT_INLINE void finish(Tile<kRows, kVectors>& tile, int64_t panel, int64_t row) const {
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

// h' = z h + (1 - z) n = (h + e n) / (1 + e) for z = 1 / (1 + e): where z is 1, h stays as it is.
WEFT_INLINE Vec blend(Vec z, Fraction n, Vec h) {
  const Vec e = exp_of_minus(z);
  return fmadd(e, n.n / n.d, h) / (set(1.f) + e);
}

struct GruAfterOp : StepOp<3> {
  template <int kRows>
  WEFT_INLINE void start(Tile<kRows, 3>& tile, int64_t panel, int64_t row) const {
    const float* from = p(panel, row);
    const Vec bias = load(s.recurrent_bias + panel * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      tile.sums[r][0] = load(from + r * s.ld_p);
      tile.sums[r][1] = load(from + r * s.ld_p + kLanes);
      tile.sums[r][2] = bias;
    }
  }
  template <int kRows>
  WEFT_INLINE void finish(Tile<kRows, 3>& tile, int64_t panel, int64_t row) const {
    const float* from = p(panel, row) + 2 * kLanes;
    const int64_t at = row * s.ld + panel * kLanes;
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const Vec reset = sigmoid_divisor(tile.sums[r][1]);
      const Vec input = load(from + r * s.ld_p);
      const Fraction n = tanh_fraction(tile.sums[r][2] / reset + input);
      const Vec h = load(s.h + at + r * s.ld);
      store(s.h_next + at + r * s.ld, blend(tile.sums[r][0], n, h));
    }
  }
};

struct GruGatesOp : StepOp<2> {
  template <int kRows>
  WEFT_INLINE void start(Tile<kRows, 2>& tile, int64_t panel, int64_t row) const {
    load_rows(tile, s.p + row * s.ld_p + panel * 3 * kLanes, s.ld_p);
  }
  template <int kRows>
  WEFT_INLINE void finish(Tile<kRows, 2>& tile, int64_t panel, int64_t row) const {
    const int64_t at = row * s.ld + panel * kLanes;
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const Vec reset = sigmoid_divisor(tile.sums[r][1]);
      store(s.rh + at + r * s.ld, load(s.h + at + r * s.ld) / reset);
      store(s.z + at + r * s.ld, tile.sums[r][0]);
    }
  }
};

struct GruCandidateOp : StepOp<1> {
  WEFT_INLINE const float* a(int64_t row) const { return s.rh + row * s.ld; }
  WEFT_INLINE const float* b(int64_t panel) const {
    return s.u_candidate + panel * s.depth * kLanes;
  }

  template <int kRows>
  WEFT_INLINE void start(Tile<kRows, 1>& tile, int64_t panel, int64_t row) const {
    load_rows(tile, s.p + row * s.ld_p + (panel * 3 + 2) * kLanes, s.ld_p);
  }
  template <int kRows>
  WEFT_INLINE void finish(Tile<kRows, 1>& tile, int64_t panel, int64_t row) const {
    const int64_t at = row * s.ld + panel * kLanes;
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const Vec z = load(s.z + at + r * s.ld);
      const Vec h = load(s.h + at + r * s.ld);
      store(s.h_next + at + r * s.ld, blend(z, tanh_fraction(tile.sums[r][0]), h));
    }
  }
};

struct LstmOp : StepOp<4> {
  template <int kRows>
  WEFT_INLINE void start(Tile<kRows, 4>& tile, int64_t panel, int64_t row) const {
    load_rows(tile, p(panel, row), s.ld_p);
  }
  template <int kRows>
  WEFT_INLINE void finish(Tile<kRows, 4>& tile, int64_t panel, int64_t row) const {
    const int64_t at = row * s.ld + panel * kLanes;
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const Vec i = sigmoid_divisor(tile.sums[r][0]), f = sigmoid_divisor(tile.sums[r][1]);
      const Fraction g = tanh_fraction(tile.sums[r][2]);
      float* c = s.c + at + r * s.ld;
      // f c + i g: a division of its own for f c, so that c stays as it is where f is 1.
      const Vec next = load(c) / f + g.n / (g.d * i);
      store(c, next);
      const Fraction t = tanh_fraction(next);
      store(s.h_next + at + r * s.ld, t.n / (t.d * sigmoid_divisor(tile.sums[r][3])));
    }
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

template <class Activation>
void simple(const CellStep& s) noexcept {
  switch (s.vectors) {
    case 1:
      return run_tiles(SimpleOp<Activation, 1>{{s}}, s.panels, s.rows);
    case 2:
      return run_tiles(SimpleOp<Activation, 2>{{s}}, s.panels, s.rows);
    case 3:
      return run_tiles(SimpleOp<Activation, 3>{{s}}, s.panels, s.rows);
    default:
      return run_tiles(SimpleOp<Activation, 4>{{s}}, s.panels, s.rows);
  }
}

void gru_after(const CellStep& s) noexcept { run_tiles(GruAfterOp{{s}}, s.panels, s.rows); }

void gru_before(const CellStep& s) noexcept {
  run_tiles(GruGatesOp{{s}}, s.panels, s.rows);
  run_tiles(GruCandidateOp{{s}}, s.panels, s.rows);
}

void lstm(const CellStep& s) noexcept { run_tiles(LstmOp{{s}}, s.panels, s.rows); }

}  // namespace

extern const RnnKernel rnn_kernel = {
    kLanes, product, simple<Tanh>, simple<Relu>, gru_after, gru_before, lstm,
};

}  // namespace weft::WEFT_ISA
