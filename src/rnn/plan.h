// A cell ready to run: its weights packed for the instruction set in use, but for
// those below sparse inputs.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/matrix.h"
#include "rnn/cell.h"

namespace weft {

template <class T>
struct StepArguments {
  int64_t rows;
  const T* p;  // [rows][ld_p()] of project()
  const T* h;  // [rows][ld()], the previous state
  T* h_next;   // [rows][ld()], not `h`
  T* c;        // [rows][ld()], updated in place; only with has_c()
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
  int64_t ld_p() const { return ld_p_; }
  int64_t scratch_per_row() const { return scratch_per_row_; }

  // p = the part of the gates that the inputs decide; they come in the parts that make_plan saw.
  virtual void project(int64_t rows, std::span<const base::Operand<T>> inputs, T* p) const = 0;
  virtual void step(const StepArguments<T>& arguments) const = 0;

 protected:
  int64_t units_ = 0, ld_ = 0, ld_p_ = 0, scratch_per_row_ = 0;
  bool has_c_ = false;
};

// The fused float32 plan where there is one (the default activations; relu for SimpleRNN), or the
// plain one, which runs every activation and float64. `cell` is built, and no stack.
template <class T>
std::unique_ptr<CellPlan<T>> make_plan(const CellData& cell,
                                       std::span<const base::Operand<T>> inputs);

// Null if there is none for this cell.
std::unique_ptr<CellPlan<float>> make_fused_plan(const CellData& cell,
                                                 std::span<const base::Operand<float>> inputs);

}  // namespace weft
