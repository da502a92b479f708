// Float32 cells with the usual activations: each step is one kernel, from the product with the
// state to the new state, without a gate leaving its register.
#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "base/cpu.h"
#include "base/matrix.h"
#include "rnn/plan.h"
#include "rnn/rnn_kernel.h"

namespace weft {
namespace {

class FusedPlan final : public CellPlan<float> {
 public:
  FusedPlan(const CellData& cell, std::span<const base::Operand<float>> inputs, bool backward)
      : kernel_(WEFT_KERNEL(rnn_kernel)),
        lanes_(base::padded<float>(1)),
        kind_(cell.kind),
        relu_(cell.activation == Activation::kRelu),
        reset_after_(cell.reset_after) {
    units_ = cell.units;
    ld_ = base::padded<float>(units_);
    has_c_ = kind_ == CellKind::kLstm;
    splits_gates_ = kind_ == CellKind::kGru && reset_after_;
    has_left_ = kind_ == CellKind::kGru && !reset_after_;
    if (has_left_) scratch_per_row_ = 2 * ld_;
    if (splits_gates_) kept_per_row_ = ld_;
    const int64_t unit_vectors = ld_ / lanes_;
    vectors_ = kind_ == CellKind::kSimple ? base::panel_vectors(unit_vectors)
                                          : static_cast<int>(cell.gates());
    panels_ = kind_ == CellKind::kSimple ? unit_vectors / vectors_ : unit_vectors;
    layout_ = layout(0, vectors_);
    pack(cell, inputs);
    if (backward) pack_transposed(cell);
  }

  void project(int64_t rows, const InputSets<float>& inputs, float* p) const override {
    w_.multiply(rows, inputs[0], bias_.get(), 0, p, ld_p());
  }

  void step(const StepArguments<float>& s) const override {
    const CellStep step = {.rows = s.rows,
                           .depth = units_,
                           .h = s.h,
                           .h_next = s.h_next,
                           .c = s.c,
                           .c_next = s.c_next,
                           .ld = ld_,
                           .p = s.p,
                           .ld_p = ld_p(),
                           .u = u_.get(),
                           .panels = panels_,
                           .vectors = vectors_,
                           .recurrent_bias = candidate_bias_.data(),
                           .u_candidate = u_candidate_.get(),
                           .z = s.scratch,
                           .rh = s.scratch + s.rows * ld_,
                           .keep = s.keep,
                           .q = s.kept};
    switch (kind_) {
      case CellKind::kGru:
        return reset_after_ ? kernel_.gru_after(step) : kernel_.gru_before(step);
      case CellKind::kLstm:
        return kernel_.lstm(step);
      default:
        return relu_ ? kernel_.simple_relu(step) : kernel_.simple_tanh(step);
    }
  }

  void step_backward(const StepGradient<float>& s) const override {
    const float* grad_rh = s.scratch + s.rows * ld_;
    const GateGradient gates = {.rows = s.rows,
                                .vectors = ld_ / lanes_,
                                .gates = s.p,
                                .q = s.kept,
                                .h = s.h,
                                .h_next = s.h_next,
                                .c = s.c,
                                .c_next = s.c_next,
                                .ld = ld_,
                                .ld_p = ld_p(),
                                .grad_h = s.grad_h,
                                .grad_c = s.grad_c,
                                .grad_p = s.grad_p,
                                .grad_u = s.grad_u,
                                .rh = s.left,
                                .grad_n = s.scratch,
                                .grad_rh = grad_rh};
    switch (kind_) {
      case CellKind::kGru:
        if (reset_after_) {
          kernel_.grad_gru_after(gates);
        } else {
          kernel_.grad_gru_candidate(gates);
          u_candidate_transposed_.multiply(s.rows, s.scratch, ld_, zeros_.data(), 0,
                                           s.scratch + s.rows * ld_, ld_);
          kernel_.grad_gru_reset(gates);
        }
        return u_transposed_.multiply(s.rows, s.grad_u, ld_p(), s.grad_h, ld_, s.grad_h, ld_);
      case CellKind::kLstm:
        kernel_.grad_lstm(gates);
        break;
      default:
        relu_ ? kernel_.grad_simple_relu(gates) : kernel_.grad_simple_tanh(gates);
    }
    u_transposed_.multiply(s.rows, s.grad_u, ld_p(), zeros_.data(), 0, s.grad_h, ld_);
  }

 private:
  // Columns of gates first_gate, first_gate + 1, ... of [gates * units]: one vector of units and
  // all these gates to a panel (SimpleRNN: several vectors of units).
  base::PanelLayout layout(int first_gate, int vectors) const {
    base::PanelLayout made{.vectors = vectors, .sources = {}};
    made.sources.reserve(static_cast<size_t>(panels_ * vectors));
    for (int64_t p = 0; p < panels_; ++p) {
      for (int v = 0; v < vectors; ++v) {
        const bool simple = kind_ == CellKind::kSimple;
        const int64_t unit = (simple ? p * vectors + v : p) * lanes_;
        const int64_t gate = simple ? 0 : first_gate + v;
        made.sources.push_back({gate * units_ + unit, units_ - unit});
      }
    }
    return made;
  }

  void pack(const CellData& cell, std::span<const base::Operand<float>> inputs) {
    const int64_t width = cell.gates() * units_;
    const float* u = cell.recurrent_kernel().values<float>().data();
    std::vector<float> bias(static_cast<size_t>(width), 0);
    candidate_bias_.assign(static_cast<size_t>(ld_), 0);
    if (cell.use_bias) {
      const std::span<const float> given = cell.bias()->values<float>();
      std::copy_n(given.begin(), width, bias.begin());
      if (kind_ == CellKind::kGru && reset_after_) {
        const float* recurrent = given.data() + width;
        for (int64_t i = 0; i < 2 * units_; ++i) bias[static_cast<size_t>(i)] += recurrent[i];
        std::copy_n(recurrent + 2 * units_, units_, candidate_bias_.begin());
      }
    }
    bias_ = base::pack_panels(bias.data(), 1, width, layout_);
    if (kind_ == CellKind::kGru && !reset_after_) {
      u_ = base::pack_panels(u, units_, width, layout(0, 2));
      u_candidate_ = base::pack_panels(u, units_, width, layout(2, 1));
    } else {
      u_ = base::pack_panels(u, units_, width, layout_);
    }
    w_ = {cell.kernel().values<float>().data(), width, layout_, inputs};
  }

  void pack_transposed(const CellData& cell) {
    const int64_t width = cell.gates() * units_;
    const base::PanelLayout row = base::grouped_layout<float>(1, units_);
    const auto pack = [&](const base::PanelLayout& from) {
      const auto u =
          base::transposed(cell.recurrent_kernel().values<float>().data(), units_, width, from);
      return base::Matrix<float>(u.get(), base::width_of<float>(from), units_, row);
    };
    zeros_.assign(static_cast<size_t>(ld_), 0);
    base::PanelLayout gates = layout_;
    if (has_left_) {
      u_candidate_transposed_ = pack(layout(2, 1));
      for (size_t i = 2; i < gates.sources.size(); i += 3) gates.sources[i].count = 0;
    }
    u_transposed_ = pack(gates);
  }

  const RnnKernel& kernel_;
  const int64_t lanes_;
  const CellKind kind_;
  const bool relu_, reset_after_;
  int vectors_ = 1;
  int64_t panels_ = 0;
  base::SplitMatrix<float> w_;
  std::shared_ptr<const float> u_, u_candidate_, bias_;
  std::vector<float> candidate_bias_;
  base::Matrix<float> u_transposed_, u_candidate_transposed_;  // for training
  std::vector<float> zeros_;
};

}  // namespace

std::unique_ptr<CellPlan<float>> make_fused_plan(const CellData& cell,
                                                 std::span<const base::Operand<float>> inputs,
                                                 bool backward) {
  const bool tanh = cell.activation == Activation::kTanh;
  const bool known = cell.kind == CellKind::kSimple
                         ? tanh || cell.activation == Activation::kRelu
                         : tanh && cell.recurrent_activation == Activation::kSigmoid;
  return known ? std::make_unique<FusedPlan>(cell, inputs, backward) : nullptr;
}

}  // namespace weft
