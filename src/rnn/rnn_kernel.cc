#include "rnn/rnn_kernel.h"

#include "base/tile.h"

namespace weft::WEFT_ISA {
namespace {

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
    simple<Tanh>, simple<Relu>, gru_after, gru_before, lstm,
};

}  // namespace weft::WEFT_ISA
