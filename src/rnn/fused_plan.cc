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
  FusedPlan(const CellData& cell, std::span<const base::Operand<float>> inputs)
      : kernel_(WEFT_KERNEL(rnn_kernel)),
        lanes_(base::padded<float>(1)),
        kind_(cell.kind),
        relu_(cell.activation == Activation::kRelu),
        reset_after_(cell.reset_after) {
    units_ = cell.units;
    ld_ = base::padded<float>(units_);
    has_c_ = kind_ == CellKind::kLstm;
    if (kind_ == CellKind::kGru && !reset_after_) scratch_per_row_ = 2 * ld_;
    const int64_t unit_vectors = ld_ / lanes_;
    vectors_ = kind_ == CellKind::kSimple ? base::panel_vectors(unit_vectors)
                                          : static_cast<int>(cell.gates());
    panels_ = kind_ == CellKind::kSimple ? unit_vectors / vectors_ : unit_vectors;
    ld_p_ = panels_ * vectors_ * lanes_;
    pack(cell, inputs);
  }

  void project(int64_t rows, std::span<const base::Operand<float>> inputs,
               float* p) const override {
    w_.multiply(rows, inputs, bias_.get(), 0, p, ld_p_);
  }

  void step(const StepArguments<float>& s) const override {
    const CellStep step = {.rows = s.rows,
                           .depth = units_,
                           .h = s.h,
                           .h_next = s.h_next,
                           .c = s.c,
                           .ld = ld_,
                           .p = s.p,
                           .ld_p = ld_p_,
                           .u = u_.get(),
                           .panels = panels_,
                           .vectors = vectors_,
                           .recurrent_bias = candidate_bias_.data(),
                           .u_candidate = u_candidate_.get(),
                           .z = s.scratch,
                           .rh = s.scratch + s.rows * ld_};
    switch (kind_) {
      case CellKind::kGru:
        return reset_after_ ? kernel_.gru_after(step) : kernel_.gru_before(step);
      case CellKind::kLstm:
        return kernel_.lstm(step);
      default:
        return relu_ ? kernel_.simple_relu(step) : kernel_.simple_tanh(step);
    }
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
    base::PanelLayout all = layout(0, vectors_);
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
    bias_ = base::pack_panels(bias.data(), 1, width, all);
    if (kind_ == CellKind::kGru && !reset_after_) {
      u_ = base::pack_panels(u, units_, width, layout(0, 2));
      u_candidate_ = base::pack_panels(u, units_, width, layout(2, 1));
    } else {
      u_ = base::pack_panels(u, units_, width, all);
    }
    w_ = {cell.kernel().values<float>().data(), width, std::move(all), inputs};
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
};

}  // namespace

std::unique_ptr<CellPlan<float>> make_fused_plan(const CellData& cell,
                                                 std::span<const base::Operand<float>> inputs) {
  const bool tanh = cell.activation == Activation::kTanh;
  const bool known = cell.kind == CellKind::kSimple
                         ? tanh || cell.activation == Activation::kRelu
                         : tanh && cell.recurrent_activation == Activation::kSigmoid;
  return known ? std::make_unique<FusedPlan>(cell, inputs) : nullptr;
}

}  // namespace weft
