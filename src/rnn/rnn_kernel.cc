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
  WEFT_INLINE Operands operands(int64_t panel, int64_t row) const {
    return product_of(s.h + row * s.ld, s.u, panel);
  }
  WEFT_INLINE Operands product_of(const float* a, const float* u, int64_t panel) const {
    const int64_t panel_size = s.depth * kWidth;
    return {.a = a,
            .b = u + panel * panel_size,
            .a_row = s.ld,
            .a_step = 1,
            .b_step = kWidth,
            .b_panel = panel_size};
  }
  WEFT_INLINE float* p(int64_t panel, int64_t row) const {
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
struct Blend {
  Vec e, n, h;
  WEFT_INLINE Blend(Vec z, Fraction candidate, Vec state)
      : e(exp_of_minus(z)), n(candidate.n / candidate.d), h(state) {}
  WEFT_INLINE Vec next() const { return fmadd(e, n, h) / (set(1.f) + e); }
  WEFT_INLINE Vec z() const { return set(1.f) / (set(1.f) + e); }
};

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
    float* gates = p(panel, row);
    const int64_t at = row * s.ld + panel * kLanes;
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r, gates += s.ld_p) {
      const Vec reset = sigmoid_divisor(tile.sums[r][1]);
      const Vec input = load(gates + 2 * kLanes);
      const Fraction n = tanh_fraction(tile.sums[r][2] / reset + input);
      const Blend blend(tile.sums[r][0], n, load(s.h + at + r * s.ld));
      store(s.h_next + at + r * s.ld, blend.next());
      if (!s.keep) continue;
      store(gates, blend.z());
      store(gates + kLanes, set(1.f) / reset);
      store(gates + 2 * kLanes, blend.n);
      store(s.q + at + r * s.ld, tile.sums[r][2]);
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
    float* gates = s.p + row * s.ld_p + panel * 3 * kLanes;
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r, gates += s.ld_p) {
      const Vec reset = sigmoid_divisor(tile.sums[r][1]);
      store(s.rh + at + r * s.ld, load(s.h + at + r * s.ld) / reset);
      store(s.z + at + r * s.ld, tile.sums[r][0]);
      if (s.keep) store(gates + kLanes, set(1.f) / reset);
    }
  }
};

struct GruCandidateOp : StepOp<1> {
  WEFT_INLINE Operands operands(int64_t panel, int64_t row) const {
    return product_of(s.rh + row * s.ld, s.u_candidate, panel);
  }

  template <int kRows>
  WEFT_INLINE void start(Tile<kRows, 1>& tile, int64_t panel, int64_t row) const {
    load_rows(tile, s.p + row * s.ld_p + (panel * 3 + 2) * kLanes, s.ld_p);
  }
  template <int kRows>
  WEFT_INLINE void finish(Tile<kRows, 1>& tile, int64_t panel, int64_t row) const {
    const int64_t at = row * s.ld + panel * kLanes;
    float* gates = s.p + row * s.ld_p + panel * 3 * kLanes;
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r, gates += s.ld_p) {
      const Blend blend(load(s.z + at + r * s.ld), tanh_fraction(tile.sums[r][0]),
                        load(s.h + at + r * s.ld));
      store(s.h_next + at + r * s.ld, blend.next());
      if (!s.keep) continue;
      store(gates, blend.z());
      store(gates + 2 * kLanes, blend.n);
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
    int64_t at = row * s.ld + panel * kLanes;
    float* gates = p(panel, row);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r, at += s.ld, gates += s.ld_p) {
      const Vec i = sigmoid_divisor(tile.sums[r][0]), f = sigmoid_divisor(tile.sums[r][1]);
      const Fraction g = tanh_fraction(tile.sums[r][2]);
      // f c + i g: a division of its own for f c, so that c stays as it is where f is 1.
      const Vec next = load(s.c + at) / f + g.n / (g.d * i);
      store(s.c_next + at, next);
      const Fraction t = tanh_fraction(next);
      const Vec o = sigmoid_divisor(tile.sums[r][3]);
      store(s.h_next + at, t.n / (t.d * o));
      if (!s.keep) continue;
      store(gates, set(1.f) / i);
      store(gates + kLanes, set(1.f) / f);
      store(gates + 2 * kLanes, g.n / g.d);
      store(gates + 3 * kLanes, set(1.f) / o);
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

// --- backwards ----------------------------------------------------------------------------------

// f(row, vector, at, gates): `at` is where the vector of units stands in rows of ld, `gates` where
// its first gate does in rows of ld_p.
template <int kGates, class F>
WEFT_INLINE void each_vector(const GateGradient& s, const F& f) {
  for (int64_t row = 0; row < s.rows; ++row) {
    int64_t at = row * s.ld, gates = row * s.ld_p;
    for (int64_t v = 0; v < s.vectors; ++v, at += kLanes, gates += kGates * kLanes) f(at, gates);
  }
}

WEFT_INLINE Vec sigmoid_slope(Vec y) { return fnmadd(y, y, y); }
WEFT_INLINE Vec tanh_slope(Vec y) { return fnmadd(y, y, set(1.f)); }

void grad_simple_tanh(const GateGradient& s) noexcept {
  each_vector<1>(s, [&](int64_t at, int64_t gates) {
    store(s.grad_p + gates, load(s.grad_h + at) * tanh_slope(load(s.h_next + at)));
  });
}

void grad_simple_relu(const GateGradient& s) noexcept {
  each_vector<1>(s, [&](int64_t at, int64_t gates) {
    const Vec h = load(s.h_next + at), grad = load(s.grad_h + at);
    store(s.grad_p + gates, h > zero() ? grad : zero());
  });
}

// Of h' = z h + (1 - z) n: the gradients of z's and n's sums, and h's without them.
struct BlendGradient {
  Vec z, n, h;
};
WEFT_INLINE BlendGradient grad_blend(const GateGradient& s, int64_t at, int64_t gates) {
  const Vec z = load(s.gates + gates), n = load(s.gates + gates + 2 * kLanes);
  const Vec h = load(s.h + at), grad = load(s.grad_h + at);
  return {grad * (h - n) * sigmoid_slope(z), grad * (set(1.f) - z) * tanh_slope(n), grad * z};
}

void grad_gru_after(const GateGradient& s) noexcept {
  each_vector<3>(s, [&](int64_t at, int64_t gates) {
    const BlendGradient grad = grad_blend(s, at, gates);
    const Vec reset = load(s.gates + gates + kLanes);
    const Vec grad_reset = grad.n * load(s.q + at) * sigmoid_slope(reset);
    store(s.grad_p + gates, grad.z);
    store(s.grad_p + gates + kLanes, grad_reset);
    store(s.grad_p + gates + 2 * kLanes, grad.n);
    store(s.grad_u + gates, grad.z);
    store(s.grad_u + gates + kLanes, grad_reset);
    store(s.grad_u + gates + 2 * kLanes, grad.n * reset);
    store(s.grad_h + at, grad.h);
  });
}

void grad_gru_candidate(const GateGradient& s) noexcept {
  each_vector<3>(s, [&](int64_t at, int64_t gates) {
    const BlendGradient grad = grad_blend(s, at, gates);
    store(s.grad_p + gates, grad.z);
    store(s.grad_p + gates + 2 * kLanes, grad.n);
    store(s.grad_n + at, grad.n);
    store(s.rh + at, load(s.gates + gates + kLanes) * load(s.h + at));
    store(s.grad_h + at, grad.h);
  });
}

void grad_gru_reset(const GateGradient& s) noexcept {
  each_vector<3>(s, [&](int64_t at, int64_t gates) {
    const Vec reset = load(s.gates + gates + kLanes), grad = load(s.grad_rh + at);
    store(s.grad_p + gates + kLanes, grad * load(s.h + at) * sigmoid_slope(reset));
    store(s.grad_h + at, fmadd(grad, reset, load(s.grad_h + at)));
  });
}

void grad_lstm(const GateGradient& s) noexcept {
  each_vector<4>(s, [&](int64_t at, int64_t gates) {
    const Vec i = load(s.gates + gates), f = load(s.gates + gates + kLanes);
    const Vec g = load(s.gates + gates + 2 * kLanes), o = load(s.gates + gates + 3 * kLanes);
    const Vec t = tanh(load(s.c_next + at)), grad_h = load(s.grad_h + at);
    const Vec grad_c = fmadd(grad_h * o, tanh_slope(t), load(s.grad_c + at));
    store(s.grad_p + gates, grad_c * g * sigmoid_slope(i));
    store(s.grad_p + gates + kLanes, grad_c * load(s.c + at) * sigmoid_slope(f));
    store(s.grad_p + gates + 2 * kLanes, grad_c * i * tanh_slope(g));
    store(s.grad_p + gates + 3 * kLanes, grad_h * t * sigmoid_slope(o));
    store(s.grad_c + at, grad_c * f);
  });
}

}  // namespace

extern const RnnKernel rnn_kernel = {
    simple<Tanh>,     simple<Relu>,     gru_after,      gru_before,         lstm,
    grad_simple_tanh, grad_simple_relu, grad_gru_after, grad_gru_candidate, grad_gru_reset,
    grad_lstm,
};

}  // namespace weft::WEFT_ISA
