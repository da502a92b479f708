// A cell ready to run: its weights packed for the instruction set in use, but for
// those below sparse inputs.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/matrix.h"
#include "rnn/cell.h"

namespace weft {

// A layer's inputs, in parts side by side: one set for all gates, or one for each.
template <class T>
using InputSets = std::vector<std::vector<base::Operand<T>>>;

template <class T>
struct StepArguments {
  int64_t rows;
  T* p;        // [rows][ld_p()] of project()
  const T* h;  // [rows][ld()], the previous state
  T* h_next;   // [rows][ld()], not `h`
  const T* c;  // [rows][ld()], the previous one; only with has_c()
  T* c_next;   // may be `c`
  T* scratch;  // [rows][scratch_per_row()]
  // [rows][ld_p()]: by what the product with the state multiplies it, for each gate; or null.
  const T* h_mask = nullptr;
  // For the way back: `p`, and `kept` [rows][kept_per_row()], then hold what step_backward() needs.
  bool keep = false;
  T* kept = nullptr;
};

// One step backwards. grad_h and grad_c, [rows][ld()], come as the gradients of the new states and
// leave as those of the previous ones.
template <class T>
struct StepGradient {
  int64_t rows;
  const T *p, *kept;    // as step() left them
  const T *h, *h_next;  // as step() had them
  const T *c, *c_next;
  const T* h_mask;  // as step() had it
  T *grad_h, *grad_c;
  T* grad_p;   // [rows][ld_p()]: of the projected inputs
  T* grad_u;   // [rows][ld_p()]: of the product with the state; is grad_p but with splits_gates()
  T* left;     // [rows][ld()]: the candidate's operand instead of h; only with has_left()
  T* scratch;  // [rows][scratch_per_row()]
};

// A row's result depends on that row and the weights alone, bit for bit.
template <class T>
class CellPlan {
 public:
  virtual ~CellPlan() = default;

  int64_t units() const { return units_; }
  bool has_c() const { return has_c_; }
  int64_t ld() const { return ld_; }  // row stride of h and c, at least units()
  int64_t ld_p() const { return base::width_of<T>(layout_); }
  int64_t scratch_per_row() const { return scratch_per_row_; }
  int64_t kept_per_row() const { return kept_per_row_; }
  const base::PanelLayout& layout() const { return layout_; }  // of a row of p
  // GRU with reset_after: the candidate's gradient behind r is another than in front of it.
  bool splits_gates() const { return splits_gates_; }
  // GRU without: the candidate multiplies r * h.
  bool has_left() const { return has_left_; }

  // With masks for each gate: gate g of a row of p begins at g * ld(), in this layout.
  const base::PanelLayout& gate_layout() const { return gate_layout_; }

  // p = the part of the gates that the inputs decide; they come in the parts that make_plan saw.
  virtual void project(int64_t rows, const InputSets<T>& inputs, T* p) const = 0;
  virtual void step(const StepArguments<T>& arguments) const = 0;
  // Only of a plan that was made with `backward`.
  virtual void step_backward(const StepGradient<T>& arguments) const = 0;

 protected:
  base::PanelLayout layout_, gate_layout_;
  int64_t units_ = 0, ld_ = 0, scratch_per_row_ = 0, kept_per_row_ = 0;
  bool has_c_ = false, splits_gates_ = false, has_left_ = false;
};

// The fused float32 plan where there is one (the default activations; relu for SimpleRNN), or the
// plain one, which runs every activation and float64, and masks for each gate: several sets of
// inputs, or `mask_states`. `cell` is built, and no stack. With `backward` it can step backwards as
// well.
template <class T>
std::unique_ptr<CellPlan<T>> make_plan(const CellData& cell, const InputSets<T>& inputs,
                                       bool mask_states, bool backward);

// Null if there is none for this cell.
std::unique_ptr<CellPlan<float>> make_fused_plan(const CellData& cell,
                                                 std::span<const base::Operand<float>> inputs,
                                                 bool backward);

}  // namespace weft
