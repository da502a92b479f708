// Any activation, float32 and float64: products first, then the gates as arrays, one after another.
// A step that is kept leaves the gates' sums in `p`, their activations [rows][ld_p] in `kept` and,
// for a GRU with reset_after, what r multiplies, [rows][ld], behind those.
#include <algorithm>
#include <type_traits>
#include <vector>

#include "rnn/plan.h"

namespace weft {
namespace {

template <class T>
class PlainPlan final : public CellPlan<T> {
 public:
  PlainPlan(const CellData& cell, std::span<const base::Operand<T>> inputs, bool training)
      : kind_(cell.kind),
        reset_after_(cell.reset_after),
        activation_(cell.activation),
        recurrent_activation_(cell.recurrent_activation) {
    const int64_t gates = cell.gates(), h = cell.units, width = gates * h;
    const T* u = cell.recurrent_kernel().template values<T>().data();
    this->units_ = h;
    this->ld_ = base::padded<T>(h);
    this->layout_ = base::grouped_layout<T>(gates, h);
    this->has_c_ = kind_ == CellKind::kLstm;
    this->splits_gates_ = kind_ == CellKind::kGru && reset_after_;
    this->has_left_ = kind_ == CellKind::kGru && !reset_after_;
    this->scratch_per_row_ = this->ld_p() + 2 * this->ld_;
    this->kept_per_row_ = this->ld_p() + (this->splits_gates_ ? this->ld_ : 0);
    w_ = base::SplitMatrix<T>(cell.kernel().template values<T>().data(), width, this->layout_,
                              inputs);
    if (kind_ == CellKind::kGru && !reset_after_) {
      u_ = base::Matrix<T>(u, h, width, base::grouped_layout<T>(2, h));
      u_candidate_ = base::Matrix<T>(u + 2 * h, h, width, base::grouped_layout<T>(1, h));
    } else {
      u_ = base::Matrix<T>(u, h, width, this->layout_);
    }
    bias_ = padded_bias(cell, 0);
    if (kind_ == CellKind::kGru && reset_after_) recurrent_bias_ = padded_bias(cell, 1);
    if (training) pack_transposed(u, gates, width);
  }

  void project(int64_t rows, std::span<const base::Operand<T>> inputs, T* p) const override {
    w_.multiply(rows, inputs, bias_.data(), 0, p, this->ld_p());
  }

  void step(const StepArguments<T>& s) const override {
    switch (kind_) {
      case CellKind::kGru:
        return reset_after_ ? gru_after(s) : gru_before(s);
      case CellKind::kLstm:
        return lstm(s);
      default:
        return simple(s);
    }
  }

  void step_backward(const StepGradient<T>& s) const override {
    const int64_t ld = this->ld_, ld_p = this->ld_p();
    std::fill_n(s.grad_p, s.rows * ld_p, T(0));
    switch (kind_) {
      case CellKind::kGru:
        reset_after_ ? gru_after_backward(s) : gru_before_backward(s);
        return u_transposed_.multiply(s.rows, s.grad_u, ld_p, s.grad_h, ld, s.grad_h, ld);
      case CellKind::kLstm:
        lstm_backward(s);
        break;
      default:
        simple_backward(s);
    }
    u_transposed_.multiply(s.rows, s.grad_u, ld_p, zeros_.data(), 0, s.grad_h, ld);
  }

 private:
  std::vector<T> padded_bias(const CellData& cell, int64_t row) const {
    std::vector<T> bias(static_cast<size_t>(this->ld_p()), 0);
    if (!cell.use_bias) return bias;
    const T* from = cell.bias()->template values<T>().data() + row * cell.gates() * cell.units;
    for (int64_t gate = 0; gate < cell.gates(); ++gate) {
      std::copy_n(from + gate * cell.units, cell.units, bias.begin() + gate * this->ld_);
    }
    return bias;
  }

  void pack_transposed(const T* u, int64_t gates, int64_t width) {
    const int64_t h = this->units_;
    const base::PanelLayout row = base::grouped_layout<T>(1, h);
    const auto pack = [&](base::Matrix<T>& to, int64_t first, int64_t count) {
      const base::PanelLayout from = base::grouped_layout<T>(count, h);
      memory_.push_back(base::transposed(u + first * h, h, width, from));
      to = base::Matrix<T>(memory_.back().get(), base::width_of<T>(from), h, row);
    };
    if (this->has_left_) pack(u_candidate_transposed_, 2, 1);
    pack(u_transposed_, 0, this->has_left_ ? 2 : gates);
    zeros_.assign(static_cast<size_t>(this->ld_), 0);
  }

  // Where the gates' activations of a step go.
  T* gates_of(const StepArguments<T>& s) const { return s.keep ? s.kept : s.scratch; }

  // Gate number `gate` of all rows of z, in place.
  void activate_gate(Activation activation, const StepArguments<T>& s, T* z, int64_t gate) const {
    const int64_t ld_p = this->ld_p(), at = gate * this->ld_;
    for (int64_t r = 0; r < s.rows && s.keep; ++r)
      std::copy_n(z + r * ld_p + at, this->units_, s.p + r * ld_p + at);
    activate(activation, z + at, s.rows, this->units_, ld_p);
  }

  // f(j of p and z, j of h) over all units of the gate that begins at `at` in a row.
  template <class F>
  void each_unit(int64_t rows, const F& f) const {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t j = 0; j < this->units_; ++j) f(r * this->ld_p() + j, r * this->ld_ + j);
    }
  }

  void simple(const StepArguments<T>& s) const {
    T* z = gates_of(s);
    u_.multiply(s.rows, s.h, this->ld_, s.p, this->ld_p(), z, this->ld_p());
    activate_gate(activation_, s, z, 0);
    each_unit(s.rows, [&](int64_t i, int64_t j) { s.h_next[j] = z[i]; });
  }

  void gru_after(const StepArguments<T>& s) const {
    const int64_t ld = this->ld_, ld_p = this->ld_p();
    T* z = gates_of(s);
    u_.multiply(s.rows, s.h, ld, recurrent_bias_.data(), 0, z, ld_p);
    each_unit(s.rows, [&](int64_t i, int64_t) {
      z[i] += s.p[i];
      z[i + ld] += s.p[i + ld];
    });
    activate_gate(recurrent_activation_, s, z, 0);
    activate_gate(recurrent_activation_, s, z, 1);
    T* const q = s.keep ? s.kept + s.rows * ld_p : nullptr;
    each_unit(s.rows, [&](int64_t i, int64_t j) {
      if (q != nullptr) q[j] = z[i + 2 * ld];
      z[i + 2 * ld] = s.p[i + 2 * ld] + z[i + ld] * z[i + 2 * ld];
    });
    activate_gate(activation_, s, z, 2);
    blend(s, z);
  }

  void gru_before(const StepArguments<T>& s) const {
    const int64_t ld = this->ld_, ld_p = this->ld_p();
    T *z = gates_of(s), *rh = s.scratch + s.rows * ld_p;
    u_.multiply(s.rows, s.h, ld, s.p, ld_p, z, ld_p);
    activate_gate(recurrent_activation_, s, z, 0);
    activate_gate(recurrent_activation_, s, z, 1);
    each_unit(s.rows, [&](int64_t i, int64_t j) { rh[j] = z[i + ld] * s.h[j]; });
    u_candidate_.multiply(s.rows, rh, ld, s.p + 2 * ld, ld_p, z + 2 * ld, ld_p);
    activate_gate(activation_, s, z, 2);
    blend(s, z);
  }

  // h' = z h + (1 - z) n
  void blend(const StepArguments<T>& s, const T* z) const {
    const int64_t n = 2 * this->ld_;
    each_unit(s.rows,
              [&](int64_t i, int64_t j) { s.h_next[j] = z[i] * s.h[j] + (1 - z[i]) * z[i + n]; });
  }

  void lstm(const StepArguments<T>& s) const {
    const int64_t ld = this->ld_, ld_p = this->ld_p();
    T* z = gates_of(s);
    u_.multiply(s.rows, s.h, ld, s.p, ld_p, z, ld_p);
    for (int64_t gate : {0, 1, 3}) activate_gate(recurrent_activation_, s, z, gate);
    activate_gate(activation_, s, z, 2);
    each_unit(s.rows, [&](int64_t i, int64_t j) {
      s.h_next[j] = s.c_next[j] = z[i + ld] * s.c[j] + z[i] * z[i + 2 * ld];
    });
    activate(activation_, s.h_next, s.rows, this->units_, ld);
    each_unit(s.rows, [&](int64_t i, int64_t j) { s.h_next[j] *= z[i + 3 * ld]; });
  }

  // The gradient of a gate's activations, in grad_p, becomes that of its sums.
  void gate_backward(Activation activation, const StepGradient<T>& s, int64_t gate) const {
    const int64_t at = gate * this->ld_;
    activate_backward(activation, s.p + at, s.kept + at, s.grad_p + at, s.rows, this->units_,
                      this->ld_p());
  }

  void simple_backward(const StepGradient<T>& s) const {
    each_unit(s.rows, [&](int64_t i, int64_t j) { s.grad_p[i] = s.grad_h[j]; });
    gate_backward(activation_, s, 0);
  }

  void blend_backward(const StepGradient<T>& s) const {
    const T* z = s.kept;
    const int64_t n = 2 * this->ld_;
    each_unit(s.rows, [&](int64_t i, int64_t j) {
      s.grad_p[i] = s.grad_h[j] * (s.h[j] - z[i + n]);
      s.grad_p[i + n] = s.grad_h[j] * (1 - z[i]);
      s.grad_h[j] *= z[i];
    });
    gate_backward(recurrent_activation_, s, 0);
    gate_backward(activation_, s, 2);
  }

  void gru_after_backward(const StepGradient<T>& s) const {
    const int64_t r = this->ld_, n = 2 * r;
    const T *z = s.kept, *q = s.kept + s.rows * this->ld_p();
    blend_backward(s);
    each_unit(s.rows, [&](int64_t i, int64_t j) { s.grad_p[i + r] = s.grad_p[i + n] * q[j]; });
    gate_backward(recurrent_activation_, s, 1);
    std::copy_n(s.grad_p, s.rows * this->ld_p(), s.grad_u);
    each_unit(s.rows, [&](int64_t i, int64_t) { s.grad_u[i + n] *= z[i + r]; });
  }

  void gru_before_backward(const StepGradient<T>& s) const {
    const int64_t ld = this->ld_, ld_p = this->ld_p();
    const T* z = s.kept;
    T* const grad_rh = s.scratch;
    blend_backward(s);
    u_candidate_transposed_.multiply(s.rows, s.grad_p + 2 * ld, ld_p, zeros_.data(), 0, grad_rh,
                                     ld);
    each_unit(s.rows, [&](int64_t i, int64_t j) {
      s.left[j] = z[i + ld] * s.h[j];
      s.grad_p[i + ld] = grad_rh[j] * s.h[j];
      s.grad_h[j] += grad_rh[j] * z[i + ld];
    });
    gate_backward(recurrent_activation_, s, 1);
  }

  void lstm_backward(const StepGradient<T>& s) const {
    const int64_t ld = this->ld_;
    const T* z = s.kept;
    T *const t = s.scratch, *const grad_t = t + s.rows * ld;
    std::copy_n(s.c_next, s.rows * ld, t);
    activate(activation_, t, s.rows, this->units_, ld);
    each_unit(s.rows, [&](int64_t i, int64_t j) {
      s.grad_p[i + 3 * ld] = s.grad_h[j] * t[j];
      grad_t[j] = s.grad_h[j] * z[i + 3 * ld];
    });
    activate_backward(activation_, s.c_next, t, grad_t, s.rows, this->units_, ld);
    each_unit(s.rows, [&](int64_t i, int64_t j) {
      const T grad_c = s.grad_c[j] + grad_t[j];
      s.grad_p[i] = grad_c * z[i + 2 * ld];
      s.grad_p[i + ld] = grad_c * s.c[j];
      s.grad_p[i + 2 * ld] = grad_c * z[i];
      s.grad_c[j] = grad_c * z[i + ld];
    });
    for (int64_t gate : {0, 1, 3}) gate_backward(recurrent_activation_, s, gate);
    gate_backward(activation_, s, 2);
  }

  const CellKind kind_;
  const bool reset_after_;
  const Activation activation_, recurrent_activation_;
  base::SplitMatrix<T> w_;
  base::Matrix<T> u_, u_candidate_;
  std::vector<T> bias_, recurrent_bias_;
  base::Matrix<T> u_transposed_, u_candidate_transposed_;  // for training
  std::vector<std::shared_ptr<const T>> memory_;           // of the transposed ones
  std::vector<T> zeros_;
};

}  // namespace

template <class T>
std::unique_ptr<CellPlan<T>> make_plan(const CellData& cell,
                                       std::span<const base::Operand<T>> inputs, bool training) {
  if constexpr (std::is_same_v<T, float>) {
    if (auto fused = make_fused_plan(cell, inputs, training)) return fused;
  }
  return std::make_unique<PlainPlan<T>>(cell, inputs, training);
}

template std::unique_ptr<CellPlan<float>> make_plan(const CellData&,
                                                    std::span<const base::Operand<float>>, bool);
template std::unique_ptr<CellPlan<double>> make_plan(const CellData&,
                                                     std::span<const base::Operand<double>>, bool);

}  // namespace weft
