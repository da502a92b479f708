// Float32 cells with the usual activations: each step is one kernel, from the product with the
// state to the new state, without a gate leaving its register.
#include <vector>

#include "base/cpu.h"
#include "rnn/packed.h"
#include "rnn/plan.h"
#include "rnn/rnn_kernel.h"

namespace weft {
namespace {

class FusedPlan final : public CellPlan<float> {
 public:
  explicit FusedPlan(const CellData& cell)
      : kernel_(WEFT_KERNEL(rnn_kernel)),
        kind_(cell.kind),
        relu_(cell.activation == Activation::kRelu),
        reset_after_(cell.reset_after),
        depth_(cell.kernel().dim(0)) {
    units_ = cell.units;
    ld_ = padded_units<float>(units_);
    has_c_ = kind_ == CellKind::kLstm;
    if (kind_ == CellKind::kGru && !reset_after_) scratch_per_row_ = 2 * ld_;
    const int64_t unit_vectors = ld_ / kernel_.lanes;
    vectors_ =
        kind_ == CellKind::kSimple ? panel_vectors(unit_vectors) : static_cast<int>(cell.gates());
    panels_ = kind_ == CellKind::kSimple ? unit_vectors / vectors_ : unit_vectors;
    ld_p_ = panels_ * vectors_ * kernel_.lanes;
    pack(cell);
  }

  void project(int64_t rows, const float* x, int64_t ld_x, float* p) const override {
    kernel_.product({.rows = rows,
                     .depth = depth_,
                     .a = x,
                     .lda = ld_x,
                     .b = floats(w_),
                     .panels = panels_,
                     .vectors = vectors_,
                     .start = floats(bias_),
                     .ld_start = 0,
                     .out = p,
                     .ld_out = ld_p_});
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
                           .u = floats(u_),
                           .panels = panels_,
                           .vectors = vectors_,
                           .recurrent_bias = floats(candidate_bias_),
                           .u_candidate = floats(u_candidate_),
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
  // Columns of gates first_gate, first_gate + 1, ... of w [depth][gates * units], one vector of
  // units and all these gates to a panel (SimpleRNN: several vectors of units).
  Buffer pack(const float* w, int64_t depth, int64_t ld_w, int first_gate, int vectors) const {
    return pack_panels(w, depth, ld_w, panels_, vectors, kernel_.lanes, [&](int64_t p, int v) {
      const bool simple = kind_ == CellKind::kSimple;
      const int64_t unit = (simple ? p * vectors + v : p) * kernel_.lanes;
      const int64_t gate = simple ? 0 : first_gate + v;
      return PackSource{gate * units_ + unit, units_ - unit};
    });
  }

  void pack(const CellData& cell) {
    const int64_t width = cell.gates() * units_;
    const float* u = cell.recurrent_kernel().values<float>().data();
    w_ = pack(cell.kernel().values<float>().data(), depth_, width, 0, vectors_);
    std::vector<float> bias(static_cast<size_t>(width), 0), candidate(static_cast<size_t>(ld_), 0);
    if (cell.use_bias) {
      const std::span<const float> given = cell.bias()->values<float>();
      std::copy_n(given.begin(), width, bias.begin());
      if (kind_ == CellKind::kGru && reset_after_) {
        const float* recurrent = given.data() + width;
        for (int64_t i = 0; i < 2 * units_; ++i) bias[static_cast<size_t>(i)] += recurrent[i];
        std::copy_n(recurrent + 2 * units_, units_, candidate.begin());
      }
    }
    bias_ = pack(bias.data(), 1, width, 0, vectors_);
    candidate_bias_ = Buffer::copy_of(candidate.data(), ld_ * int64_t{sizeof(float)});
    if (kind_ == CellKind::kGru && !reset_after_) {
      u_ = pack(u, units_, width, 0, 2);
      u_candidate_ = pack(u, units_, width, 2, 1);
    } else {
      u_ = pack(u, units_, width, 0, vectors_);
    }
  }

  const RnnKernel& kernel_;
  const CellKind kind_;
  const bool relu_, reset_after_;
  const int64_t depth_;
  int vectors_ = 1;
  int64_t panels_ = 0;
  Buffer w_, u_, u_candidate_, bias_, candidate_bias_;
};

}  // namespace

std::unique_ptr<CellPlan<float>> make_fused_plan(const CellData& cell) {
  const bool tanh = cell.activation == Activation::kTanh;
  const bool known = cell.kind == CellKind::kSimple
                         ? tanh || cell.activation == Activation::kRelu
                         : tanh && cell.recurrent_activation == Activation::kSigmoid;
  return known ? std::make_unique<FusedPlan>(cell) : nullptr;
}

}  // namespace weft
