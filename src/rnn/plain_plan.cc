// Any activation, float32 and float64: products first, then the gates as arrays, one after another.
#include <algorithm>
#include <type_traits>
#include <vector>

#include "rnn/plan.h"

namespace weft {
namespace {

template <class T>
class PlainPlan final : public CellPlan<T> {
 public:
  PlainPlan(const CellData& cell, std::span<const base::Operand<T>> inputs)
      : kind_(cell.kind),
        reset_after_(cell.reset_after),
        activation_(cell.activation),
        recurrent_activation_(cell.recurrent_activation) {
    const int64_t gates = cell.gates(), h = cell.units, width = gates * h;
    const T* u = cell.recurrent_kernel().template values<T>().data();
    this->units_ = h;
    this->ld_ = base::padded<T>(h);
    this->ld_p_ = gates * this->ld_;
    this->scratch_per_row_ = this->ld_p_ + this->ld_;
    this->has_c_ = kind_ == CellKind::kLstm;
    w_ = base::SplitMatrix<T>(cell.kernel().template values<T>().data(), width,
                              base::grouped_layout<T>(gates, h), inputs);
    if (kind_ == CellKind::kGru && !reset_after_) {
      u_ = base::Matrix<T>(u, h, width, base::grouped_layout<T>(2, h));
      u_candidate_ = base::Matrix<T>(u + 2 * h, h, width, base::grouped_layout<T>(1, h));
    } else {
      u_ = base::Matrix<T>(u, h, width, base::grouped_layout<T>(gates, h));
    }
    bias_ = padded_bias(cell, 0);
    if (kind_ == CellKind::kGru && reset_after_) recurrent_bias_ = padded_bias(cell, 1);
  }

  void project(int64_t rows, std::span<const base::Operand<T>> inputs, T* p) const override {
    w_.multiply(rows, inputs, bias_.data(), 0, p, this->ld_p_);
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

 private:
  std::vector<T> padded_bias(const CellData& cell, int64_t row) const {
    std::vector<T> bias(static_cast<size_t>(this->ld_p_), 0);
    if (!cell.use_bias) return bias;
    const T* from = cell.bias()->template values<T>().data() + row * cell.gates() * cell.units;
    for (int64_t gate = 0; gate < cell.gates(); ++gate) {
      std::copy_n(from + gate * cell.units, cell.units, bias.begin() + gate * this->ld_);
    }
    return bias;
  }

  // Gate number `gate` of all rows of z, in place.
  void activate_gate(Activation activation, T* z, int64_t rows, int64_t gate) const {
    activate(activation, z + gate * this->ld_, rows, this->units_, this->ld_p_);
  }

  void simple(const StepArguments<T>& s) const {
    T* z = s.scratch;
    u_.multiply(s.rows, s.h, this->ld_, s.p, this->ld_p_, z, this->ld_p_);
    activate_gate(activation_, z, s.rows, 0);
    for (int64_t r = 0; r < s.rows; ++r) {
      std::copy_n(z + r * this->ld_p_, this->units_, s.h_next + r * this->ld_);
    }
  }

  void gru_after(const StepArguments<T>& s) const {
    const int64_t ld = this->ld_, ld_p = this->ld_p_;
    T* z = s.scratch;
    u_.multiply(s.rows, s.h, ld, recurrent_bias_.data(), 0, z, ld_p);
    for (int64_t r = 0; r < s.rows; ++r) {
      for (int64_t j = 0; j < 2 * ld; ++j) z[r * ld_p + j] += s.p[r * ld_p + j];
    }
    activate_gate(recurrent_activation_, z, s.rows, 0);
    activate_gate(recurrent_activation_, z, s.rows, 1);
    for (int64_t r = 0; r < s.rows; ++r) {
      T* row = z + r * ld_p;
      const T* p = s.p + r * ld_p + 2 * ld;
      for (int64_t j = 0; j < this->units_; ++j)
        row[2 * ld + j] = p[j] + row[ld + j] * row[2 * ld + j];
    }
    activate_gate(activation_, z, s.rows, 2);
    blend(s, z);
  }

  void gru_before(const StepArguments<T>& s) const {
    const int64_t ld = this->ld_, ld_p = this->ld_p_;
    T *z = s.scratch, *rh = s.scratch + s.rows * ld_p;
    u_.multiply(s.rows, s.h, ld, s.p, ld_p, z, ld_p);
    activate_gate(recurrent_activation_, z, s.rows, 0);
    activate_gate(recurrent_activation_, z, s.rows, 1);
    for (int64_t r = 0; r < s.rows; ++r) {
      for (int64_t j = 0; j < this->units_; ++j)
        rh[r * ld + j] = z[r * ld_p + ld + j] * s.h[r * ld + j];
    }
    u_candidate_.multiply(s.rows, rh, ld, s.p + 2 * ld, ld_p, z + 2 * ld, ld_p);
    activate_gate(activation_, z, s.rows, 2);
    blend(s, z);
  }

  // h' = z h + (1 - z) n
  void blend(const StepArguments<T>& s, const T* gates) const {
    for (int64_t r = 0; r < s.rows; ++r) {
      const T *z = gates + r * this->ld_p_, *n = z + 2 * this->ld_, *h = s.h + r * this->ld_;
      for (int64_t j = 0; j < this->units_; ++j) {
        s.h_next[r * this->ld_ + j] = z[j] * h[j] + (1 - z[j]) * n[j];
      }
    }
  }

  void lstm(const StepArguments<T>& s) const {
    const int64_t ld = this->ld_, ld_p = this->ld_p_;
    T* z = s.scratch;
    u_.multiply(s.rows, s.h, ld, s.p, ld_p, z, ld_p);
    for (int64_t gate : {0, 1, 3}) activate_gate(recurrent_activation_, z, s.rows, gate);
    activate_gate(activation_, z, s.rows, 2);
    for (int64_t r = 0; r < s.rows; ++r) {
      const T *i = z + r * ld_p, *f = i + ld, *g = f + ld;
      T *c = s.c + r * ld, *h = s.h_next + r * ld;
      for (int64_t j = 0; j < this->units_; ++j) h[j] = c[j] = f[j] * c[j] + i[j] * g[j];
    }
    activate(activation_, s.h_next, s.rows, this->units_, ld);
    for (int64_t r = 0; r < s.rows; ++r) {
      const T* o = z + r * ld_p + 3 * ld;
      for (int64_t j = 0; j < this->units_; ++j) s.h_next[r * ld + j] *= o[j];
    }
  }

  const CellKind kind_;
  const bool reset_after_;
  const Activation activation_, recurrent_activation_;
  base::SplitMatrix<T> w_;
  base::Matrix<T> u_, u_candidate_;
  std::vector<T> bias_, recurrent_bias_;
};

}  // namespace

template <class T>
std::unique_ptr<CellPlan<T>> make_plan(const CellData& cell,
                                       std::span<const base::Operand<T>> inputs) {
  if constexpr (std::is_same_v<T, float>) {
    if (auto fused = make_fused_plan(cell, inputs)) return fused;
  }
  return std::make_unique<PlainPlan<T>>(cell, inputs);
}

template std::unique_ptr<CellPlan<float>> make_plan(const CellData&,
                                                    std::span<const base::Operand<float>>);
template std::unique_ptr<CellPlan<double>> make_plan(const CellData&,
                                                     std::span<const base::Operand<double>>);

}  // namespace weft
