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
  PlainPlan(const CellData& cell, const InputSets<T>& inputs, bool mask_states, bool backward)
      : kind_(cell.kind),
        reset_after_(cell.reset_after),
        activation_(cell.activation),
        recurrent_activation_(cell.recurrent_activation) {
    const int64_t gates = cell.gates(), h = cell.units, width = gates * h;
    const T* u = cell.recurrent_kernel().template values<T>().data();
    this->units_ = h;
    this->ld_ = base::padded<T>(h);
    this->layout_ = base::grouped_layout<T>(gates, h);
    this->gate_layout_ = base::grouped_layout<T>(1, h);
    this->has_c_ = kind_ == CellKind::kLstm;
    this->splits_gates_ = kind_ == CellKind::kGru && reset_after_;
    this->has_left_ = kind_ == CellKind::kGru && !reset_after_;
    this->scratch_per_row_ = this->ld_p() + 2 * this->ld_;
    this->kept_per_row_ = this->ld_p() + (this->splits_gates_ ? this->ld_ : 0);
    const T* w = cell.kernel().template values<T>().data();
    for (const auto& set : inputs) {
      w_.emplace_back(w, width, inputs.size() == 1 ? this->layout_ : this->gate_layout_, set);
      w += h;
    }
    if (this->has_left_) u_candidate_ = base::Matrix<T>(u + 2 * h, h, width, this->gate_layout_);
    // Gates that multiply the state as it is do so together.
    const int64_t with_state = this->has_left_ ? 2 : gates, together = mask_states ? 1 : with_state;
    for (int64_t gate = 0; gate < with_state; gate += together)
      u_.emplace_back(u + gate * h, h, width, base::grouped_layout<T>(together, h));
    bias_ = padded_bias(cell, 0);
    if (kind_ == CellKind::kGru && reset_after_) recurrent_bias_ = padded_bias(cell, 1);
    if (!backward) return;
    if (this->has_left_) u_candidate_transposed_ = transposed(u + 2 * h, 1, width);
    for (int64_t gate = 0; gate < with_state; gate += together)
      u_transposed_.push_back(transposed(u + gate * h, together, width));
    zeros_.assign(static_cast<size_t>(this->ld_), 0);
  }

  void project(int64_t rows, const InputSets<T>& inputs, T* p) const override {
    for (size_t set = 0; set < inputs.size(); ++set) {
      const auto at = static_cast<int64_t>(set) * this->ld_;
      w_[set].multiply(rows, inputs[set], bias_.data() + at, 0, p + at, this->ld_p());
    }
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
    std::fill_n(s.grad_p, s.rows * this->ld_p(), T(0));
    switch (kind_) {
      case CellKind::kGru:
        reset_after_ ? gru_after_backward(s) : gru_before_backward(s);
        return add_state_gradient(s);
      case CellKind::kLstm:
        lstm_backward(s);
        break;
      default:
        simple_backward(s);
    }
    std::fill_n(s.grad_h, s.rows * this->ld_, T(0));
    add_state_gradient(s);
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

  // Of the gates whose columns begin at `u`.
  base::Matrix<T> transposed(const T* u, int64_t gates, int64_t width) {
    const base::PanelLayout from = base::grouped_layout<T>(gates, this->units_);
    memory_.push_back(base::transposed(u, this->units_, width, from));
    return {memory_.back().get(), base::width_of<T>(from), this->units_, this->gate_layout_};
  }

  // z = start + h U of the gates in u_, h times its masks.
  void multiply_state(const StepArguments<T>& s, const T* start, int64_t ld_start, T* z) const {
    const int64_t ld = this->ld_, ld_p = this->ld_p();
    if (s.h_mask == nullptr) return u_[0].multiply(s.rows, s.h, ld, start, ld_start, z, ld_p);
    T* const masked = s.scratch + s.rows * (ld_p + ld);
    for (size_t gate = 0; gate < u_.size(); ++gate) {
      const auto at = static_cast<int64_t>(gate) * ld;
      each_unit(s.rows, [&](int64_t i, int64_t j) { masked[j] = s.h[j] * s.h_mask[i + at]; });
      u_[gate].multiply(s.rows, masked, ld, start + at, ld_start, z + at, ld_p);
    }
  }

  // grad_h += grad_u U^T of the gates in u_, times their masks.
  void add_state_gradient(const StepGradient<T>& s) const {
    const int64_t ld = this->ld_, ld_p = this->ld_p();
    if (s.h_mask == nullptr)
      return u_transposed_[0].multiply(s.rows, s.grad_u, ld_p, s.grad_h, ld, s.grad_h, ld);
    for (size_t gate = 0; gate < u_.size(); ++gate) {
      const auto at = static_cast<int64_t>(gate) * ld;
      u_transposed_[gate].multiply(s.rows, s.grad_u + at, ld_p, zeros_.data(), 0, s.scratch, ld);
      each_unit(s.rows,
                [&](int64_t i, int64_t j) { s.grad_h[j] += s.scratch[j] * s.h_mask[i + at]; });
    }
  }

  // What a mask of the state has for the candidate.
  static T of_candidate(const T* h_mask, int64_t i, int64_t ld) {
    return h_mask == nullptr ? T(1) : h_mask[i + 2 * ld];
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
    multiply_state(s, s.p, this->ld_p(), z);
    activate_gate(activation_, s, z, 0);
    each_unit(s.rows, [&](int64_t i, int64_t j) { s.h_next[j] = z[i]; });
  }

  void gru_after(const StepArguments<T>& s) const {
    const int64_t ld = this->ld_;
    T* z = gates_of(s);
    multiply_state(s, recurrent_bias_.data(), 0, z);
    each_unit(s.rows, [&](int64_t i, int64_t) {
      z[i] += s.p[i];
      z[i + ld] += s.p[i + ld];
    });
    activate_gate(recurrent_activation_, s, z, 0);
    activate_gate(recurrent_activation_, s, z, 1);
    T* const q = s.keep ? s.kept + s.rows * this->ld_p() : nullptr;
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
    multiply_state(s, s.p, ld_p, z);
    activate_gate(recurrent_activation_, s, z, 0);
    activate_gate(recurrent_activation_, s, z, 1);
    each_unit(s.rows, [&](int64_t i, int64_t j) {
      rh[j] = z[i + ld] * s.h[j] * of_candidate(s.h_mask, i, ld);
    });
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
    const int64_t ld = this->ld_;
    T* z = gates_of(s);
    multiply_state(s, s.p, this->ld_p(), z);
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
      const T mask = of_candidate(s.h_mask, i, ld);
      s.left[j] = z[i + ld] * s.h[j] * mask;
      s.grad_p[i + ld] = grad_rh[j] * s.h[j] * mask;
      s.grad_h[j] += grad_rh[j] * z[i + ld] * mask;
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
  std::vector<base::SplitMatrix<T>> w_;  // one, or with masks for each gate one for each
  std::vector<base::Matrix<T>> u_;       // also
  base::Matrix<T> u_candidate_;          // GRU without reset_after
  std::vector<T> bias_, recurrent_bias_;
  std::vector<base::Matrix<T>> u_transposed_;  // these for the way back
  base::Matrix<T> u_candidate_transposed_;
  std::vector<std::shared_ptr<const T>> memory_;  // of the transposed ones
  std::vector<T> zeros_;
};

}  // namespace

template <class T>
std::unique_ptr<CellPlan<T>> make_plan(const CellData& cell, const InputSets<T>& inputs,
                                       bool mask_states, bool backward) {
  if constexpr (std::is_same_v<T, float>) {
    if (inputs.size() == 1 && !mask_states) {
      if (auto fused = make_fused_plan(cell, inputs[0], backward)) return fused;
    }
  }
  return std::make_unique<PlainPlan<T>>(cell, inputs, mask_states, backward);
}

template std::unique_ptr<CellPlan<float>> make_plan(const CellData&, const InputSets<float>&, bool,
                                                    bool);
template std::unique_ptr<CellPlan<double>> make_plan(const CellData&, const InputSets<double>&,
                                                     bool, bool);

}  // namespace weft
